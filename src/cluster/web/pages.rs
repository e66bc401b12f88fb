//! Pages for browsers: one that leads on at once, and those on which a single sign-on ends (login.md 6.5, 6.6).

use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};

use super::answer;

/// What real proxies send with these pages.
const POLICY: &str = "base-uri 'self'; default-src 'self'; form-action 'self'; frame-ancestors 'none'; img-src 'self' data: blob:; \
                      object-src 'none'; script-src 'self' 'none'; style-src 'self' 'unsafe-inline';";

/// The page for a login that is not known, or not any more.
pub(super) const CALLBACK_FAILED: &str = "/web/msg/error/login/callback";

/// Leads the browser to `url` by a page: the address may be longer than what headers take.
pub(super) fn lead_to(url: &str) -> Response {
    let url = escaped(url);
    page(format!(
        "\n<!DOCTYPE html>\n<html lang=\"en\">\n\t<head>\n\t\t<title>Redirection</title>\n\t\t<meta http-equiv=\"cache-control\" \
         content=\"no-cache\"/>\n\t\t<meta http-equiv=\"refresh\" content=\"0;URL='{url}'\" />\n\t</head>\n\t<body></body>\n</html>\n"
    ))
}

/// `GET /web/msg/KIND/WHAT`: how a single sign-on ended.
pub(super) async fn message(Path((kind, what)): Path<(String, String)>) -> Response {
    let (title, text) = match (kind.as_str(), what.as_str()) {
        ("info", "login_success") => (
            "Logged in",
            "You are logged in. Close this window and go back to the terminal.",
        ),
        ("info", "login_close" | "login_terminal") => (
            "Not finished",
            "Go back to the terminal: the login goes on there.",
        ),
        ("error", "login/callback") => (
            "Login failed",
            "This login is not known here, or was too long ago, or has been used already. Begin again in the terminal.",
        ),
        ("error", "login" | "login/auth") => (
            "Login failed",
            "You are not logged in. The terminal says why.",
        ),
        _ => return answer::path_not_found().await,
    };
    page(format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>\n"
    ))
}

fn page(text: String) -> Response {
    let mut response = Html(Body::from(text)).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// In an attribute, as Go writes it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            '+' => out.push_str("&#43;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}
