//! The answer for programs.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Unseen, words};
use crate::flow::why::{List, Why};
use crate::rbac::explain::{Labels, Origin, RoleReason, SideReason};

/// What `db why --format json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Answer<'a> {
    database: &'a str,
    cluster: &'a str,
    root_cluster: &'a str,
    verdict: &'static str,
    reason: Option<String>,
    username: &'a str,
    username_why: Option<String>,
    user: Option<Chosen<'a>>,
    name: Option<Chosen<'a>>,
    database_roles: Option<Chosen<'a>>,
    automatic: bool,
    mode: &'static str,
    allowed: Option<Allowed<'a>>,
    roles: Vec<Value>,
    hints: Vec<String>,
    nearest: &'a [String],
    elsewhere: &'a [String],
}

#[derive(Debug, Serialize)]
struct Chosen<'a> {
    value: Value,
    why: &'a str,
}

#[derive(Debug, Serialize)]
struct Allowed<'a> {
    users: &'a [String],
    users_denied: &'a [String],
    names: &'a [String],
    names_denied: &'a [String],
    database_roles: &'a [String],
}

/// The answer about a database.
pub(super) fn answer<'a>(why: &'a Why, hints: &[String]) -> Answer<'a> {
    let target = why.verdict.target();
    let question = words::Question::of(why);
    Answer {
        database: &why.database.name,
        cluster: &why.cluster,
        root_cluster: &why.root_cluster,
        verdict: why.verdict.name(),
        reason: why.verdict.error().map(ToString::to_string),
        username: &why.explanation.username,
        username_why: why.is_remote().then(|| words::username(why)),
        user: target.map(|target| Chosen {
            value: target.user.clone().into(),
            why: &target.why.user.why,
        }),
        name: target.map(|target| Chosen {
            value: target.name.clone().into(),
            why: &target.why.name.why,
        }),
        database_roles: target
            .filter(|target| target.automatic)
            .map(|target| Chosen {
                value: target.granted().into(),
                why: &target.why.granted.why,
            }),
        automatic: why.automatic,
        mode: match why.mode.name() {
            "" => "off",
            mode => mode,
        },
        allowed: Some(Allowed {
            users: &why.users.0,
            users_denied: &why.users.1,
            names: &why.names.0,
            names_denied: &why.names.1,
            database_roles: &why.roles,
        }),
        roles: (why.explanation.roles.iter())
            .map(|reason| {
                role(
                    reason,
                    words::effect(reason, question),
                    &words::says(reason, question),
                )
            })
            .collect(),
        hints: hints.to_vec(),
        nearest: &[],
        elsewhere: &[],
    }
}

/// The answer about a database that is not listed.
pub(super) fn unseen<'a>(unseen: &'a Unseen<'_>) -> Answer<'a> {
    let says = |reason: &RoleReason| {
        let shows = format!(
            "shows databases with {}",
            words::needs(&reason.allow.labels)
        );
        if reason.deny.labels.is_empty() {
            shows
        } else {
            format!(
                "{shows}; hides those with {}",
                words::needs(&reason.deny.labels)
            )
        }
    };
    Answer {
        database: unseen.name,
        cluster: unseen.cluster,
        root_cluster: unseen.root_cluster,
        verdict: "not_found",
        reason: Some("not found, or hidden from you".to_owned()),
        username: &unseen.explanation.username,
        username_why: None,
        user: None,
        name: None,
        database_roles: None,
        automatic: false,
        mode: "off",
        allowed: None,
        roles: (unseen.explanation.roles.iter())
            .map(|reason| role(reason, "unknown", &says(reason)))
            .collect(),
        hints: Vec::new(),
        nearest: &unseen.nearest,
        elsewhere: &unseen.elsewhere.holders,
    }
}

fn role(reason: &RoleReason, effect: &str, says: &str) -> Value {
    json!({
        "role": reason.name,
        "effect": effect.replace(' ', "_"),
        "says": says,
        "mode": reason.mode.name(),
        "second_factor": reason.second_factor,
        "trusted_device": reason.device,
        "allow": side(&reason.allow),
        "deny": side(&reason.deny),
    })
}

fn side(side: &SideReason) -> Value {
    let list = |which: List| which.of(side).iter().map(origin).collect::<Vec<_>>();
    json!({
        "labels": labels(&side.labels),
        "expression": side.labels.expression.as_ref().map(|expression| json!({
            "text": expression.text,
            "holds": expression.holds.as_ref().ok(),
            "error": expression.holds.as_ref().err().map(ToString::to_string),
        })),
        "db_users": list(List::Users),
        "db_names": list(List::Names),
        "db_roles": list(List::Roles),
    })
}

fn labels(labels: &Labels) -> Vec<Value> {
    let key = |key: &crate::rbac::explain::Key| {
        json!({
            "key": key.key,
            "patterns": key.patterns.iter().map(origin).collect::<Vec<_>>(),
            "value": key.value,
            "matched_by": if labels.everything { Some("*") } else { key.by.as_deref() },
            "error": key.error.as_ref().map(ToString::to_string),
        })
    };
    labels.keys.iter().map(key).collect()
}

fn origin(origin: &Origin) -> Value {
    json!({
        "written": origin.written,
        "values": origin.values,
        "traits": origin.traits,
        "problem": origin.problem.as_ref().map(ToString::to_string),
    })
}
