//! The document of a connector: `kind: oidc, version: v3`, as Teleport's own.

use std::fmt;
use std::path::PathBuf;

use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::claims::Mapping;
use super::redirect::Allowed;
use crate::cluster::documents::preference::duration;
use crate::cluster::documents::strings;
use crate::rbac::pattern::Pattern;

/// What the provider is asked for in any case.
const SCOPES: [&str; 2] = ["openid", "email"];
/// What a provider is told when the document says nothing: Teleport's default.
const PROMPT: &str = "select_account";

/// A provider that vouches for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connector {
    /// The name, as in `--auth NAME`.
    pub name: String,
    /// What people call it; may be empty.
    pub display: String,
    /// Where the provider describes itself: below `/.well-known/openid-configuration`.
    pub issuer: String,
    /// The cluster's name at the provider.
    pub client_id: String,
    /// The cluster's password there.
    pub client_secret: ClientSecret,
    /// Addresses of this cluster that the provider may send browsers to.
    pub redirect_urls: Vec<String>,
    /// What is asked for, `openid` and `email` first.
    pub scopes: Vec<String>,
    /// Which claims give which roles.
    pub claims_to_roles: Vec<Mapping>,
    /// The claim that is the user name; empty for `email`.
    pub username_claim: String,
    /// What the provider shall ask people for; empty for what it thinks right.
    pub prompt: String,
    /// Seconds since somebody was asked, at most.
    pub max_age: Option<i64>,
    /// How people must be asked; empty for anyhow.
    pub acr_values: String,
    /// Whether addresses count that the provider says nobody has shown to be theirs.
    pub allow_unverified_email: bool,
    /// Whether PKCE is used; `None` for where the provider knows it.
    pub pkce: Option<bool>,
    /// Which addresses of clients are taken beside their own computers.
    pub allowed: Allowed,
}

/// Where the password of the cluster is. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub enum ClientSecret {
    /// In the document.
    Text(Zeroizing<String>),
    /// In a file of its own: the document names its absolute path.
    File(PathBuf),
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("****"),
            Self::File(path) => path.fmt(f),
        }
    }
}

impl ClientSecret {
    /// The password, read now.
    ///
    /// # Errors
    /// When the file cannot be read, with its path.
    pub(super) fn read(&self) -> Result<Zeroizing<String>, String> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::File(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| format!("client_secret: {}: {error}", path.display()))?;
                let text = Zeroizing::new(text);
                Ok(Zeroizing::new(text.trim().to_owned()))
            }
        }
    }
}

impl Connector {
    /// What people call it; never empty.
    #[must_use]
    pub fn title(&self) -> &str {
        if self.display.is_empty() {
            &self.name
        } else {
            &self.display
        }
    }

    /// Reads the document.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_document(document: &Value) -> Result<Self, String> {
        let spec = &document["spec"];
        let text = |field: &str| text(&spec[field], field);
        let needed = |field: &str| match text(field)? {
            empty if empty.is_empty() => Err(format!("missing spec.{field}")),
            text => Ok(text),
        };
        let name = document["metadata"]["name"].as_str().unwrap_or_default();
        if matches!(name, "local" | "passwordless" | "headless") {
            return Err(format!(
                "{name:?} is the name of another way to log in; choose another for the connector"
            ));
        }
        let issuer = needed("issuer_url")?;
        check_endpoint(&issuer).map_err(|why| format!("issuer_url {issuer:?} {why}"))?;
        let secret = Zeroizing::new(needed("client_secret")?);
        let client_secret = match secret.strip_prefix("file://").unwrap_or(&secret) {
            path if path.starts_with('/') => ClientSecret::File(path.into()),
            _ => ClientSecret::Text(secret),
        };
        let redirect_urls = match &spec["redirect_url"] {
            Value::String(one) if !one.is_empty() => vec![one.clone()],
            other => strings(other).ok_or("spec.redirect_url is an address or a list of them")?,
        };
        if redirect_urls.is_empty() {
            return Err("missing spec.redirect_url".to_owned());
        }
        for url in &redirect_urls {
            check_callback(url)?;
        }
        let mut scopes = SCOPES.map(str::to_owned).to_vec();
        for scope in strings(&spec["scope"]).ok_or("spec.scope must be a list of texts")? {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        Ok(Self {
            name: name.to_owned(),
            display: text("display")?,
            issuer,
            client_id: needed("client_id")?,
            client_secret,
            redirect_urls,
            scopes,
            claims_to_roles: mappings(&spec["claims_to_roles"])?,
            username_claim: text("username_claim")?,
            prompt: match &spec["prompt"] {
                Value::Null => PROMPT.to_owned(),
                _ => text("prompt")?,
            },
            max_age: duration("max_age", &spec["max_age"])?,
            acr_values: text("acr_values")?,
            allow_unverified_email: match &spec["allow_unverified_email"] {
                Value::Null => false,
                Value::Bool(on) => *on,
                _ => return Err("spec.allow_unverified_email is true or false".to_owned()),
            },
            pkce: match text("pkce_mode")?.as_str() {
                "" => None,
                "enabled" => Some(true),
                "disabled" => Some(false),
                other => {
                    return Err(format!(
                        "pkce_mode {other:?} is neither enabled nor disabled"
                    ));
                }
            },
            allowed: allowed(&spec["client_redirect_settings"])?,
        })
    }

