//! `postern login`.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};

use super::output::{date, remaining};
use super::status::{Report, key_place};
use super::ui::Answer;
use super::{CliError, Cx, Exit, Format, Kind, args};
use crate::flow::login::{self, Begun, Door, Fresh};
use crate::flow::session;
use crate::identity::Certificate;
use crate::profile::keys::{self, KeyError, KeyPair, proof};
use crate::profile::{KeyLocation, Profile, ProfileError};
use crate::transport::trust::{Trust, span};

/// Arguments of `login`.
#[derive(Args, Debug)]
pub struct LoginArgs {
    /// Proxy of the cluster; without a port, 443 and 3080 are tried side by side. Default: $POSTERN_PROXY, else the last one
    #[arg(long, value_name = "HOST[:PORT]")]
    pub proxy: Option<String>,

    /// Teleport user. Default: $POSTERN_USER, else as at the last login; else a terminal is asked, and a script is the user at this computer
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,

    /// How long the login shall hold: 8h, 90m, 1h30m; a bare number is minutes. The cluster may shorten it
    #[arg(long, value_name = "TIME", value_parser = args::ttl)]
    pub ttl: Option<Duration>,

    /// Log in again even though the login is still valid
    #[arg(long)]
    pub force: bool,

    /// Trust the authorities in this PEM file for the proxy's certificate, or that very certificate; remembered
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// Do not verify the proxy's certificate; for tests only
    #[arg(long)]
    pub insecure: bool,

    /// Read the password from the first line of standard input, and the one-time code from the second
    #[arg(long)]
    pub password_stdin: bool,

    /// Where the private key goes. Default: the keychain if other sessions of this user can read it there, else a file
    #[arg(long, value_enum, value_name = "STORE")]
    pub key_store: Option<Store>,

    /// Log in as a local user where the cluster's default is something else
    #[arg(long, value_enum, value_name = "METHOD")]
    pub auth: Option<Method>,
}

/// Values of `--key-store`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Store {
    /// A file that only this user can read
    File,
    /// The keychain of the operating system
    Keychain,
}

/// Values of `--auth`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Method {
    /// Password and one-time code
    Local,
}

/// What was typed, completed from environment, profile and prompts.
#[derive(Debug)]
struct Plan {
    /// As the user wrote it, or as the last profile has it.
    proxy: String,
    /// `host:port`, to be tried side by side.
    addresses: Vec<String>,
    /// The profile of an earlier login there.
    former: Option<Profile>,
    /// `None`: a person is to be asked, once it is known that the cluster can be logged in to.
    user: Option<String>,
    trust: Trust,
}

/// Logs in.
///
/// # Errors
/// [`Kind::Usage`] when a script gives too little, [`Kind::Unreachable`], [`Kind::SecondFactor`] for what this version cannot
/// do or nobody is there to give, [`Kind::Failed`] with the server's text.
pub async fn run(cx: &mut Cx, args: LoginArgs) -> Result<Exit, CliError> {
    let plan = plan(cx, &args).await?;
    if !args.force
        && let Some(former) = &plan.former
        && let Some(certificate) = still_valid(cx, former, &args)
    {
        return already(cx, former, &certificate);
    }
    if !cx.interactive && !args.password_stdin {
        return Err(CliError::new(Kind::Usage, "nobody is there to type the password").hint(format!(
            "in a script: printf '%s\\n' \"$PASSWORD\" \"$CODE\" | postern login --proxy={} --user={} --password-stdin",
            plan.proxy,
            plan.user.as_deref().unwrap_or("NAME")
        )));
    }
    if args.key_store == Some(Store::Keychain) {
        prove_keychain(cx)?;
    }
    if plan.trust.insecure {
        cx.warn_insecure(&plan.proxy);
    }
    let door = login::discover(
        &plan.addresses,
        &plan.trust,
        args.auth == Some(Method::Local),
    )
    .await?;
    door.supported()?;
    cx.ui.status(&format!(
        "Cluster {} at {} (Teleport {}).",
        door.ping().cluster_name,
        door.proxy(),
        door.ping().server_version
    ));
    show_motd(cx, &door).await?;
    let key = KeyPair::generate();
    let user = match &plan.user {
        Some(user) => user.clone(),
        None => {
            let proposal = here(cx);
            let typed = cx.ui.input_or("Teleport user", proposal).await?;
            typed.trim().to_owned()
        }
    };
    let begun = begin(cx, &args, door, &user).await?;
    let code = code(cx, &args, &begun).await?;
    let fresh = begun.finish(code.reveal(), &key, args.ttl, &now).await?;
    if let Some(skew) = fresh.skew() {
        let direction = if skew > 0 { "ahead of" } else { "behind" };
        cx.ui.warn(&format!(
            "the clock of this computer is {} {direction} the cluster's",
            span(skew)
        ));
    }
    let (profile, certificate) = save(cx, &args, &plan, fresh, &key)?;
    report(cx, &profile, &certificate, false);
    Ok(Exit::Done)
}

fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs().cast_signed())
}

async fn plan(cx: &mut Cx, args: &LoginArgs) -> Result<Plan, CliError> {
    let proxy = match args.proxy.clone().or_else(|| cx.env.proxy.clone()) {
        Some(typed) => typed,
        None => match cx.home.current()? {
            Some(last) => last.proxy,
            None if cx.interactive => cx
                .ui
                .input("Proxy of the cluster (HOST or HOST:PORT)")
                .await?
                .trim()
                .to_owned(),
            None => {
                return Err(CliError::new(
                    Kind::Usage,
                    "which proxy? None was given, and there is no earlier login",
                )
                .hint("for example: postern login --proxy=teleport.example.com"));
            }
        },
    };
    let mut addresses = login::candidates(&proxy).map_err(|e| CliError::new(Kind::Usage, e))?;
    let former = match cx.home.find(
        addresses
            .first()
            .filter(|_| addresses.len() == 1)
            .unwrap_or(&proxy),
    ) {
        Ok(former) => former,
        Err(error @ (ProfileError::Damaged { .. } | ProfileError::Newer { .. })) => {
            cx.ui.warn(&format!(
                "{error}; it is kept as *.damaged, and you can log in again"
            ));
            None
        }
        Err(other) => return Err(other.into()),
    };
    if let Some(former) = &former {
        // A host without a port is the cluster that was found there before.
        addresses = vec![former.proxy.clone()];
    }
    let user = user(cx, args, former.as_ref())?;
    let trust = trust(args, former.as_ref())?;
    Ok(Plan {
        proxy,
        addresses,
        former,
        user,
        trust,
    })
}

/// The user as named or as at the last login, else, in a script, the user at this computer; a person is asked.
fn user(cx: &Cx, args: &LoginArgs, former: Option<&Profile>) -> Result<Option<String>, CliError> {
    let named = args
        .user
        .clone()
        .or_else(|| cx.env.user.clone())
        .or_else(|| former.map(|f| f.user.clone()))
        .filter(|user| !user.is_empty());
    if named.is_some() || (cx.interactive && !args.password_stdin) {
        return Ok(named);
    }
    match here(cx) {
        Some(user) => Ok(Some(user)),
        None => Err(CliError::new(Kind::Usage, "which user? Nothing names one")
            .hint("postern login --user NAME")),
    }
}

/// The user at this computer.
fn here(cx: &Cx) -> Option<String> {
    cx.env.os_user.clone().filter(|user| !user.is_empty())
}

/// CA files are remembered until others are given; `--insecure` is for this login and the commands under it only.
fn trust(args: &LoginArgs, former: Option<&Profile>) -> Result<Trust, CliError> {
    let mut trust = Trust {
        insecure: args.insecure,
        ..Trust::default()
    };
    if let Some(path) = &args.ca_file {
        let bad = |e: &dyn std::fmt::Display| {
            CliError::new(Kind::Usage, format!("--ca-file {}: {e}", path.display()))
        };
        let pem = std::fs::read_to_string(path).map_err(|e| bad(&e))?;
        trust.add_pem(&pem).map_err(|e| bad(&e))?;
    } else if let Some(former) = former {
        trust.ca_pem.clone_from(&former.trust.ca_pem);
    }
    Ok(trust)
}

