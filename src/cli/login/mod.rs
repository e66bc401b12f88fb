//! `postern login`, and the same in place of an expired login (`renew`).
//!
//! What was typed and what is remembered make a `plan`; `enter` carries it out: discovery, then the way in
//! that the cluster announces (`local`, `sso`), then the files (`save`).

mod args;
mod local;
mod of_tsh;
mod plan;
pub(super) mod renew;
mod report;
mod save;
mod sso;
mod tsh;

use std::time::{SystemTime, UNIX_EPOCH};

use super::{CliError, Cx, Exit, origin};
use crate::compat;
use crate::flow::login::{self, Door};
use crate::flow::session;
use crate::identity::Certificate;
use crate::profile::Profile;
use crate::profile::keys::{KeyPair, KeyStore};
use crate::transport::clock;

pub use args::{LoginArgs, Store};
use plan::Plan;

/// Logs in.
///
/// # Errors
/// [`super::Kind::Usage`] when a script gives too little, [`super::Kind::Unreachable`], [`super::Kind::SecondFactor`] for what this version cannot
/// do or nobody is there to give, [`super::Kind::Failed`] with the server's text.
pub async fn run(cx: &mut Cx, args: LoginArgs) -> Result<Exit, CliError> {
    origin::not_with_identity(
        cx,
        "login",
        "it is a login already, and who made it renews it",
    )?;
    args.of_tsh.check(cx)?;
    if args.from_tsh {
        return tsh::copy(cx, &args);
    }
    let plan = plan::of_args(cx, &args).await?;
    if !args.force
        && !args.save_tsh_profile
        && let Some(former) = &plan.former
        && let Some(certificate) = still_valid(cx, former)
    {
        args.of_tsh.tell_cluster(cx, former);
        return already(cx, former, &certificate);
    }
    let (profile, certificate) = enter(cx, &plan).await?;
    report::print(cx, &profile, &certificate, false);
    args.of_tsh.tell_cluster(cx, &profile);
    Ok(Exit::Done)
}

/// Carries a plan out: from the first request to the saved profile.
async fn enter(cx: &mut Cx, plan: &Plan) -> Result<(Profile, Certificate), CliError> {
    if plan.connector.as_deref() == Some("local") {
        local::askable(cx, plan)?;
    }
    if plan.key_store == KeyStore::Keychain {
        save::prove_keychain(cx)?;
    }
    if plan.trust.insecure {
        cx.warn_insecure(&plan.proxy);
    }
    let door = login::discover(
        &plan.addresses,
        &plan.trust,
        plan.connector.as_deref(),
        cx.home.network_env(),
    )
    .await?;
    door.supported()?;
    if door.sso().is_none() {
        local::askable(cx, plan)?;
    }
    cx.ui.status(&format!(
        "Cluster {} at {} (Teleport {}).",
        door.ping().cluster_name,
        door.proxy(),
        door.ping().server_version
    ));
    warn_version(cx, &door);
    show_motd(cx, &door).await?;
    let mut key = KeyPair::generate();
    if plan.save_tsh_profile {
        key = key.with_ssh();
    }
    let fresh = match door.sso() {
        Some(connector) => Box::pin(sso::fresh(cx, plan, door, &connector, &key)).await?,
        None => local::fresh(cx, plan, door, &key).await?,
    };
    if let Some(skew) = fresh.skew() {
        cx.ui.warn(&format!(
            "the clock of this computer is {} the cluster's",
            clock::off(skew)
        ));
    }
    let ssh = fresh.ssh().cloned();
    let tls_routing = fresh.tls_routing();
    let (profile, certificate) = save::save(cx, plan, fresh, &key)?;
    if plan.save_tsh_profile {
        Box::pin(tsh::save(cx, &profile, &key, ssh.as_ref(), tls_routing)).await?;
    }
    Ok((profile, certificate))
}

fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs().cast_signed())
}

/// The certificate of an earlier login that does all that is asked for now.
fn still_valid(cx: &Cx, former: &Profile) -> Option<Certificate> {
    let auth = former.auth.as_ref();
    let another = |name: &String| auth.is_none_or(|auth| auth.connector != *name);
    if cx.global.typed.auth && cx.global.auth.as_ref().is_some_and(another) {
        return None;
    }
    // Who comes by single sign-on does not say who comes.
    if !former.by_sso()
        && cx
            .global
            .user
            .as_ref()
            .is_some_and(|user| *user != former.user)
    {
        return None;
    }
    let certificate = session::decode(&cx.home, former).ok()?;
    session::check_time(former, &certificate, cx.now).ok()?;
    session::load_key(&cx.home, former).ok()?;
    Some(certificate)
}

fn already(cx: &mut Cx, former: &Profile, certificate: &Certificate) -> Result<Exit, CliError> {
    if !cx.home.is_current(former) {
        cx.home.make_current(former)?;
    }
    if former.trust.insecure {
        cx.warn_insecure(&former.proxy);
    }
    report::print(cx, former, certificate, true);
    Ok(Exit::Done)
}

/// Says once what a version other than the one this program is made for means.
fn warn_version(cx: &mut Cx, door: &Door) {
    let ping = door.ping();
    if !cx.global.skip_version_check
        && let Some(text) = compat::warning(&ping.server(), &ping.min_client_version)
    {
        cx.ui.warn(&text);
    }
}

async fn show_motd(cx: &mut Cx, door: &Door) -> Result<(), CliError> {
    let Some(text) = door.motd().await? else {
        return Ok(());
    };
    cx.ui.status(&text);
    if cx.interactive && !cx.ui.is_json() {
        cx.ui.pause("Press Enter to continue").await?;
    }
    Ok(())
}
