//! Which fields of a document count. Every other one is named, so that nobody relies on what is not there.

use serde_json::Value;

/// Fields that every kind may have. What `tctl get` adds (`id`, `revision`, `namespace`) says nothing to a cluster.
const COMMON: &[&str] = &[
    "kind",
    "version",
    "metadata.name",
    "metadata.description",
    "metadata.labels.*",
    "metadata.namespace",
    "metadata.id",
    "metadata.revision",
];

const ROLE: &[&str] = &[
    "spec.options.max_session_ttl",
    "spec.options.client_idle_timeout",
    "spec.options.disconnect_expired_cert",
    "spec.options.pin_source_ip",
    "spec.options.require_session_mfa",
    "spec.options.device_trust_mode",
    "spec.options.create_db_user",
    "spec.options.create_db_user_mode",
    "spec.options.mfa_verification_interval",
    "spec.options.request_access",
    "spec.options.request_prompt",
    "spec.options.lock",
    "spec.options.forward_agent",
    "spec.options.cert_format",
    "spec.{allow,deny}.namespaces",
    "spec.{allow,deny}.logins",
    "spec.{allow,deny}.node_labels.*",
    "spec.{allow,deny}.db_labels.*",
    "spec.{allow,deny}.db_labels_expression",
    "spec.{allow,deny}.db_users",
    "spec.{allow,deny}.db_names",
    "spec.{allow,deny}.db_roles",
    "spec.{allow,deny}.db_permissions",
    "spec.{allow,deny}.db_service_labels.*",
    "spec.{allow,deny}.db_service_labels_expression",
    "spec.{allow,deny}.cluster_labels.*",
    "spec.{allow,deny}.cluster_labels_expression",
    "spec.{allow,deny}.rules",
    "spec.{allow,deny}.request",
];

const DATABASE: &[&str] = &[
    "metadata.expires",
    "spec.protocol",
    "spec.uri",
    "spec.ca_cert",
    "spec.dynamic_labels",
    "spec.aws",
    "spec.gcp",
    "spec.azure",
    "spec.tls.mode",
    "spec.tls.ca_cert",
    "spec.tls.server_name",
    "spec.tls.trust_system_cert_pool",
    "spec.ad.domain",
    "spec.ad.spn",
    "spec.mysql.server_version",
    "spec.admin_user.name",
    "spec.admin_user.default_database",
    "spec.mongo_atlas.name",
    "spec.oracle",
    "status",
];

const USER: &[&str] = &[
    "spec.roles",
    "spec.traits.*",
    // What the cluster found out, not what was asked for.
    "spec.created_by",
    "spec.status",
    "status",
];

const TRUSTED_CLUSTER: &[&str] = &[
    "spec.enabled",
    "spec.role_map",
    "spec.roles",
    "spec.token",
    "spec.tunnel_addr",
    "spec.web_proxy_addr",
];

/// Targets that concern other services (SSH logins, desktops, bots, agents) are read but ask nobody here.
const LOCK: &[&str] = &[
    "spec.target.user",
    "spec.target.role",
    "spec.target.mfa_device",
    "spec.target.device",
    "spec.target.access_request",
    "spec.message",
    "spec.expires",
    "spec.created_at",
    "spec.created_by",
];

const OIDC: &[&str] = &[
    "spec.issuer_url",
    "spec.client_id",
    "spec.client_secret",
    "spec.redirect_url",
    "spec.display",
    "spec.scope",
    "spec.claims_to_roles",
    "spec.username_claim",
    "spec.prompt",
    "spec.max_age",
    "spec.acr_values",
    "spec.allow_unverified_email",
    "spec.pkce_mode",
    "spec.client_redirect_settings.allowed_https_hostnames",
    "spec.client_redirect_settings.insecure_allowed_cidr_ranges",
    // Says which provider it is, where that would make a difference.
    "spec.provider",
];

const PREFERENCE: &[&str] = &[
    "spec.type",
    "spec.connector_name",
    "spec.allow_local_auth",
    "spec.second_factor",
    "spec.second_factors",
    "spec.default_session_ttl",
    "spec.disconnect_expired_cert",
    // Locks lie in the cluster's own state and are never stale, so that both modes are the same.
    "spec.locking_mode",
    // Only one suite is spoken, and every client of these versions speaks it.
    "spec.signature_algorithm_suite",
];

