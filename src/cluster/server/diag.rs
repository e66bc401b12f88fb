//! Health and figures over plain HTTP, for monitoring: `/healthz`, `/readyz`, `/metrics`.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;

use super::status::Watched;

/// What the text format of Prometheus is called in HTTP.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers until the future is dropped.
pub(super) async fn serve(listener: TcpListener, cluster: Arc<Watched>) {
    let router = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(cluster);
    // It goes on after errors of single connections and has none of its own.
    let _ = axum::serve(listener, router).await;
}

/// The process lives.
async fn healthz() -> Response {
    answer(StatusCode::OK, "ok")
}

/// Clients are served: not while the cluster stops, nor when its state cannot be read.
async fn readyz(State(cluster): State<Arc<Watched>>) -> Response {
    if cluster.databases.is_stopping() {
        return answer(StatusCode::SERVICE_UNAVAILABLE, "the cluster is stopping");
    }
    let reading = Arc::clone(&cluster);
    let read = tokio::task::spawn_blocking(move || reading.state.store().setting("host_id"));
    match read.await {
        Ok(Ok(_)) => answer(StatusCode::OK, "ok"),
        Ok(Err(error)) => answer(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
        Err(error) => answer(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

fn answer(status: StatusCode, text: &str) -> Response {
    let body = json!({"status": text}).to_string() + "\n";
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn metrics(State(cluster): State<Arc<Watched>>) -> Response {
    ([(header::CONTENT_TYPE, PROMETHEUS)], text(&cluster)).into_response()
}

/// Every figure.
fn text(cluster: &Watched) -> String {
    let (state, figures) = (cluster.state.metrics(), cluster.databases.figures());
    let status = cluster.status();
    let count = |n: usize| n as u64;
    let mut out = format!(
        "# HELP postern_cluster_build_info The program; always 1.\n# TYPE postern_cluster_build_info gauge\n\
         postern_cluster_build_info{{version=\"{}\",cluster=\"{}\"}} 1\n",
        status.version, status.cluster
    );
    let mut add = |kind: &str, name: &str, help: &str, value: u64| {
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "# HELP postern_cluster_{name} {help}\n# TYPE postern_cluster_{name} {kind}\npostern_cluster_{name} {value}\n"
        );
    };
    for (name, help, value) in [
        (
            "sessions",
            "Open database sessions.",
            count(status.sessions),
        ),
        ("roles", "Roles in force.", count(status.roles)),
        ("users", "Users in force.", count(status.users)),
        (
            "databases",
            "Databases that are served.",
            count(status.databases),
        ),
        ("locks", "Locks in force.", count(status.locks)),
        (
            "documents_stale",
            "1 when the documents on disk are wrong and former ones stay in force.",
            status.documents_error.is_some().into(),
        ),
        (
            "start_time_seconds",
            "Start of the cluster, seconds since 1970.",
            cluster.started.unsigned_abs(),
        ),
    ] {
        add("gauge", name, help, value);
    }
    for (name, help, value) in [
        (
            "logins_total",
            "Logins that gave a certificate.",
            state.logins.get(),
        ),
        (
            "logins_refused_total",
            "Login requests that were refused.",
            state.refused_logins.get(),
        ),
        (
            "sessions_opened_total",
            "Database sessions that were opened.",
            figures.opened.get(),
        ),
        (
            "sessions_refused_total",
            "Database sessions that were refused or failed to open.",
            figures.refused.get(),
        ),
        (
            "connections_total",
            "Connections to the port.",
            state.connections.get(),
        ),
        (
            "connections_refused_total",
            "Connections closed at once because too many were open.",
            state.refused_connections.get(),
        ),
        (
            "reloads_total",
            "Changes of documents put in force.",
            state.reloads.get(),
        ),
        (
            "reloads_failed_total",
            "Changes of documents that were wrong.",
            state.failed_reloads.get(),
        ),
        (
            "audit_events_missing_total",
            "Audit events that could not be written.",
            status.audit_missing,
        ),
    ] {
        add("counter", name, help, value);
    }
    out
}
