//! What roles say, in words.

use crate::flow::why::{List, Why};
use crate::quote::quote;
use crate::rbac::explain::{Key, Labels, Origin, RoleReason};
use crate::rbac::template::TemplateError;
use crate::rbac::{Admission, Denial, WILDCARD};

/// What the roles were asked about.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    user: Option<&'a str>,
    name: Option<&'a str>,
    /// Lists of users count: the user is not made on the way.
    users: bool,
    /// Lists of names count.
    names: bool,
}

impl<'a> Question<'a> {
    pub(super) fn of(why: &'a Why) -> Self {
        let (user, name) = why.asked();
        Self {
            user,
            name,
            users: !why.automatic,
            names: why.database.enforces_names(),
        }
    }

    /// Lists that count, are still open, and in which this role has nothing.
    fn lacks(self, role: &RoleReason) -> Vec<String> {
        let lists = [
            (List::Users, self.users && self.user.is_none()),
            (List::Names, self.names && self.name.is_none()),
        ];
        let open = lists.into_iter().filter(|(_, open)| *open);
        open.map(|(list, _)| (list, list.of(&role.allow)))
            .filter(|(_, origins)| origins.iter().all(|origin| origin.values.is_empty()))
            .map(|(list, origins)| not_listed(list, None, origins))
            .collect()
    }
}

