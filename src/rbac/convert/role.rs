//! Roles.

use super::{label_values, to_label_values};
use crate::proto::types::{
    BoolValue, DatabasePermission as PermissionMessage, Metadata, RoleConditions,
    RoleOptions as OptionsMessage, RoleSpecV6, RoleV6, Rule as RuleMessage,
};
use crate::rbac::role::{
    Conditions, CreateUserMode, DatabasePermission, RequireMfa, Role, RoleOptions, Rule,
};

const SECOND: i64 = 1_000_000_000;

impl From<&RoleV6> for Role {
    fn from(message: &RoleV6) -> Self {
        let metadata = message.metadata.clone().unwrap_or_default();
        let spec = message.spec.clone().unwrap_or_default();
        Self {
            name: metadata.name,
            description: metadata.description,
            labels: metadata.labels.into_iter().collect(),
            version: message.version.clone(),
            options: spec.options.map(options).unwrap_or_default(),
            allow: spec.allow.map(conditions).unwrap_or_default(),
            deny: spec.deny.map(conditions).unwrap_or_default(),
        }
    }
}

impl From<&Role> for RoleV6 {
    fn from(role: &Role) -> Self {
        Self {
            kind: "role".into(),
            sub_kind: String::new(),
            version: role.version.clone(),
            metadata: Some(Metadata {
                name: role.name.clone(),
                namespace: "default".into(),
                description: role.description.clone(),
                labels: role.labels.clone().into_iter().collect(),
                ..Metadata::default()
            }),
            spec: Some(RoleSpecV6 {
                options: Some(to_options(&role.options)),
                allow: Some(to_conditions(&role.allow)),
                deny: Some(to_conditions(&role.deny)),
            }),
        }
    }
}

fn options(message: OptionsMessage) -> RoleOptions {
    RoleOptions {
        max_session_ttl: message.max_session_ttl,
        client_idle_timeout: message.client_idle_timeout,
        disconnect_expired_cert: message.disconnect_expired_cert,
        pin_source_ip: message.pin_source_ip,
        require_mfa: RequireMfa(message.require_mfa_type),
        device_trust_mode: message.device_trust_mode,
        create_db_user: message.create_database_user.map(|v| v.value),
        create_db_user_mode: CreateUserMode::from_number(message.create_database_user_mode),
        mfa_verification_interval: message.mfa_verification_interval.map_or(0, |d| {
            d.seconds
                .saturating_mul(SECOND)
                .saturating_add(i64::from(d.nanos))
        }),
        request_access: message.request_access,
        request_prompt: message.request_prompt,
        lock: message.lock,
        forward_agent: message.forward_agent,
        certificate_format: message.certificate_format,
    }
}

fn to_options(options: &RoleOptions) -> OptionsMessage {
    let interval = options.mfa_verification_interval;
    OptionsMessage {
        forward_agent: options.forward_agent,
        max_session_ttl: options.max_session_ttl,
        certificate_format: options.certificate_format.clone(),
        client_idle_timeout: options.client_idle_timeout,
        disconnect_expired_cert: options.disconnect_expired_cert,
        request_access: options.request_access.clone(),
        request_prompt: options.request_prompt.clone(),
        lock: options.lock.clone(),
        pin_source_ip: options.pin_source_ip,
        require_mfa_type: options.require_mfa.0,
        device_trust_mode: options.device_trust_mode.clone(),
        create_database_user: options.create_db_user.map(|value| BoolValue { value }),
        create_database_user_mode: options.create_db_user_mode.number(),
        mfa_verification_interval: (interval != 0).then(|| prost_types::Duration {
            seconds: interval / SECOND,
            nanos: i32::try_from(interval % SECOND).unwrap_or_default(),
        }),
        ..OptionsMessage::default()
    }
}

fn conditions(message: RoleConditions) -> Conditions {
    Conditions {
        namespaces: message.namespaces,
        logins: message.logins,
        node_labels: label_values(message.node_labels.as_ref()),
        database_labels: label_values(message.database_labels.as_ref()),
        database_labels_expression: message.database_labels_expression,
        database_users: message.database_users,
        database_names: message.database_names,
        database_roles: message.database_roles,
        database_permissions: message
            .database_permissions
            .into_iter()
            .map(|p| DatabasePermission {
                matching: label_values(p.r#match.as_ref()),
                permissions: p.permissions,
            })
            .collect(),
        database_service_labels: label_values(message.database_service_labels.as_ref()),
        database_service_labels_expression: message.database_service_labels_expression,
        cluster_labels: label_values(message.cluster_labels.as_ref()),
        cluster_labels_expression: message.cluster_labels_expression,
        rules: message
            .rules
            .into_iter()
            .map(|r| Rule {
                resources: r.resources,
                verbs: r.verbs,
                condition: r.r#where,
            })
            .collect(),
    }
}

fn to_conditions(conditions: &Conditions) -> RoleConditions {
    let conditions = conditions.clone();
    RoleConditions {
        logins: conditions.logins,
        namespaces: conditions.namespaces,
        node_labels: to_label_values(&conditions.node_labels),
        rules: conditions
            .rules
            .into_iter()
            .map(|r| RuleMessage {
                resources: r.resources,
                verbs: r.verbs,
                r#where: r.condition,
                actions: Vec::new(),
            })
            .collect(),
        cluster_labels: to_label_values(&conditions.cluster_labels),
        database_labels: to_label_values(&conditions.database_labels),
        database_names: conditions.database_names,
        database_users: conditions.database_users,
        database_service_labels: to_label_values(&conditions.database_service_labels),
        database_roles: conditions.database_roles,
        cluster_labels_expression: conditions.cluster_labels_expression,
        database_labels_expression: conditions.database_labels_expression,
        database_service_labels_expression: conditions.database_service_labels_expression,
        database_permissions: conditions
            .database_permissions
            .into_iter()
            .map(|p| PermissionMessage {
                permissions: p.permissions,
                r#match: to_label_values(&p.matching),
            })
            .collect(),
        ..RoleConditions::default()
    }
}
