//! Single sign-on: prints where to go, opens a browser where that helps, waits for it to come back.

use std::time::Duration;

use super::now;
use super::plan::Plan;
use crate::cli::{CliError, Cx, Kind};
use crate::client::browser::{self, Plan as Browser, Surroundings, Why};
use crate::flow::login::{Callback, Connector, Door, Fresh};
use crate::profile::keys::KeyPair;

/// How long somebody may be in the browser. The cluster's own patience ends after ten minutes (login.md 6.3).
const PATIENCE: Duration = Duration::from_secs(300);

/// Logs in by a browser.
///
/// # Errors
/// [`Kind::Usage`] for options that are for local users, [`Kind::SecondFactor`] when nobody goes to the browser.
pub(super) async fn fresh(
    cx: &mut Cx,
    plan: &Plan,
    door: Door,
    connector: &Connector,
    key: &KeyPair,
) -> Result<Fresh, CliError> {
    let local = format!(
        "a local user instead: postern login --proxy {} --auth local --user NAME",
        door.proxy()
    );
    if plan.password_stdin {
        return Err(CliError::new(
            Kind::Usage,
            format!(
                "--password-stdin: {} asks for no password here but for a browser",
                connector.display
            ),
        )
        .hint(local));
    }
    if cx.global.non_interactive {
        return Err(CliError::new(
            Kind::SecondFactor,
            format!(
                "a login with {} needs somebody at a browser",
                connector.display
            ),
        )
        .hint("run it without --non-interactive")
        .hint(local));
    }
    if let Some(user) = &plan.named {
        cx.ui.warn(&format!(
            "--user {user} is ignored: {} says who you are",
            connector.display
        ));
    }
    let callback = Callback::open(&plan.listen).await?;
    if !callback.comes_back_here() {
        agreed(cx, &callback).await?;
    }
    let at = callback.at();
    let cluster = door.ping().cluster_name.clone();
    let away = door.console(callback, key, plan.ttl, &now).await?;
    let link = away.link();
    let here = Surroundings {
        terminal: cx.interactive,
        ..cx.env.surroundings.clone()
    };
    let browser = browser::plan(&plan.browser, &here);
    let lead = match &browser {
        Browser::Open(_) => {
            "The browser opens now; if it does not, or on another page, this is the address:"
        }
        Browser::Leave(_) => "Open this address in a browser:",
    };
    cx.ui.always(&format!(
        "Log in to {cluster} with {}. {lead}\n  {link}",
        connector.display
    ));
    let openers = match browser {
        Browser::Open(openers) => openers,
        Browser::Leave(Why::Ssh) if plan.listen.public.is_none() => {
            let port = at.port();
            cx.ui.hint(&format!(
                "this is an ssh session: a browser elsewhere gets here by \"ssh -L {port}:{at} HOST\", in another terminal"
            ));
            Vec::new()
        }
        Browser::Leave(_) => Vec::new(),
    };
    // Boxed: its state is large.
    let mut back = Box::pin(away.wait(key, PATIENCE, &now));
    if !openers.is_empty() {
        // The person may be back before the browser ends.
        tokio::select! {
            fresh = &mut back => return Ok(fresh?),
            opened = browser::open(&openers, &link) => if let Err(error) = opened {
                cx.ui.warn(&format!("no browser could be started: {error}"));
            }
        }
    }
    Ok(back.await?)
}

/// Asks whether the browser may come back by the address of another host, as tsh does (login.md 6.2).
async fn agreed(cx: &mut Cx, callback: &Callback) -> Result<(), CliError> {
    if cx.env.remote_callback {
        return Ok(());
    }
    let (through, at) = (callback.base(), callback.at());
    let risk = format!(
        "The login comes back through {through}, which has to lead to {at} here: whoever opens the link logs in at this \
         computer, and whoever runs that host sees what passes it."
    );
    if !cx.interactive {
        return Err(CliError::new(
            Kind::Usage,
            format!("--callback {through}: nobody is there to agree to another host"),
        )
        .hint("where it is trusted: POSTERN_LOGIN_SKIP_REMOTE_HOST_WARNING=1"));
    }
    cx.ui.always(&risk);
    if cx.ui.confirm("Continue?").await? {
        return Ok(());
    }
    Err(CliError::new(Kind::Failed, "login cancelled"))
}
