//! Password and one-time code.

use super::now;
use super::plan::{Plan, here};
use crate::cli::ui::Answer;
use crate::cli::{CliError, Cx, Kind};
use crate::flow::login::{Begun, Door, Fresh};
use crate::profile::keys::KeyPair;

/// Refuses to begin when nobody is there to type.
pub(super) fn askable(cx: &Cx, plan: &Plan) -> Result<(), CliError> {
    if !cx.interactive && !plan.password_stdin {
        return Err(CliError::new(Kind::Usage, "nobody is there to type the password").hint(format!(
            "in a script: printf '%s\\n' \"$PASSWORD\" \"$CODE\" | postern login --proxy={} --user={} --password-stdin",
            plan.proxy,
            plan.user.as_deref().unwrap_or("NAME")
        )));
    }
    if plan.user.is_none() && plan.password_stdin {
        return Err(CliError::new(Kind::Usage, "which user? Nothing names one")
            .hint("postern login --user NAME"));
    }
    Ok(())
}

/// Asks for what is missing, and logs in with it.
pub(super) async fn fresh(
    cx: &mut Cx,
    plan: &Plan,
    door: Door,
    key: &KeyPair,
) -> Result<Fresh, CliError> {
    let user = match &plan.user {
        Some(user) => user.clone(),
        None => {
            let proposal = here(cx);
            let typed = cx.ui.input_or("Teleport user", proposal).await?;
            typed.trim().to_owned()
        }
    };
    let begun = begin(cx, plan, door, &user).await?;
    let code = code(cx, plan, &begun).await?;
    Ok(begun.finish(code.reveal(), key, plan.ttl, &now).await?)
}

async fn begin(cx: &mut Cx, plan: &Plan, door: Door, user: &str) -> Result<Begun, CliError> {
    let password = if plan.password_stdin {
        cx.ui.read_line()?.ok_or_else(|| {
            CliError::new(Kind::Usage, "--password-stdin: standard input is empty")
                .hint("first line: the password; second line: the one-time code")
        })?
    } else {
        cx.ui.password(&format!("Password of {user}")).await?
    };
    Ok(door.begin(user, password.reveal()).await?)
}

async fn code(cx: &mut Cx, plan: &Plan, begun: &Begun) -> Result<Answer, CliError> {
    if !begun.wants_code() {
        return Ok(Answer::new(String::new()));
    }
    let typed = if plan.password_stdin {
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