/// The certificate of an earlier login that does all that is asked for now.
fn still_valid(cx: &Cx, former: &Profile, args: &LoginArgs) -> Option<Certificate> {
    if args
        .user
        .as_ref()
        .or(cx.env.user.as_ref())
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
    report(cx, former, certificate, true);
    Ok(Exit::Done)
}

/// `--key-store keychain` is an order: that it cannot be obeyed is said before a one-time code is used up.
fn prove_keychain(cx: &Cx) -> Result<(), CliError> {
    let stored = keys::store(&cx.home, keys::KeyStore::Keychain, "test", b"test", &prove)
        .map_err(|e| no_keychain(&e))?;
    keys::remove(&cx.home, &stored.location).map_err(|e| no_keychain(&e))
}

fn no_keychain(error: &KeyError) -> CliError {
    CliError::new(Kind::Failed, error.to_string())
        .hint("keep the key in a file: postern login --key-store file")
}

fn prove(location: &KeyLocation, key: &[u8], deadline: Instant) -> Result<(), KeyError> {
    let program = std::env::current_exe().map_err(|e| KeyError::NotShared(e.to_string()))?;
    proof::by_own_program(&program, location, key, deadline)
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

async fn begin(cx: &mut Cx, args: &LoginArgs, door: Door, user: &str) -> Result<Begun, CliError> {
    let password = if args.password_stdin {
        cx.ui.read_line()?.ok_or_else(|| {
            CliError::new(Kind::Usage, "--password-stdin: standard input is empty")
                .hint("first line: the password; second line: the one-time code")
        })?
    } else {
        cx.ui.password(&format!("Password of {user}")).await?
    };
    Ok(door.begin(user, password.reveal()).await?)
}

async fn code(cx: &mut Cx, args: &LoginArgs, begun: &Begun) -> Result<Answer, CliError> {
    if !begun.wants_code() {
        return Ok(Answer::new(String::new()));
    }
    let typed = if args.password_stdin {
        let missing = || {
            CliError::new(
                Kind::SecondFactor,
                "the cluster wants a one-time code, and standard input has no second line",
            )
            .hint("first line: the password; second line: the one-time code")
        };
        cx.ui
            .read_line()?
            .filter(|line| !line.reveal().trim().is_empty())
            .ok_or_else(missing)?
    } else {
        cx.ui.password("One-time code").await?
    };
    // Apps show codes in groups; the cluster takes digits only.
    Ok(Answer::new(typed.reveal().split_whitespace().collect()))
}

fn save(
    cx: &mut Cx,
    args: &LoginArgs,
    plan: &Plan,
    fresh: Fresh,
    key: &KeyPair,
) -> Result<(Profile, Certificate), CliError> {
    let store = match args.key_store {
        None => keys::KeyStore::Best,
        Some(Store::File) => keys::KeyStore::File,
        Some(Store::Keychain) => keys::KeyStore::Keychain,
    };
    let certificate = fresh.certificate().clone();
    let stored = keys::store(&cx.home, store, &plan.proxy, key.pkcs8(), &prove)
        .map_err(|e| no_keychain(&e))?;
    let profile = fresh.profile(&plan.proxy, stored.location, now());
    if let Err(error) = cx.home.save(&profile) {
        // Best effort: without the profile nobody finds the key.
        let _ = keys::remove(&cx.home, &profile.key);
        return Err(error.into());
    }
    if let Some(why) = stored.fallback {
        cx.ui.status(&format!(
            "The private key is in the file {}, not in the keychain: {why}.",
            key_place(&cx.home, &profile)
        ));
    }
    Ok((profile, certificate))
}

fn report(cx: &mut Cx, profile: &Profile, certificate: &Certificate, already: bool) {
    if cx.format == Format::Json {
        let report = Report::new(&cx.home, profile, certificate, cx.now).already(already);
        cx.ui.json_line(&report);
        return;
    }
    let verb = if already {
        "You are already logged in"
    } else {
        "Logged in"
    };
    cx.ui.status(&format!(
        "{verb} to {} as {} until {} ({} left).",
        profile.cluster,
        profile.user,
        date(certificate.not_after),
        remaining(certificate.not_after - now())
    ));
    if already {
        cx.ui.hint("to log in anew: postern login --force");
    } else {
        cx.ui.hint("see the databases: postern db ls -v");
    }
}
