//! The authorities that sign Amazon's database servers: Amazon publishes them at fixed addresses (db-service.md 2.5).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::Mutex;

use super::http::Http;
use crate::cluster::dbservice::PasswordError;
use crate::rbac::DatabaseKind;

/// How often Amazon is asked again.
const DAY: Duration = Duration::from_secs(86_400);

/// Where the authorities of a kind of database are published.
pub(super) fn url(kind: DatabaseKind, region: &str) -> String {
    let china = region.starts_with("cn-");
    match kind {
        DatabaseKind::Rds | DatabaseKind::RdsProxy if china => format!(
            "https://rds-truststore.s3.cn-north-1.amazonaws.com.cn/{region}/{region}-bundle.pem"
        ),
        DatabaseKind::Rds | DatabaseKind::RdsProxy => {
            let gov = if region.starts_with("us-gov-") {
                "us-gov-west-1."
            } else {
                ""
            };
            format!("https://truststore.pki.{gov}rds.amazonaws.com/{region}/{region}-bundle.pem")
        }
        _ if china => "https://s3.cn-north-1.amazonaws.com.cn/redshift-downloads-cn/amazon-trust-ca-bundle.crt".into(),
        _ => "https://s3.amazonaws.com/redshift-downloads/amazon-trust-ca-bundle.crt".into(),
    }
}

/// The bundles that were fetched.
#[derive(Debug)]
pub(super) struct Trust {
    http: Http,
    known: Mutex<HashMap<String, (Arc<str>, Instant)>>,
}

impl Trust {
    pub(super) fn new(http: Http) -> Self {
        Self {
            http,
            known: Mutex::default(),
        }
    }

    /// The bundle at `url`, asked for once a day. An older one is better than none.
    pub(super) async fn get(&self, url: &str) -> Result<Arc<str>, PasswordError> {
        let mut known = self.known.lock().await;
        if let Some((bundle, at)) = known.get(url)
            && at.elapsed() < DAY
        {
            return Ok(Arc::clone(bundle));
        }
        match self.fetch(url).await {
            Ok(bundle) => {
                known.insert(url.to_owned(), (Arc::clone(&bundle), Instant::now()));
                Ok(bundle)
            }
            Err(why) => known.get(url).map(|(bundle, _)| Arc::clone(bundle)).ok_or(PasswordError {
                message: format!("cannot fetch the authorities of Amazon's servers from {url}: {why}"),
                hint: Some(
                    "let postern-cluster reach that address, or put the certificates into the document's `tls.ca_cert`, \
                     or set its `tls.trust_system_cert_pool`"
                        .into(),
                ),
            }),
        }
    }

    async fn fetch(&self, url: &str) -> Result<Arc<str>, String> {
        let request = http::Request::get(url)
            .body(Bytes::new())
            .map_err(|error| error.to_string())?;
        let answer = self.http.send(request).await?;
        let body = String::from_utf8_lossy(answer.body());
        if answer.status() != http::StatusCode::OK {
            return Err(format!("HTTP {}", answer.status().as_u16()));
        }
        if !body.contains("-----BEGIN CERTIFICATE-----") {
            return Err("no certificates in the answer".into());
        }
        Ok(body.as_ref().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let redshift = |region| url(DatabaseKind::Redshift, region);
        let rds = |region| url(DatabaseKind::Rds, region);
        assert_eq!(
            redshift("eu-west-1"),
            "https://s3.amazonaws.com/redshift-downloads/amazon-trust-ca-bundle.crt"
        );
        assert_eq!(
            redshift("cn-north-1"),
            "https://s3.cn-north-1.amazonaws.com.cn/redshift-downloads-cn/amazon-trust-ca-bundle.crt"
        );
        assert_eq!(
            rds("eu-west-1"),
            "https://truststore.pki.rds.amazonaws.com/eu-west-1/eu-west-1-bundle.pem"
        );
        assert_eq!(
            rds("us-gov-east-1"),
            "https://truststore.pki.us-gov-west-1.rds.amazonaws.com/us-gov-east-1/us-gov-east-1-bundle.pem"
        );
        assert_eq!(
            rds("cn-northwest-1"),
            "https://rds-truststore.s3.cn-north-1.amazonaws.com.cn/cn-northwest-1/cn-northwest-1-bundle.pem"
        );
    }
}
