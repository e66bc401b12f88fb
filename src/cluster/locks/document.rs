//! Locks as documents: the YAML and JSON that real clusters take and print (db-service.md 4.7).

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Lock, Target};

impl Lock {
    /// Reads a document of `kind: lock`.
    ///
    /// # Errors
    /// What is wrong with it, for whoever wrote it.
    pub fn from_document(document: &Value) -> Result<Self, String> {
        let name = text("metadata.name", &document["metadata"]["name"])?;
        if name.is_empty() {
            return Err("the document has no metadata.name".to_owned());
        }
        let spec = &document["spec"];
        let lock = Self {
            name,
            target: target(&spec["target"])?,
            message: text("spec.message", &spec["message"])?,
            expires: moment("spec.expires", &spec["expires"])?,
            created_at: moment("spec.created_at", &spec["created_at"])?,
            created_by: text("spec.created_by", &spec["created_by"])?,
        };
        if lock.target.is_empty() {
            return Err("at least one target field must be set".to_owned());
        }
        Ok(lock)
    }

    /// The document.
    #[must_use]
    pub fn to_document(&self) -> Value {
        let target: Map<String, Value> = self
            .target
            .fields()
            .into_iter()
            .filter(|(_, _, value)| !value.is_empty())
            .map(|(_, key, value)| (key.to_owned(), value.into()))
            .collect();
        let mut spec = json!({"target": target});
        let texts = [
            ("message", Some(self.message.clone())),
            ("expires", self.expires.and_then(rfc3339)),
            ("created_at", self.created_at.and_then(rfc3339)),
            ("created_by", Some(self.created_by.clone())),
        ];
        for (key, value) in texts {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                spec[key] = value.into();
            }
        }
        json!({"kind": "lock", "version": "v2", "metadata": {"name": self.name}, "spec": spec})
    }
}

fn target(value: &Value) -> Result<Target, String> {
    let mut target = Target::default();
    let Some(fields) = value.as_object() else {
        return Err("spec.target is missing".to_owned());
    };
    for (key, value) in fields {
        let field = match key.as_str() {
            "user" => &mut target.user,
            "role" => &mut target.role,
            "login" => &mut target.login,
            "mfa_device" => &mut target.mfa_device,
            "windows_desktop" => &mut target.windows_desktop,
            "access_request" => &mut target.access_request,
            "device" => &mut target.device,
            "server_id" => &mut target.server_id,
            "bot_instance_id" => &mut target.bot_instance_id,
            "join_token" => &mut target.join_token,
            // A target that is passed over would leave somebody unlocked whom the document means.
            _ => return Err(format!("spec.target.{key} is not known")),
        };
        *field = text(key, value)?;
    }
    Ok(target)
}

fn text(what: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        _ => Err(format!("{what} must be a text")),
    }
}

fn moment(what: &str, value: &Value) -> Result<Option<i64>, String> {
    let text = text(what, value)?;
    // How an absent moment is printed by programs written in Go.
    if text.is_empty() || text == "0001-01-01T00:00:00Z" {
        return Ok(None);
    }
    OffsetDateTime::parse(&text, &Rfc3339)
        .map(|moment| Some(moment.unix_timestamp()))
        .map_err(|_| format!("{what} {text:?} is no moment such as 2030-01-31T12:00:00Z"))
}

fn rfc3339(seconds: i64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()?
        .format(&Rfc3339)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_of_a_real_cluster_is_read_and_written_alike() {
        let document = json!({
            "kind": "lock", "version": "v2",
            "metadata": {"name": "5cbb1cd9-9b0a-4b3a-a9f5-3f2a3f6c7d01"},
            "spec": {"target": {"user": "alice", "role": "dba"}, "message": "Suspicious activity.",
                     "expires": "2030-08-31T09:45:52Z", "created_at": "2026-11-23T07:30:51Z", "created_by": "admin"}
        });
        let lock = Lock::from_document(&document).expect("a lock");
        assert_eq!(lock.target.to_string(), r#"User:"alice" Role:"dba""#);
        assert_eq!(lock.expires, Some(1_914_399_952));
        assert_eq!(lock.to_document(), document);
        let short = json!({"kind": "lock", "version": "v2", "metadata": {"name": "x"},
                           "spec": {"target": {"mfa_device": "d"}, "expires": "0001-01-01T00:00:00Z"}});
        let lock = Lock::from_document(&short).expect("a lock");
        assert_eq!((lock.expires, lock.target.mfa_device.as_str()), (None, "d"));
    }

    #[test]
    fn mistakes_are_named() {
        for (spec, wanted) in [
            (json!({}), "spec.target is missing"),
            (json!({"target": {}}), "at least one target field"),
            (json!({"target": {"usr": "alice"}}), "spec.target.usr"),
            (json!({"target": {"user": 1}}), "user must be a text"),
            (
                json!({"target": {"user": "a"}, "expires": "soon"}),
                "spec.expires \"soon\"",
            ),
        ] {
            let document = json!({"kind": "lock", "metadata": {"name": "x"}, "spec": spec});
            let error = Lock::from_document(&document).expect_err("a mistake");
            assert!(error.contains(wanted), "{error}");
        }
    }
}
