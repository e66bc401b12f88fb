//! Cloud facts that a well-known host name implies (db-service.md 2.5; those of other protocols than PostgreSQL as a real
//! cluster listed them, 18.3.0).

use super::Database;
use super::cloud::Aws;

/// Kerberos configuration of a database service that is told none.
const KRB5_FILE: &str = "/etc/krb5.conf";
/// What follows an Azure resource's name in its host name.
const AZURE: [&str; 5] = [
    ".postgres.database.azure.com",
    ".mysql.database.azure.com",
    ".database.windows.net",
    ".redis.cache.windows.net",
    ".redisenterprise.cache.azure.net",
];

impl Database {
    /// Fills missing facts from the URI.
    pub(super) fn fill_from_uri(&mut self) {
        if self.uri.starts_with("alloydb://") {
            fill(&mut self.gcp.alloydb.endpoint_type, "private");
        }
        if self.protocol == "sqlserver" && !self.ad_keytab.is_empty() {
            fill(&mut self.ad_krb5, KRB5_FILE);
        }
        let host = host(&self.uri);
        if let Some(stem) = AZURE.iter().find_map(|suffix| host.strip_suffix(suffix)) {
            // An enterprise cache has its region between.
            fill(
                &mut self.azure.name,
                stem.split('.').next().unwrap_or_default(),
            );
        }
        let china = host.ends_with(".amazonaws.com.cn");
        let stem = host
            .strip_suffix(".amazonaws.com.cn")
            .or_else(|| host.strip_suffix(".amazonaws.com"));
        if let Some(stem) = stem {
            let labels = stem.split('.').collect();
            Host { labels, china }.fill(&mut self.aws);
        }
    }
}

/// A host name of AWS, without its common end.
struct Host<'a> {
    labels: Vec<&'a str>,
    china: bool,
}

impl<'a> Host<'a> {
    fn label(&self, at: usize) -> &'a str {
        self.labels.get(at).copied().unwrap_or_default()
    }

    /// The region beside a service's label: in China it follows, elsewhere it precedes.
    fn region(&self, service: &str) -> Option<(usize, &'a str)> {
        // Not the first label, which the owner chooses.
        let at = self.labels.iter().skip(1).position(|l| *l == service)? + 1;
        let region = if self.china { at + 1 } else { at - 1 };
        Some((at, self.label(region)))
    }

    fn fill(&self, aws: &mut Aws) {
        let (first, second) = (self.label(0), self.label(1));
        let region = if let Some((_, region)) = self.region("redshift") {
            fill(&mut aws.redshift.cluster_id, first);
            region
        } else if let Some((at, region)) = self.region("redshift-serverless") {
            if let Some(end) = first.find("-endpoint-") {
                fill(&mut aws.redshift_serverless.endpoint_name, &first[..end]);
            } else {
                fill(&mut aws.redshift_serverless.workgroup_name, first);
            }
            if at >= 2 {
                fill(&mut aws.account_id, second);
            }
            region
        } else if let Some((_, region)) = self.region("rds") {
            if second.starts_with("proxy-") {
                fill(&mut aws.rdsproxy.name, first);
            } else if second.starts_with("cluster-") && !second.starts_with("cluster-custom-") {
                fill(&mut aws.rds.cluster_id, first);
            } else if !second.starts_with("cluster-") {
                fill(&mut aws.rds.instance_id, first);
            }
            region
        } else if let Some((_, region)) = self.region("docdb") {
            if second.starts_with("cluster-") {
                fill(&mut aws.docdb.cluster_id, first);
                let reader = second.starts_with("cluster-ro-");
                fill(
                    &mut aws.docdb.endpoint_type,
                    if reader { "reader" } else { "cluster" },
                );
            } else {
                fill(&mut aws.docdb.instance_id, first);
                fill(&mut aws.docdb.endpoint_type, "instance");
            }
            region
        } else if let Some((_, short)) = self.region("cache") {
            self.fill_cache(aws);
            fill(&mut aws.region, &long_region(short));
            return;
        } else if let Some(at) = self.labels.iter().position(|l| *l == "memorydb") {
            // The configuration endpoint; with TLS it comes first, without it just before the service.
            let tls = first == "clustercfg";
            fill(
                &mut aws.memorydb.cluster_name,
                if tls { second } else { first },
            );
            fill(&mut aws.memorydb.endpoint_type, "cluster");
            aws.memorydb.tls_enabled |= tls;
            self.label(at + 1)
        } else {
            return;
        };
        fill(&mut aws.region, region);
    }

    fn fill_cache(&self, aws: &mut Aws) {
        let (first, second) = (self.label(0), self.label(1));
        if second == "serverless" {
            let name = first.rsplit_once('-').map_or(first, |(name, _)| name);
            return fill(&mut aws.elasticache_serverless.cache_name, name);
        }
        // With TLS the role comes first, without it the group.
        let role = match first {
            "master" => Some("primary"),
            "replica" => Some("reader"),
            "clustercfg" => Some("configuration"),
            _ => None,
        };
        aws.elasticache.transit_encryption_enabled |= role.is_some();
        let group = if role.is_some() { second } else { first };
        fill(&mut aws.elasticache.replication_group_id, group);
        fill(
            &mut aws.elasticache.endpoint_type,
            role.unwrap_or("primary"),
        );
    }
}

fn fill(slot: &mut String, value: &str) {
    if slot.is_empty() {
        value.clone_into(slot);
    }
}

/// The region behind the short form of cache hosts: `use1` is `us-east-1`. Unknown forms stay as they are.
fn long_region(short: &str) -> String {
    let Some((area, rest)) = short.split_at_checked(2) else {
        return short.to_owned();
    };
    let end = rest
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (direction, number) = rest.split_at(end);
    let direction = match direction {
        "n" => "north",
        "e" => "east",
        "s" => "south",
        "w" => "west",
        "c" => "central",
        "ne" => "northeast",
        "nw" => "northwest",
        "se" => "southeast",
        "sw" => "southwest",
        _ => return short.to_owned(),
    };
    format!("{area}-{direction}-{number}")
}

/// The host part of `scheme://host:port/path`.
fn host(uri: &str) -> &str {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let rest = rest.split(['/', '?']).next().unwrap_or_default();
    rest.rsplit_once(':').map_or(rest, |(host, _)| host)
}