    /// The address that the provider sends the browser to: of several the one at `public_addr`, else the first.
    #[must_use]
    pub fn callback(&self, public_addr: &str) -> &str {
        let here = |url: &&String| {
            Url::parse(url).is_ok_and(|url| {
                let host = url.host_str().unwrap_or_default();
                let port = url.port_or_known_default().unwrap_or_default();
                public_addr == host || public_addr == format!("{host}:{port}")
            })
        };
        let first = self.redirect_urls.first();
        let chosen = self.redirect_urls.iter().find(here).or(first);
        chosen.map_or("", String::as_str)
    }
}

fn text(value: &Value, field: &str) -> Result<String, String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.trim().to_owned()),
        _ => Err(format!("spec.{field} must be a text")),
    }
}

/// Whether secrets and tokens may be sent to `url`: by HTTPS, or to this computer.
pub(super) fn check_endpoint(url: &str) -> Result<(), &'static str> {
    let Ok(url) = Url::parse(url) else {
        return Err("is no address");
    };
    let here = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => return Err("names no host"),
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if here => Ok(()),
        _ => Err("must begin with https://"),
    }
}

fn check_callback(url: &str) -> Result<(), String> {
    check_endpoint(url).map_err(|why| format!("redirect_url {url:?} {why}"))?;
    let path = Url::parse(url).map(|url| url.path().to_owned());
    if path.is_ok_and(|path| {
        matches!(
            path.as_str(),
            "/v1/webapi/oidc/callback" | "/webapi/oidc/callback"
        )
    }) {
        return Ok(());
    }
    Err(format!(
        "redirect_url {url:?} leads nowhere; it ends in /v1/webapi/oidc/callback"
    ))
}

fn mappings(value: &Value) -> Result<Vec<Mapping>, String> {
    let wrong = "spec.claims_to_roles is a list of claim, value and roles";
    let items = match value {
        Value::Array(items) => items.as_slice(),
        Value::Null => &[],
        _ => return Err(wrong.to_owned()),
    };
    if items.is_empty() {
        return Err("spec.claims_to_roles is empty: nobody would have a role".to_owned());
    }
    let mut found = Vec::new();
    for item in items {
        let field = |name: &str| match &item[name] {
            Value::String(text) if !text.is_empty() => Ok(text.clone()),
            _ => Err(format!(
                "claims_to_roles: {name:?} is missing or no text; {wrong}"
            )),
        };
        let (claim, value) = (field("claim")?, field("value")?);
        let roles = strings(&item["roles"])
            .filter(|roles| !roles.is_empty() && roles.iter().all(|role| !role.is_empty()))
            .ok_or_else(|| format!("claims_to_roles: no roles for {claim:?} {value:?}"))?;
        Pattern::regex(&value)
            .map_err(|error| format!("claims_to_roles: value {value:?}: {error}"))?;
        found.push(Mapping {
            claim,
            value,
            roles,
        });
    }
    Ok(found)
}

