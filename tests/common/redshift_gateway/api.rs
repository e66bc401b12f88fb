//! The door to the credentials API: passes every request on to moto and notes which passwords it issued.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use super::Shared;

/// Serves until the process ends.
pub(super) async fn serve(listener: tokio::net::TcpListener, shared: Arc<Shared>) {
    let app = Router::new().fallback(pass_on).with_state(shared);
    axum::serve(listener, app)
        .await
        .expect("the door stays open");
}

async fn pass_on(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    mut headers: HeaderMap,
    body: Bytes,
) -> Response {
    let asked = String::from_utf8_lossy(&body).into_owned();
    let signed = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    let key = signed
        .and_then(|value| value.split_once("Credential="))
        .and_then(|(_, rest)| rest.split('/').next())
        .unwrap_or_default()
        .to_owned();
    let refusal = shared.note(|log| {
        log.asked.push((asked.clone(), key));
        log.refusal.clone()
    });
    if let Some((_, answer)) = refusal.filter(|(user, _)| asked.contains(user)) {
        return (StatusCode::FORBIDDEN, answer).into_response();
    }
    headers.remove("host");
    headers.remove("content-length");
    let url = format!(
        "{}{}",
        shared.moto,
        uri.path_and_query().map_or("/", |path| path.as_str())
    );
    let answer = shared
        .http
        .request(method, url)
        .headers(headers)
        .body(body)
        .send()
        .await
        .expect("moto answers");
    let status = answer.status();
    let text = answer.text().await.expect("moto's answer");
    if let (Some(login), Some(password)) = (element(&text, "DbUser"), element(&text, "DbPassword"))
    {
        shared.note(|log| log.issued.push((login, password)));
    }
    (status, text).into_response()
}

/// The text of the first element with this name.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(
        text.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&"),
    )
}
