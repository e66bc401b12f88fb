//! Options of tsh that have no meaning for databases: accepted, so that scripts keep working, with one line that says so.

use clap::Args;

/// They may stand everywhere and do nothing (db-client.md 1.2).
#[derive(Args, Clone, Debug, Default)]
pub struct Ignored {
    #[arg(short = 'l', long, global = true, hide = true, value_name = "NAME")]
    login: Option<String>,
    #[arg(short = 'k', long, global = true, hide = true, value_name = "MODE")]
    add_keys_to_agent: Option<String>,
    #[arg(long, global = true, hide = true)]
    use_local_ssh_agent: bool,
    #[arg(long, global = true, hide = true)]
    enable_escape_sequences: bool,
    #[arg(short = 'J', long, global = true, hide = true, value_name = "HOST")]
    jumphost: Option<String>,
    #[arg(long, global = true, hide = true, value_name = "FORMAT")]
    cert_format: Option<String>,
    #[arg(long, global = true, hide = true, value_name = "FORMAT")]
    compat: Option<String>,
    #[arg(long, global = true, hide = true, value_name = "MODE")]
    mlock: Option<String>,
    #[arg(long, global = true, hide = true)]
    os_log: bool,
    #[arg(long, global = true, hide = true, value_name = "SLOT")]
    piv_slot: Option<String>,
    #[arg(long, global = true, hide = true, value_name = "ADDRESS")]
    relay: Option<String>,
    #[arg(long, global = true, hide = true)]
    trace: bool,
    #[arg(long, global = true, hide = true, value_name = "URL")]
    trace_exporter: Option<String>,
    #[arg(long, global = true, hide = true, value_name = "FILE")]
    trace_profile: Option<String>,
    #[arg(long, global = true, hide = true, value_name = "FILE")]
    cpu_profile: Option<String>,
    #[arg(long, global = true, hide = true, value_name = "FILE")]
    mem_profile: Option<String>,
    #[arg(long, global = true, hide = true)]
    nocache: bool,
}

impl Ignored {
    /// One line for each that was given.
    pub fn notes(&self) -> Vec<String> {
        const SSH: &str = "it is about ssh";
        const AGENT: &str = "keys for databases do not go to an ssh agent";
        const TRACE: &str = "there is nothing to trace";
        [
            ("--login", self.login.is_some(), SSH),
            (
                "--add-keys-to-agent",
                self.add_keys_to_agent.is_some(),
                AGENT,
            ),
            ("--use-local-ssh-agent", self.use_local_ssh_agent, AGENT),
            (
                "--enable-escape-sequences",
                self.enable_escape_sequences,
                SSH,
            ),
            ("--jumphost", self.jumphost.is_some(), SSH),
            ("--cert-format", self.cert_format.is_some(), SSH),
            ("--compat", self.compat.is_some(), SSH),
            (
                "--mlock",
                self.mlock.is_some(),
                "keys are wiped from memory after use instead",
            ),
            ("--os-log", self.os_log, "messages go to stderr"),
            (
                "--piv-slot",
                self.piv_slot.is_some(),
                "keys on hardware are not supported",
            ),
            (
                "--relay",
                self.relay.is_some(),
                "databases are reached through the proxy",
            ),
            ("--trace", self.trace, TRACE),
            ("--trace-exporter", self.trace_exporter.is_some(), TRACE),
            ("--trace-profile", self.trace_profile.is_some(), TRACE),
            ("--cpu-profile", self.cpu_profile.is_some(), TRACE),
            ("--mem-profile", self.mem_profile.is_some(), TRACE),
            ("--nocache", self.nocache, "nothing is cached"),
        ]
        .into_iter()
        .filter(|(_, given, _)| *given)
        .map(|(flag, _, why)| format!("{flag} does nothing here: {why}"))
        .collect()
    }
}
