//! What `login` prints in the end.

use super::now;
use crate::cli::Cx;
use crate::cli::output::{date, remaining};
use crate::cli::status::Report;
use crate::identity::Certificate;
use crate::profile::Profile;

/// Says who is logged in now; `already`: and was before.
pub(super) fn print(cx: &mut Cx, profile: &Profile, certificate: &Certificate, already: bool) {
    if cx.format.is_structured() {
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
