//! Discovery: what kind of cluster this is and how to log in (login.md 2).

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::answer;
use crate::cluster::sso::Connector;
use crate::cluster::state::ClusterState;
use crate::cluster::version::{MIN_CLIENT_VERSION, SERVER_VERSION};

#[derive(Serialize)]
struct Ping<'a> {
    auth: Auth<'a>,
    proxy: Proxy<'a>,
    server_version: &'static str,
    min_client_version: &'static str,
    auto_update: AutoUpdate,
    cluster_name: &'a str,
    automatic_upgrades: bool,
    edition: &'static str,
    fips: bool,
}

#[derive(Serialize)]
struct Auth<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    second_factor: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    preferred_local_mfa: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    local: Option<Local<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oidc: Option<Oidc<'a>>,
    private_key_policy: &'static str,
    piv_slot: &'static str,
    piv_pin_cache_ttl: i64,
    device_trust: DeviceTrust,
    has_motd: bool,
    default_session_ttl: String,
    signature_algorithm_suite: &'static str,
}

#[derive(Serialize)]
struct Local<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Oidc<'a> {
    name: &'a str,
    display: &'a str,
    #[serde(rename = "IssuerURL")]
    issuer_url: &'a str,
}

#[derive(Serialize)]
struct DeviceTrust {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disabled: bool,
}

#[derive(Serialize)]
struct Proxy<'a> {
    kube: Kube<'a>,
    ssh: Ssh<'a>,
    db: Db<'a>,
    tls_routing_enabled: bool,
}

#[derive(Serialize)]
struct Kube<'a> {
    enabled: bool,
    listen_addr: &'a str,
}

#[derive(Serialize)]
struct Ssh<'a> {
    listen_addr: &'a str,
    tunnel_listen_addr: &'a str,
    web_listen_addr: &'a str,
    public_addr: &'a str,
    dial_timeout: i64,
}

#[derive(Serialize)]
struct Db<'a> {
    postgres_listen_addr: &'a str,
    mysql_listen_addr: &'a str,
}

#[derive(Serialize)]
struct AutoUpdate {
    tools_version: &'static str,
    tools_auto_update: bool,
    agent_version: &'static str,
    agent_auto_update: bool,
    agent_update_jitter_seconds: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Motd {
    text: &'static str,
}

/// `GET /webapi/ping`: the cluster's default way to log in.
pub(super) async fn ping(State(state): State<Arc<ClusterState>>) -> Response {
    let ttl = duration(state.session_seconds());
    let documents = state.documents();
    let auth = match documents.default_connector() {
        Some(connector) => oidc(&state, connector, ttl),
        None => local(&state, "", ttl),
    };
    describe(&state, auth, true)
}

/// `GET /webapi/ping/<connector>`: one way to log in. Some parts stay at their zero values, as on real clusters.
pub(super) async fn ping_connector(
    State(state): State<Arc<ClusterState>>,
    Path(connector): Path<String>,
) -> Response {
    if matches!(connector.as_str(), "local" | "passwordless" | "headless") {
        return describe(&state, local(&state, &connector, duration(0)), false);
    }
    let documents = state.documents();
    match documents.connectors.get(&connector) {
        Some(found) => describe(&state, oidc(&state, found, duration(0)), false),
        None => {
            // Only single sign-on connectors are listed after the colon.
            let known: Vec<&str> = documents.connectors.keys().map(String::as_str).collect();
            let known = known.join(", ");
            answer::error(
                StatusCode::BAD_REQUEST,
                &format!("invalid connector name: {connector}; valid options: {known}"),
            )
        }
    }
}

/// `GET /webapi/find`: addresses and versions without the way to log in.
pub(super) async fn find(State(state): State<Arc<ClusterState>>) -> Response {
    let auth = Auth {
        r#type: "",
        second_factor: "",
        preferred_local_mfa: "",
        local: None,
        private_key_policy: "",
        device_trust: DeviceTrust { disabled: false },
        ..local(&state, "", duration(0))
    };
    describe(&state, auth, true)
}

/// `GET /webapi/motd`: there is no message of the day, and the ping says so.
pub(super) async fn motd() -> Response {
    answer::json(&Motd { text: "" })
}

fn local<'a>(state: &ClusterState, name: &'a str, ttl: String) -> Auth<'a> {
    let second_factor = if state.logins().second_factor() {
        "otp"
    } else {
        "off"
    };
    Auth {
        r#type: "local",
        second_factor,
        preferred_local_mfa: if second_factor == "off" {
            ""
        } else {
            second_factor
        },
        local: Some(Local { name }),
        oidc: None,
        private_key_policy: "none",
        piv_slot: "",
        piv_pin_cache_ttl: 0,
        device_trust: DeviceTrust { disabled: true },
        has_motd: false,
        default_session_ttl: ttl,
        signature_algorithm_suite: "balanced-v1",
    }
}

/// What holds for users of the cluster itself is announced beside the connector, but for their own ways.
fn oidc<'a>(state: &ClusterState, connector: &'a Connector, ttl: String) -> Auth<'a> {
    Auth {
        r#type: "oidc",
        local: None,
        oidc: Some(Oidc {
            name: &connector.name,
            display: &connector.display,
            issuer_url: &connector.issuer,
        }),
        ..local(state, "", ttl)
    }
}

fn describe(state: &ClusterState, auth: Auth<'_>, whole: bool) -> Response {
    let listen = state.listen().to_string();
    let version = if whole { SERVER_VERSION } else { "" };
    answer::json(&Ping {
        auth,
        proxy: Proxy {
            kube: Kube {
                enabled: true,
                listen_addr: &listen,
            },
            ssh: Ssh {
                listen_addr: &listen,
                tunnel_listen_addr: &listen,
                web_listen_addr: &listen,
                public_addr: state.public_addr(),
                dial_timeout: 30_000_000_000,
            },
            db: Db {
                postgres_listen_addr: &listen,
                mysql_listen_addr: &listen,
            },
            tls_routing_enabled: true,
        },
        server_version: SERVER_VERSION,
        min_client_version: MIN_CLIENT_VERSION,
        auto_update: AutoUpdate {
            tools_version: version,
            tools_auto_update: false,
            agent_version: version,
            agent_auto_update: false,
            agent_update_jitter_seconds: if whole { 60 } else { 0 },
        },
        cluster_name: state.name(),
        automatic_upgrades: false,
        edition: if whole { "oss" } else { "" },
        fips: false,
    })
}

/// Seconds in Go's notation: `12h0m0s`, `0s`.
fn duration(seconds: i64) -> String {
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (h, m) {
        (0, 0) => format!("{s}s"),
        (0, _) => format!("{m}m{s}s"),
        _ => format!("{h}h{m}m{s}s"),
    }
}