fn allowed(settings: &Value) -> Result<Allowed, String> {
    let list = |name: &str| {
        strings(&settings[name])
            .ok_or_else(|| format!("client_redirect_settings.{name} must be a list of texts"))
    };
    let https_names = list("allowed_https_hostnames")?;
    for name in &https_names {
        Pattern::new(name).map_err(|error| format!("allowed_https_hostnames {name:?}: {error}"))?;
    }
    let networks = list("insecure_allowed_cidr_ranges")?
        .iter()
        .map(|text| {
            text.parse()
                .map_err(|_| format!("insecure_allowed_cidr_ranges: {text:?} is no network"))
        })
        .collect::<Result<_, String>>()?;
    Ok(Allowed {
        https_names,
        networks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(change: impl FnOnce(&mut Value)) -> Value {
        let mut document = json!({
            "kind": "oidc", "version": "v3", "metadata": {"name": "corp"},
            "spec": {
                "issuer_url": "https://id.corp.test/realms/main", "client_id": "postern", "client_secret": "s3cret",
                "redirect_url": "https://db.corp.test:3080/v1/webapi/oidc/callback", "display": "Corp",
                "scope": ["groups", "email"], "claims_to_roles": [{"claim": "groups", "value": "dba", "roles": ["dev"]}],
            }
        });
        change(&mut document["spec"]);
        document
    }

    #[test]
    fn what_is_left_out_is_what_teleport_takes_for_it() {
        let connector = Connector::from_document(&document(|_| ())).expect("a connector");
        assert_eq!(connector.scopes, ["openid", "email", "groups"]);
        assert_eq!(connector.prompt, "select_account");
        assert_eq!((connector.pkce, connector.max_age), (None, None));
        assert_eq!(connector.title(), "Corp");
        assert!(!format!("{connector:?}").contains("s3cret"));
        assert_eq!(
            connector.client_secret.read().expect("a text").as_str(),
            "s3cret"
        );
        let connector = Connector::from_document(&document(|spec| {
            spec["prompt"] = json!("");
            spec["display"] = Value::Null;
            spec["max_age"] = json!("1h");
            spec["pkce_mode"] = json!("disabled");
        }))
        .expect("a connector");
        assert_eq!((connector.prompt.as_str(), connector.title()), ("", "corp"));
        assert_eq!(
            (connector.pkce, connector.max_age),
            (Some(false), Some(3600))
        );
    }

    #[test]
    fn a_secret_may_lie_in_a_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("secret");
        let text = path.to_str().expect("text").to_owned();
        for text in [text.clone(), format!("file://{text}")] {
            let connector = Connector::from_document(&document(|spec| {
                spec["client_secret"] = json!(text);
            }))
            .expect("a connector");
            let _ = std::fs::remove_file(&path);
            let error = connector.client_secret.read().expect_err("no file");
            assert!(error.contains("client_secret: /"), "{error}");
            std::fs::write(&path, "from-file\n").expect("a file");
            assert_eq!(
                connector.client_secret.read().expect("a file").as_str(),
                "from-file"
            );
        }
    }

    #[test]
    fn of_several_addresses_the_announced_one_is_taken() {
        let connector = Connector::from_document(&document(|spec| {
            spec["redirect_url"] = json!([
                "https://a.test/v1/webapi/oidc/callback",
                "https://b.test:3080/webapi/oidc/callback"
            ]);
        }))
        .expect("a connector");
        assert_eq!(
            connector.callback("b.test:3080"),
            connector.redirect_urls[1]
        );
        for other in ["a.test:443", "c.test:1", "b.test:1"] {
            assert_eq!(connector.callback(other), connector.redirect_urls[0]);
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (field, value, wanted) in [
            ("issuer_url", Value::Null, "missing spec.issuer_url"),
            (
                "issuer_url",
                json!("http://id.corp.test"),
                "must begin with https://",
            ),
            ("issuer_url", json!("id.corp.test"), "is no address"),
            ("client_id", Value::Null, "missing spec.client_id"),
            ("client_secret", Value::Null, "missing spec.client_secret"),
            ("redirect_url", Value::Null, "missing spec.redirect_url"),
            (
                "redirect_url",
                json!("https://db.corp.test/callback"),
                "leads nowhere",
            ),
            (
                "redirect_url",
                json!(["http://db.corp.test/v1/webapi/oidc/callback"]),
                "must begin with https://",
            ),
            ("claims_to_roles", Value::Null, "nobody would have a role"),
            (
                "claims_to_roles",
                json!([{"claim": "a", "value": "b"}]),
                "no roles for \"a\" \"b\"",
            ),
            (
                "claims_to_roles",
                json!([{"claim": "a", "roles": ["b"]}]),
                "\"value\" is missing",
            ),
            (
                "claims_to_roles",
                json!([{"claim": "a", "value": "^[$", "roles": ["b"]}]),
                "error parsing regexp",
            ),
            ("scope", json!("email"), "spec.scope must be a list"),
            ("max_age", json!("soon"), "max_age"),
            ("pkce_mode", json!("maybe"), "neither enabled nor disabled"),
            ("allow_unverified_email", json!("yes"), "true or false"),
            (
                "client_redirect_settings",
                json!({"insecure_allowed_cidr_ranges": ["x"]}),
                "is no network",
            ),
        ] {
            let message =
                Connector::from_document(&document(|spec| spec[field] = value)).expect_err(wanted);
            assert!(message.contains(wanted), "{message:?} for {wanted:?}");
        }
        let mut taken = document(|_| ());
        taken["metadata"]["name"] = json!("local");
        let message = Connector::from_document(&taken).expect_err("a taken name");
        assert!(message.contains("another way to log in"), "{message}");
    }
}
