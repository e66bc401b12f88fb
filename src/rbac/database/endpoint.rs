//! Cloud facts that a well-known host name implies (db-service.md 2.5).

use super::Database;

impl Database {
    /// Fills missing AWS facts from the host of the URI.
    pub(super) fn fill_from_uri(&mut self) {
        let host = host(&self.uri);
        let china = host.ends_with(".amazonaws.com.cn");
        let Some(stem) = host
            .strip_suffix(".amazonaws.com.cn")
            .or_else(|| host.strip_suffix(".amazonaws.com"))
        else {
            return;
        };
        let labels: Vec<&str> = stem.split('.').collect();
        let fill = |slot: &mut String, value: &str| {
            if slot.is_empty() {
                value.clone_into(slot);
            }
        };
        // In China the region follows the service, elsewhere it precedes it.
        let service_and_region = |service: &str| -> Option<(usize, &str)> {
            let at = labels.iter().position(|l| *l == service)?;
            let region = if china {
                labels.get(at + 1)
            } else {
                at.checked_sub(1).and_then(|i| labels.get(i))
            };
            Some((at, region.copied().unwrap_or_default()))
        };
        let first = labels.first().copied().unwrap_or_default();
        if let Some((_, region)) = service_and_region("redshift") {
            fill(&mut self.aws.redshift.cluster_id, first);
            fill(&mut self.aws.region, region);
        } else if let Some((at, region)) = service_and_region("redshift-serverless") {
            if let Some(end) = first.find("-endpoint-") {
                fill(
                    &mut self.aws.redshift_serverless.endpoint_name,
                    &first[..end],
                );
            } else {
                fill(&mut self.aws.redshift_serverless.workgroup_name, first);
            }
            if at >= 2 {
                fill(&mut self.aws.account_id, labels[1]);
            }
            fill(&mut self.aws.region, region);
        } else if let Some((_, region)) = service_and_region("rds") {
            let second = labels.get(1).copied().unwrap_or_default();
            if second.starts_with("proxy-") {
                fill(&mut self.aws.rdsproxy.name, first);
            } else if second.starts_with("cluster-") && !second.starts_with("cluster-custom-") {
                fill(&mut self.aws.rds.cluster_id, first);
            } else if !second.starts_with("cluster-") {
                fill(&mut self.aws.rds.instance_id, first);
            }
            fill(&mut self.aws.region, region);
        }
    }
}

/// The host part of `scheme://host:port/path`.
fn host(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let rest = rest.split(['/', '?']).next().unwrap_or_default();
    rest.rsplit_once(':').map_or(rest, |(host, _)| host)
}
