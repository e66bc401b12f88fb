//! Role documents (YAML or JSON, as `tctl create` takes them): defaults and validation (rbac.md 1.3).

use serde_json::{Map, Value};

use super::scalar::{
    boolean, create_user_mode, duration, list, object, patterns, require_mfa, text, text_map,
};
use super::{
    Conditions, DEFAULT_NAMESPACE, DatabasePermission, LabelPatterns, Role, RoleOptions, Rule,
};
use crate::quote::{self, quote};
use crate::rbac::{DocumentError, WILDCARD};

/// 30 hours in nanoseconds: the longest session of a role that names none.
const DEFAULT_MAX_SESSION_TTL: i64 = 30 * 3600 * 1_000_000_000;

impl Role {
    /// Reads a role document, applies the defaults of its version and validates it, as a cluster does when it stores it.
    ///
    /// Unknown fields are ignored; label expressions and templates that do not parse are accepted (they fail later).
    ///
    /// # Errors
    /// The text of rbac.md 1.3 or 1.4 for what is refused.
    pub fn from_document(document: &Value) -> Result<Self, DocumentError> {
        let Value::Object(root) = document else {
            return Err(DocumentError::new("a role document is an object"));
        };
        let kind = text(root, "kind")?;
        if !kind.is_empty() && kind != "role" {
            return Err(DocumentError::new(format!(
                "unexpected resource kind {}, must be \"role\"",
                quote(&kind)
            )));
        }
        let version = text(root, "version")?;
        if !matches!(version.as_str(), "v3" | "v4" | "v5" | "v6" | "v7" | "v8") {
            return Err(DocumentError::new(format!(
                "role version {} is not supported",
                quote(&version)
            )));
        }
        let empty = Map::new();
        let metadata = object(root, "metadata")?.unwrap_or(&empty);
        let name = text(metadata, "name")?;
        check_name(&name)?;
        let spec = object(root, "spec")?.unwrap_or(&empty);
        let options = options(object(spec, "options")?.unwrap_or(&empty))?;
        let allow_fields = object(spec, "allow")?.unwrap_or(&empty);
        let mut allow = conditions(allow_fields)?;
        let deny = conditions(object(spec, "deny")?.unwrap_or(&empty))?;
        if version == "v3" && allow.database_labels.is_empty() {
            allow
                .database_labels
                .insert(WILDCARD.into(), vec![WILDCARD.into()]);
        }
        check_allow(allow_fields, &allow)?;
        Ok(Self {
            name,
            description: text(metadata, "description")?,
            labels: text_map("labels", metadata.get("labels"))?,
            version,
            options,
            allow,
            deny,
        })
    }
}

fn options(fields: &Map<String, Value>) -> Result<RoleOptions, DocumentError> {
    let require_mfa = require_mfa(fields.get("require_session_mfa"))?;
    if require_mfa.0 > 1 {
        return Err(DocumentError::new(
            "Hardware Key support is only available with an enterprise license",
        ));
    }
    let max_session_ttl = duration("max_session_ttl", fields.get("max_session_ttl"))?;
    let flag = |key: &str| boolean(key, fields.get(key)).map(Option::unwrap_or_default);
    Ok(RoleOptions {
        max_session_ttl: if max_session_ttl <= 0 {
            DEFAULT_MAX_SESSION_TTL
        } else {
            max_session_ttl
        },
        client_idle_timeout: duration("client_idle_timeout", fields.get("client_idle_timeout"))?,
        disconnect_expired_cert: flag("disconnect_expired_cert")?,
        pin_source_ip: flag("pin_source_ip")?,
        require_mfa,
        device_trust_mode: text(fields, "device_trust_mode")?,
        // A stored role always says it (auth-api.md 6.1).
        create_db_user: Some(flag("create_db_user")?),
        create_db_user_mode: create_user_mode(fields.get("create_db_user_mode"))?,
        mfa_verification_interval: duration(
            "mfa_verification_interval",
            fields.get("mfa_verification_interval"),
        )?,
        request_access: text(fields, "request_access")?,
        request_prompt: text(fields, "request_prompt")?,
        lock: text(fields, "lock")?,
        forward_agent: flag("forward_agent")?,
        certificate_format: text(fields, "cert_format")?,
    })
}