/// What a role does here, in one word.
pub(super) fn effect(role: &RoleReason, question: Question<'_>) -> &'static str {
    match (&role.denial, &role.admission) {
        (Err(_), _) => "broken",
        (Ok(Some(_)), _) => "denies",
        (Ok(None), Err(_)) => "broken",
        (Ok(None), Ok(Admission::Admits)) if question.lacks(role).is_empty() => "allows",
        (Ok(None), Ok(Admission::NotDatabase)) => "no match",
        (Ok(None), Ok(_)) => "not enough",
    }
}

/// Why it does that, in one sentence.
pub(super) fn says(role: &RoleReason, question: Question<'_>) -> String {
    let asked = |given: Option<&str>| quote(given.unwrap_or_default());
    match (&role.denial, &role.admission) {
        (Err(error), _) | (Ok(None), Err(error)) => {
            format!("its label matcher fails, which refuses everything: {error}")
        }
        (Ok(Some(Denial::Labels)), _) => format!(
            "denies everything on this database: {}",
            matching(&role.deny.labels)
        ),
        (Ok(Some(Denial::User)), _) => format!(
            "denies database user {} on every database: deny.db_users {}",
            asked(question.user),
            entries(&role.deny.users)
        ),
        (Ok(Some(Denial::Name)), _) => format!(
            "denies database name {} on every database: deny.db_names {}",
            asked(question.name),
            entries(&role.deny.names)
        ),
        (Ok(None), Ok(Admission::NotDatabase)) if role.allow.labels.is_empty() => {
            if role.deny.labels.is_empty() {
                "allows no database".to_owned()
            } else {
                format!(
                    "denies databases with {}, not this one",
                    needs(&role.deny.labels)
                )
            }
        }
        (Ok(None), Ok(Admission::NotDatabase)) => differing(&role.allow.labels),
        (Ok(None), Ok(admission)) => {
            let mut parts = vec![matching(&role.allow.labels)];
            if matches!(
                admission,
                Admission::NotUser | Admission::NeitherUserNorName
            ) {
                parts.push(not_listed(List::Users, question.user, &role.allow.users));
            }
            if matches!(
                admission,
                Admission::NotName | Admission::NeitherUserNorName
            ) {
                parts.push(not_listed(List::Names, question.name, &role.allow.names));
            }
            parts.extend(question.lacks(role));
            if *admission == Admission::Admits && role.second_factor {
                parts.push("wants a second factor in every session".to_owned());
            }
            if *admission == Admission::Admits && role.device {
                parts.push("wants a trusted device".to_owned());
            }
            parts.join("; ")
        }
    }
}

fn not_listed(list: List, given: Option<&str>, origins: &[Origin]) -> String {
    let field = list.field();
    match given {
        _ if origins.is_empty() => format!("has no {field}"),
        Some(given) => format!(
            "{field} {} does not list {}",
            entries(origins),
            quote(given)
        ),
        None => format!("{field} {}", entries(origins)),
    }
}

/// What of the labels matches.
fn matching(labels: &Labels) -> String {
    if labels.everything {
        return "matches every database".to_owned();
    }
    let keys = labels.keys.iter().filter_map(|key| {
        let value = key.value.as_deref()?;
        let by = key.by.as_deref()?;
        Some(
            if by == value && key.patterns.len() == 1 && !key.patterns[0].is_template() {
                format!("{}={value}", key.key)
            } else {
                format!("{}={value} matches {}", key.key, wanted(key))
            },
        )
    });
    let expression = (labels.expression.iter())
        .filter(|expression| expression.holds == Ok(true))
        .map(|expression| expression.text.clone());
    let all: Vec<String> = keys.chain(expression).collect();
    format!("matches: {}", all.join(", "))
}

/// What of the labels does not match.
fn differing(labels: &Labels) -> String {
    if labels.is_empty() {
        return "allows no database".to_owned();
    }
    let keys = labels
        .keys
        .iter()
        .filter(|key| key.by.is_none() && !labels.everything);
    let keys = keys.map(|key| match &key.value {
        Some(value) => format!("wants {}, here {}={value}", wanted(key), key.key),
        None if key.key.is_empty() => format!("wants {}, which names no label", wanted(key)),
        None => format!("wants {}, here there is no label {}", wanted(key), key.key),
    });
    let expression = (labels.expression.iter())
        .filter(|expression| expression.holds != Ok(true))
        .map(|expression| format!("wants {}", expression.text));
    let all: Vec<String> = keys.chain(expression).collect();
    all.join("; ")
}

/// What labels would have to be, for a database that nobody has seen.
pub(super) fn needs(labels: &Labels) -> String {
    if labels.is_empty() {
        return "nothing".to_owned();
    }
    if labels.everything && labels.expression.is_none() {
        return "every database".to_owned();
    }
    let keys = labels
        .keys
        .iter()
        .filter(|_| !labels.everything)
        .map(wanted);
    let expression = labels
        .expression
        .iter()
        .map(|expression| expression.text.clone());
    keys.chain(expression).collect::<Vec<_>>().join(" and ")
}

/// `key=a|b`, templates with what they stand for.
fn wanted(key: &Key) -> String {
    let patterns: Vec<String> = key.patterns.iter().map(entry).collect();
    format!("{}={}", key.written, patterns.join("|"))
}

/// A list of a role with what templates stand for: `[app {{internal.db_users}}: postgres, your trait db_users]`.
pub(super) fn entries(origins: &[Origin]) -> String {
    let all: Vec<String> = origins.iter().map(entry).collect();
    format!("[{}]", all.join(", "))
}

fn entry(origin: &Origin) -> String {
    if origin.is_template() {
        format!("{} ({})", origin.written, stands_for(origin))
    } else {
        origin.written.clone()
    }
}

/// What a template stands for, and which trait says so.
fn stands_for(origin: &Origin) -> String {
    let of = match origin.traits.as_slice() {
        [] => String::new(),
        [one] => format!(" of your trait {one}"),
        several => format!(" of your traits {}", several.join(", ")),
    };
    match &origin.problem {
        Some(TemplateError::NotFound(name)) => format!(
            "nothing: you have no trait {}",
            name.split_once('.').map_or(name.as_str(), |(_, name)| name)
        ),
        Some(TemplateError::Empty) => format!("nothing: no value{of}"),
        Some(problem) => format!("nothing: {problem}"),
        None => format!("{}{of}", origin.values.join(", ")),
    }
}

/// Which roles list a value, and how: `plain`, `plain by {{internal.db_users}}, your trait db_users`.
pub(super) fn sources(why: &Why, list: List, value: &str) -> String {
    let one = |(role, origin): (&RoleReason, &Origin)| {
        let star = origin.values.iter().any(|v| v == WILDCARD) && value != WILDCARD;
        match (origin.is_template(), star) {
            (false, false) => role.name.clone(),
            (false, true) => format!("{} by *", role.name),
            (true, _) => format!(
                "{} by {}{}",
                role.name,
                origin.written,
                match origin.traits.as_slice() {
                    [] => String::new(),
                    names => format!(", your trait {}", names.join(", ")),
                }
            ),
        }
    };
    let mut all: Vec<String> = why.sources(list, value).into_iter().map(one).collect();
    all.dedup();
    all.join("; ")
}

/// The roles that create users here, with what happens to them: `auto-keep: keep`.
pub(super) fn creators(why: &Why) -> String {
    let one = |role: &RoleReason| format!("{}: {}", role.name, role.mode.name());
    let all: Vec<String> = why.creators().into_iter().map(one).collect();
    all.join("; ")
}

/// Why the user's name in the cluster is what it is.
pub(super) fn username(why: &Why) -> String {
    if why.is_remote() {
        format!(
            "a leaf cluster knows users of another cluster as remote-<user>-<cluster>; you come from {}",
            why.root_cluster
        )
    } else {
        "your name in the cluster".to_owned()
    }
}
