//! The token that RDS and Aurora take for a password: a request that is signed and never sent (db-service.md 2.5).

use percent_encoding::utf8_percent_encode;
use reqsign_aws_v4::constants::AWS_QUERY_ENCODE_SET;
use reqsign_aws_v4::{Credential as Identity, EMPTY_STRING_SHA256};
use reqsign_core::hash::{hex_hmac_sha256, hex_sha256, hmac_sha256};
use reqsign_core::time::Timestamp;

use super::Target;
use super::identity::{Identities, NoIdentity};
use super::memory::Kept;
use crate::cluster::dbservice::Credential;

/// How long a token is valid, seconds.
const DURATION: i64 = 900;
const SERVICE: &str = "rds-db";

pub(super) async fn login(
    identities: &Identities,
    target: &Target<'_>,
    host: &str,
    port: u16,
) -> Result<Kept, NoIdentity> {
    let identity = identities.get(&target.roles(), &target.region).await?;
    let now = Timestamp::now();
    let token = token(&identity, &target.region, host, port, target.user, now);
    let end = identity
        .expires_in
        .map_or(i64::MAX, Timestamp::as_second)
        .min(now.as_second() + DURATION);
    Ok(Kept {
        credential: Credential {
            login: target.user.to_owned(),
            password: Some(token.into()),
        },
        expires: end,
    })
}

/// `host:port/?Action=connect&DBUser=…` with the signature in the query: Signature Version 4, header `host` alone, empty
/// body.
fn token(
    identity: &Identity,
    region: &str,
    host: &str,
    port: u16,
    user: &str,
    now: Timestamp,
) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, &AWS_QUERY_ENCODE_SET).to_string();
    let (day, moment) = (now.format_date(), now.format_iso8601());
    let scope = format!("{day}/{region}/{SERVICE}/aws4_request");
    // Already in the order of their names, as the signature wants them.
    let mut query = format!(
        "Action=connect&DBUser={}&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}&X-Amz-Date={moment}\
         &X-Amz-Expires={DURATION}",
        encoded(user),
        encoded(&format!("{}/{scope}", identity.access_key_id)),
    );
    if let Some(session) = &identity.session_token {
        query.push_str("&X-Amz-Security-Token=");
        query.push_str(&encoded(session));
    }
    query.push_str("&X-Amz-SignedHeaders=host");
    let request = format!("GET\n/\n{query}\nhost:{host}:{port}\n\nhost\n{EMPTY_STRING_SHA256}");
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{moment}\n{scope}\n{}",
        hex_sha256(request.as_bytes())
    );
    let secret = zeroize::Zeroizing::new(format!("AWS4{}", identity.secret_access_key));
    let key = [day.as_str(), region, SERVICE, "aws4_request"]
        .iter()
        .fold(secret.as_bytes().to_vec(), |key, part| {
            hmac_sha256(&key, part.as_bytes())
        });
    let signature = hex_hmac_sha256(&key, to_sign.as_bytes());
    format!("{host}:{port}/?{query}&X-Amz-Signature={signature}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens made by botocore; see the README beside them.
    #[test]
    fn equals_what_botocore_makes() {
        let cases: Vec<serde_json::Value> =
            serde_json::from_str(include_str!("../../../tests/data/aws/rds-tokens.json"))
                .expect("the cases");
        assert!(cases.len() >= 4);
        for case in cases {
            let text = |name: &str| case[name].as_str().unwrap_or_default();
            let identity = Identity {
                access_key_id: text("access_key").into(),
                secret_access_key: text("secret_key").into(),
                session_token: case["session_token"].as_str().map(ToOwned::to_owned),
                expires_in: None,
            };
            let now = Timestamp::from_second(case["time"].as_i64().expect("a time")).expect("one");
            let port = u16::try_from(case["port"].as_u64().expect("a port")).expect("a port");
            let made = token(
                &identity,
                text("region"),
                text("host"),
                port,
                text("user"),
                now,
            );
            // botocore puts the session's token behind the signed headers; the signature is that of the sorted ones.
            let parts = |token: &str| {
                let mut parts: Vec<String> = token.split('&').map(str::to_owned).collect();
                parts.sort();
                parts
            };
            assert_eq!(parts(&made), parts(text("token")));
        }
    }
}