fn conditions(fields: &Map<String, Value>) -> Result<Conditions, DocumentError> {
    let strings = |key: &str| list(key, fields.get(key));
    let selector = |key: &str| patterns(key, fields.get(key));
    Ok(Conditions {
        namespaces: vec![DEFAULT_NAMESPACE.to_owned()],
        logins: strings("logins")?,
        node_labels: selector("node_labels")?,
        database_labels: selector("db_labels")?,
        database_labels_expression: text(fields, "db_labels_expression")?,
        database_users: strings("db_users")?,
        database_names: strings("db_names")?,
        database_roles: strings("db_roles")?,
        database_permissions: permissions(fields.get("db_permissions"))?,
        database_service_labels: selector("db_service_labels")?,
        database_service_labels_expression: text(fields, "db_service_labels_expression")?,
        cluster_labels: selector("cluster_labels")?,
        cluster_labels_expression: text(fields, "cluster_labels_expression")?,
        rules: rules(fields.get("rules"))?,
    })
}

fn objects<'v>(
    what: &str,
    value: Option<&'v Value>,
) -> Result<Vec<&'v Map<String, Value>>, DocumentError> {
    let bad = || DocumentError::new(format!("{what} is a list of objects"));
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => items
            .iter()
            .map(|i| i.as_object().ok_or_else(bad))
            .collect(),
        Some(_) => Err(bad()),
    }
}

fn permissions(value: Option<&Value>) -> Result<Vec<DatabasePermission>, DocumentError> {
    objects("db_permissions", value)?
        .into_iter()
        .map(|fields| {
            Ok(DatabasePermission {
                permissions: list("permissions", fields.get("permissions"))?,
                matching: patterns("match", fields.get("match"))?,
            })
        })
        .collect()
}

fn rules(value: Option<&Value>) -> Result<Vec<Rule>, DocumentError> {
    objects("rules", value)?
        .into_iter()
        .map(|fields| {
            Ok(Rule {
                resources: list("resources", fields.get("resources"))?,
                verbs: list("verbs", fields.get("verbs"))?,
                condition: text(fields, "where")?,
            })
        })
        .collect()
}

/// Names may hold letters, digits and `@ _ : . - +`.
fn check_name(name: &str) -> Result<(), DocumentError> {
    if name.is_empty() {
        return Err(DocumentError::new("missing parameter Name"));
    }
    if name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"@_:.-+".contains(&b))
    {
        return Ok(());
    }
    Err(DocumentError::new(format!(
        "special characters are not allowed in resource names, please use name composed only from characters, hyphens, \
         dots, and plus signs: {}",
        quote(&format!("/roles/{name}/params"))
    )))
}

fn check_allow(fields: &Map<String, Value>, allow: &Conditions) -> Result<(), DocumentError> {
    for (key, value) in fields.iter().filter(|(key, _)| key.ends_with("_labels")) {
        check_wildcard(&patterns(key, Some(value))?)?;
    }
    if allow.database_roles.iter().any(|r| r == WILDCARD) {
        return Err(DocumentError::new(
            "wildcard is not allowed in allow.database_roles",
        ));
    }
    if allow
        .database_permissions
        .iter()
        .any(|p| p.permissions.iter().any(|p| p == WILDCARD))
    {
        return Err(DocumentError::new(
            "individual database permissions cannot be wildcards strings",
        ));
    }
    let request = fields.get("request").and_then(Value::as_object);
    if !list(
        "search_as_roles",
        request.and_then(|r| r.get("search_as_roles")),
    )?
    .is_empty()
    {
        return Err(DocumentError::new(
            "role field allow.search_as_roles is only available in enterprise subscriptions",
        ));
    }
    Ok(())
}

fn check_wildcard(patterns: &LabelPatterns) -> Result<(), DocumentError> {
    match patterns.get(WILDCARD) {
        Some(values) if values != &[WILDCARD] => Err(DocumentError::new(format!(
            "selector *:{} is not supported",
            quote::list(values)
        ))),
        _ => Ok(()),
    }
}