const NETWORKING: &[&str] = &["spec.client_idle_timeout"];

/// The fields of `kind` that count; `None` for a kind that is not used here.
pub(super) fn known(kind: &str) -> Option<[&'static [&'static str]; 2]> {
    let own = match kind {
        "role" => ROLE,
        "db" => DATABASE,
        "user" => USER,
        "trusted_cluster" => TRUSTED_CLUSTER,
        "lock" => LOCK,
        "oidc" => OIDC,
        "cluster_auth_preference" => PREFERENCE,
        "cluster_networking_config" => NETWORKING,
        _ => return None,
    };
    Some([COMMON, own])
}

/// The paths in `value` that no pattern of `known` covers, outermost first. A pattern covers what lies below it; `*` stands
/// for any name. A field that is empty or false asks for nothing.
pub(crate) fn unknown(value: &Value, known: &[&[&str]]) -> Vec<String> {
    let patterns: Vec<Vec<&str>> = known
        .iter()
        .flat_map(|list| list.iter())
        .map(|pattern| pattern.split('.').collect())
        .collect();
    let mut found = Vec::new();
    walk(value, &mut Vec::new(), &patterns, &mut found);
    found
}

fn walk<'v>(
    value: &'v Value,
    path: &mut Vec<&'v str>,
    patterns: &[Vec<&str>],
    found: &mut Vec<String>,
) {
    let Value::Object(fields) = value else { return };
    for (key, value) in fields {
        path.push(key);
        match fit(path, patterns) {
            Fit::Covered => {}
            Fit::Inside if value.is_object() || value.is_null() => {
                walk(value, path, patterns, found);
            }
            Fit::Inside | Fit::Unknown => {
                if !asks_for_nothing(value) {
                    found.push(path.join("."));
                }
            }
        }
        path.pop();
    }
}

enum Fit {
    /// A pattern names it or something around it.
    Covered,
    /// Patterns name something in it.
    Inside,
    Unknown,
}

fn fit(path: &[&str], patterns: &[Vec<&str>]) -> Fit {
    let mut inside = false;
    for pattern in patterns {
        if path
            .iter()
            .zip(pattern)
            .all(|(name, wanted)| same(name, wanted))
        {
            if path.len() >= pattern.len() {
                return Fit::Covered;
            }
            inside = true;
        }
    }
    if inside { Fit::Inside } else { Fit::Unknown }
}

/// `{a,b}` stands for either name.
fn same(name: &str, wanted: &str) -> bool {
    match wanted.strip_prefix('{').and_then(|w| w.strip_suffix('}')) {
        Some(choice) => choice.split(',').any(|w| w == name),
        None => wanted == "*" || wanted == name,
    }
}

fn asks_for_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        // As Go prints zero values.
        Value::String(text) => matches!(text.as_str(), "" | "0s" | "0001-01-01T00:00:00Z"),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(asks_for_nothing),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_asks_for_something_unknown_is_named() {
        let role = serde_json::json!({
            "kind": "role", "version": "v7", "metadata": {"name": "x", "labels": {"a.b": "c"}, "expires": "2030-01-01T00:00:00Z"},
            "spec": {
                "options": {"max_session_ttl": "8h", "enhanced_recording": ["command"], "port_forwarding": false},
                "allow": {"db_labels": {"*": "*"}, "db_lables": {"*": "*"}, "app_labels": {}, "rules": [{"resources": ["x"]}]},
                "deny": {"kubernetes_groups": ["g"]},
            },
        });
        let known = known("role").expect("a known kind");
        assert_eq!(
            unknown(&role, &known),
            [
                "metadata.expires",
                "spec.allow.db_lables",
                "spec.deny.kubernetes_groups",
                "spec.options.enhanced_recording",
            ]
        );
        assert!(super::known("windows_desktop").is_none());
    }

    #[test]
    fn a_text_where_fields_belong_is_left_to_the_reader_of_the_kind() {
        let value = serde_json::json!({"spec": "text", "metadata": {"labels": "text"}});
        assert_eq!(
            unknown(&value, &known("user").expect("a known kind")),
            ["metadata.labels", "spec"]
        );
    }
}
