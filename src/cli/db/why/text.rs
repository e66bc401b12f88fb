//! The answer for people: the verdict, the values with their sources, what each role says.

use super::{Unseen, words};
use crate::cli::Ui;
use crate::flow::target::Target;
use crate::flow::why::{List, Verdict, Why};
use crate::quote::{list, quote};

/// Prints the answer about a database.
pub(super) fn answer(ui: &mut Ui, why: &Why, root_roles: &[String]) {
    let place = if why.is_remote() {
        format!("{} in cluster {}", why.database.name, why.cluster)
    } else {
        why.database.name.clone()
    };
    let verdict = match &why.verdict {
        Verdict::Allowed(_) => "allowed".to_owned(),
        Verdict::Open(_) => "allowed, with a choice to make".to_owned(),
        Verdict::Person(error) => format!("allowed, but {error}"),
        Verdict::Denied(error) => format!("denied: {error}"),
    };
    ui.out(&format!("{place}: {verdict}"));
    if !why.spoken {
        ui.out(&format!(
            "(postern does not speak {}: use tsh to connect)",
            why.database.protocol
        ));
    }
    ui.out("");
    let rows = values(why, root_roles);
    ui.table(&["What", "Value", "Why"], &rows);
    ui.out("");
    let question = words::Question::of(why);
    let roles = why.explanation.roles.iter().map(|role| {
        vec![
            role.name.clone(),
            words::effect(role, question).to_owned(),
            words::says(role, question),
        ]
    });
    ui.table(&["Role", "Effect", "Why"], &roles.collect::<Vec<_>>());
}

type Row = Vec<String>;

fn row(what: &str, value: impl Into<String>, why: impl Into<String>) -> Row {
    vec![what.to_owned(), value.into(), why.into()]
}

/// What is used or may be used, and where it comes from.
fn values(why: &Why, root_roles: &[String]) -> Vec<Row> {
    let mut rows = Vec::new();
    if why.is_remote() {
        rows.push(row("you", &why.explanation.username, words::username(why)));
        let roles: Vec<&str> = (why.explanation.roles.iter())
            .map(|role| role.name.as_str())
            .collect();
        rows.push(row(
            "your roles",
            list(&roles),
            format!(
                "made by {} from those you have in {}: {}",
                why.cluster,
                why.root_cluster,
                list(root_roles)
            ),
        ));
    }
    match why.verdict.target() {
        Some(target) => rows.extend(chosen(why, target)),
        None => rows.extend(allowed(why)),
    }
    rows
}

/// What `db connect` takes.
fn chosen(why: &Why, target: &Target) -> Vec<Row> {
    let with = |reason: &str, sources: String| {
        if sources.is_empty() {
            reason.to_owned()
        } else {
            format!("{reason} ({sources})")
        }
    };
    let (user, name) = (&target.why.user, &target.why.name);
    let by = if target.automatic {
        words::creators(why)
    } else {
        words::sources(why, List::Users, &user.value)
    };
    let mut rows = vec![row("user", &user.value, with(&user.why, by))];
    if why.database.enforces_names() {
        let by = words::sources(why, List::Names, &name.value);
        rows.push(row("name", &name.value, with(&name.why, by)));
    } else {
        rows.push(row("name", &name.value, &name.why));
    }
    if target.automatic {
        rows.extend(database_roles("database role", why, target.granted()));
    }
    rows
}

fn database_roles(what: &str, why: &Why, roles: &[String]) -> Vec<Row> {
    if roles.is_empty() {
        return vec![row(what, "none", "no role that creates users lists any")];
    }
    roles
        .iter()
        .map(|role| row(what, role, words::sources(why, List::Roles, role)))
        .collect()
}

/// What may be chosen.
fn allowed(why: &Why) -> Vec<Row> {
    let mut rows = Vec::new();
    if why.automatic {
        rows.push(row(
            "user allowed",
            &why.explanation.username,
            format!(
                "it is provisioned automatically, no other can be ({})",
                words::creators(why)
            ),
        ));
        rows.extend(database_roles("database role allowed", why, &why.roles));
    } else {
        rows.extend(entries(why, "user", List::Users, &why.users));
    }
    if why.database.enforces_names() {
        rows.extend(entries(why, "name", List::Names, &why.names));
    }
    rows
}

fn entries(
    why: &Why,
    what: &str,
    which: List,
    (allowed, denied): &(Vec<String>, Vec<String>),
) -> Vec<Row> {
    let (may, may_not) = (format!("{what} allowed"), format!("{what} denied"));
    let denying = |value: &String| {
        let roles = why.explanation.roles.iter().filter(|role| {
            let side = which.of(&role.deny);
            side.iter().any(|origin| origin.values.contains(value))
        });
        let names: Vec<&str> = roles.map(|role| role.name.as_str()).collect();
        format!("deny.{} of {}", which.field(), names.join(", "))
    };
    let mut rows: Vec<Row> = allowed
        .iter()
        .map(|value| row(&may, value, words::sources(why, which, value)))
        .collect();
    rows.extend(
        denied
            .iter()
            .map(|value| row(&may_not, value, denying(value))),
    );
    if rows.is_empty() {
        let none = format!(
            "no role that matches the database lists any {}",
            which.field()
        );
        rows.push(row(&may, "none", none));
    }
    rows
}

/// Prints what can be said of a database that is not listed.
pub(super) fn unseen(ui: &mut Ui, unseen: &Unseen<'_>) {
    ui.out(&format!(
        "{} in cluster {}: not found, or hidden from you",
        unseen.name, unseen.cluster
    ));
    ui.out("A cluster does not tell a database that your roles hide from one that does not exist.");
    ui.out("");
    let rows: Vec<Vec<String>> = unseen
        .explanation
        .roles
        .iter()
        .map(|role| {
            let deny = &role.deny.labels;
            vec![
                role.name.clone(),
                words::needs(&role.allow.labels),
                if deny.is_empty() {
                    String::new()
                } else {
                    words::needs(deny)
                },
            ]
        })
        .collect();
    ui.table(
        &["Role", "Shows databases with", "Hides databases with"],
        &rows,
    );
    match unseen.nearest.as_slice() {
        [] => {}
        names => ui.hint(&format!(
            "did you mean {}?",
            names
                .iter()
                .map(|name| quote(name))
                .collect::<Vec<_>>()
                .join(" or ")
        )),
    }
    for cluster in &unseen.elsewhere.holders {
        ui.hint(&format!(
            "cluster {cluster} has it: postern db why --cluster {cluster} {}",
            unseen.name
        ));
    }
    for (cluster, why) in &unseen.elsewhere.unasked {
        ui.hint(&format!("{cluster} could not be asked: {why}"));
    }
    if unseen.elsewhere.holders.is_empty() && unseen.nearest.is_empty() {
        ui.hint(
            "postern db ls shows what you may see; an administrator can tell whether it exists",
        );
    }
}
