//! What `db login` remembers, put to use: the database that is meant when none is named, its user, name and roles, its port.

use super::choose::TargetArgs;
use crate::cli::output::shell_word;
use crate::cli::{CliError, Cx, Kind};
use crate::flow::session::Session;
use crate::identity::Certificate;
use crate::profile::{Active, Profile};

/// The databases that were chosen in the cluster that is meant, under this login.
///
/// # Errors
/// A file of no use.
pub(super) fn here(cx: &Cx, session: &Session) -> Result<Vec<Active>, CliError> {
    of(cx, &session.profile, &session.certificate)
}

/// The same for a login that need not be valid.
///
/// # Errors
/// A file of no use.
pub(super) fn of(
    cx: &Cx,
    profile: &Profile,
    certificate: &Certificate,
) -> Result<Vec<Active>, CliError> {
    let cluster = cx.global.cluster.as_ref().unwrap_or(&profile.cluster);
    let mut all = cx.home.active()?;
    all.retain(|one| {
        one.proxy == profile.proxy
            && one.login == certificate.identity.username
            && one.cluster == *cluster
    });
    Ok(all)
}

/// The chosen database that a command line means: the one it names, or the only one when it names and narrows nothing.
///
/// # Errors
/// A file of no use.
pub(super) fn meant(
    cx: &Cx,
    session: &Session,
    args: &TargetArgs,
) -> Result<Option<Active>, CliError> {
    let narrowed =
        !args.labels.is_empty() || !args.filter.search.is_empty() || args.filter.query.is_some();
    let mut all = here(cx, session)?;
    Ok(match args.name.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => all.into_iter().find(|one| one.database == name),
        None if narrowed || all.len() != 1 => None,
        None => all.pop(),
    })
}

/// A command line completed by what was chosen; what is typed comes first.
pub(super) fn completed(args: &TargetArgs, chosen: Option<&Active>) -> TargetArgs {
    let mut args = args.clone();
    let Some(chosen) = chosen else {
        return args;
    };
    let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    args.name = Some(chosen.database.clone());
    if !given(&args.db_user) {
        args.db_user = Some(chosen.user.clone());
    }
    if !given(&args.db_name) {
        args.db_name = Some(chosen.name.clone());
    }
    if args.db_roles.is_empty() {
        args.db_roles.clone_from(&chosen.roles);
    }
    args
}

/// The port that was promised for this command line's tunnel, when it is the tunnel that was promised.
///
/// # Errors
/// A file of no use.
pub(super) fn port(cx: &Cx, session: &Session, args: &TargetArgs) -> Result<Option<u16>, CliError> {
    let Some(chosen) = meant(cx, session, args)? else {
        return Ok(None);
    };
    let completed = completed(args, Some(&chosen));
    let same = completed.db_user.as_deref() == Some(&chosen.user)
        && completed.db_name.as_deref() == Some(&chosen.name)
        && crate::flow::target::roles(&completed.db_roles) == chosen.roles;
    Ok(same.then_some(chosen.port))
}

/// Forgets a chosen database that the cluster has no longer, and says so.
///
/// # Errors
/// A file of no use.
pub(super) fn forget(cx: &mut Cx, gone: &Active) -> Result<(), CliError> {
    cx.home.deactivate(|one| one.same_place(gone))?;
    cx.ui.status(&format!(
        "note: {:?}, to which you were logged in, is no longer in cluster {}; it is forgotten",
        gone.database, gone.cluster
    ));
    Ok(())
}

/// Says where a refused value came from.
pub(super) fn blamed(error: CliError, chosen: &Active) -> CliError {
    match error.kind {
        Kind::Denied | Kind::Usage | Kind::Ambiguous => error.hint(format!(
            "what is not typed comes from your \"postern db login\"; to forget it: postern db logout {}",
            shell_word(&chosen.database)
        )),
        _ => error,
    }
}

/// The one chosen database that `db env`, `db config` and `db logout` are about.
///
/// # Errors
/// [`Kind::NotFound`] when there is none, [`Kind::Ambiguous`] when there are several and none is named.
pub(super) fn named(mut all: Vec<Active>, name: Option<&str>) -> Result<Active, CliError> {
    let names: Vec<String> = all.iter().map(|one| one.database.clone()).collect();
    match name.filter(|name| !name.is_empty()) {
        Some(name) => match all.iter().position(|one| one.database == name) {
            Some(at) => Ok(all.swap_remove(at)),
            None => Err(not_chosen(Some(name), &names)),
        },
        None if all.len() > 1 => Err(CliError::new(
            Kind::Ambiguous,
            format!(
                "you are logged in to several databases: {}",
                names.join(", ")
            ),
        )
        .hint("name one of them")),
        None => all.pop().ok_or_else(|| not_chosen(None, &[])),
    }
}

fn not_chosen(name: Option<&str>, names: &[String]) -> CliError {
    let what = name.map_or_else(
        || "not logged in to any database".to_owned(),
        |name| format!("not logged in to database {name:?}"),
    );
    let error = CliError::new(Kind::NotFound, what).hint(format!(
        "postern db login {}",
        name.map_or_else(|| "NAME".into(), shell_word)
    ));
    if names.is_empty() {
        return error;
    }
    error.hint(format!("you are logged in to: {}", names.join(", ")))
}
