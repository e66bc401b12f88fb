//! `db_service` of Teleport's configuration: static databases, and which database documents are served (db-service.md 4.8).

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::cluster::documents::located::Located;
use crate::cluster::documents::{Place, dynamic_labels, fields};
use crate::rbac::Database;
use crate::rbac::selector::Selector;

/// What Teleport calls the label of a static database.
const ORIGIN: &str = "teleport.dev/origin";

/// Fields of an entry of `databases` that count.
const ENTRY: &[&str] = &[
    "name",
    "description",
    "protocol",
    "uri",
    "static_labels.*",
    "dynamic_labels",
    "ca_cert_file",
    "tls.mode",
    "tls.server_name",
    "tls.ca_cert_file",
    "tls.trust_system_cert_pool",
    "admin_user.name",
    "admin_user.default_database",
    "aws",
    "gcp",
    "azure",
    "ad.domain",
    "ad.spn",
    "mysql.server_version",
    "mongo_atlas.name",
];

/// A database of the configuration file.
#[derive(Clone, Debug)]
pub struct StaticDatabase {
    /// The database.
    pub database: Database,
    /// Where it stands.
    pub place: Place,
}

/// An entry of `resources`: which database documents are served.
#[derive(Clone, Debug)]
pub struct Matcher(Selector);

impl Matcher {
    /// Whether a database with these labels is served. A pattern that does not compile matches nothing; the configuration
    /// was refused then.
    #[must_use]
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.matches(labels).unwrap_or(false)
    }
}

type Parts = (Vec<StaticDatabase>, Option<Vec<Matcher>>, Vec<String>);

/// Reads the section. Without one every document is served; with one, those that an entry of `resources` matches, as in
/// Teleport.
pub(super) fn db_service(path: &Path, file: &Located, section: &Value) -> Result<Parts, String> {
    if section.is_null() {
        return Ok((Vec::new(), None, Vec::new()));
    }
    let place = |line| Place {
        path: path.to_owned(),
        line: Some(line),
    };
    let section_fields = section.as_object().ok_or("db_service must be an object")?;
    let mut ignored: Vec<String> =
        fields::unknown(section, &[&["enabled", "databases", "resources"]])
            .into_iter()
            .map(|field| format!("db_service.{field}"))
            .collect();
    let mut databases = Vec::new();
    let mut matchers = Vec::new();
    if enabled(section_fields.get("enabled"))? {
        let base = path.parent().unwrap_or(Path::new(""));
        for (at, entry) in list("databases", section)?.iter().enumerate() {
            let field = format!("db_service.databases.{at}");
            let unknown = fields::unknown(entry, &[ENTRY]);
            ignored.extend(unknown.into_iter().map(|name| format!("{field}.{name}")));
            let database = database(base, entry)
                .map_err(|e| format!("db_service.databases, entry {}: {e}", at + 1))?;
            databases.push(StaticDatabase {
                database,
                place: place(file.line_of(&field)),
            });
        }
        for (at, entry) in list("resources", section)?.iter().enumerate() {
            let unknown = fields::unknown(entry, &[&["labels"]]);
            ignored.extend(
                unknown
                    .into_iter()
                    .map(|name| format!("db_service.resources.{at}.{name}")),
            );
            matchers.push(
                matcher(&entry["labels"])
                    .map_err(|e| format!("db_service.resources, entry {}: {e}", at + 1))?,
            );
        }
    }
    let warnings = ignored
        .iter()
        .map(|field| format!("{}: {field} is ignored", place(file.line_of(field))))
        .collect();
    Ok((databases, Some(matchers), warnings))
}

/// Teleport takes words here as well as truth values.
fn enabled(value: Option<&Value>) -> Result<bool, String> {
    match value {
        None | Some(Value::Null) => Ok(true),
        Some(Value::Bool(on)) => Ok(*on),
        Some(Value::String(word)) => match word.to_ascii_lowercase().as_str() {
            "yes" | "yeah" | "y" | "true" | "1" | "on" | "" => Ok(true),
            "no" | "nope" | "n" | "false" | "0" | "off" => Ok(false),
            _ => Err(format!("enabled {word:?} is neither yes nor no")),
        },
        Some(other) => Err(format!("enabled {other} is neither yes nor no")),
    }
}

fn list<'v>(name: &str, section: &'v Value) -> Result<&'v [Value], String> {
    match &section[name] {
        Value::Null => Ok(&[]),
        Value::Array(items) => Ok(items),
        _ => Err(format!("db_service.{name} must be a list")),
    }
}

/// Makes the document of an entry, as Teleport does, and reads that.
fn database(base: &Path, entry: &Value) -> Result<Database, String> {
    let authority = |file: &Value| -> Result<Value, String> {
        match file.as_str() {
            None | Some("") => Ok(json!("")),
            Some(file) => {
                let path = base.join(file);
                std::fs::read_to_string(&path)
                    .map(Value::String)
                    .map_err(|e| format!("ca_cert_file {}: {e}", path.display()))
            }
        }
    };
    let object = |value: &Value| match value {
        Value::Null => Value::Object(Map::new()),
        other => other.clone(),
    };
    let mut labels = object(&entry["static_labels"]);
    labels
        .as_object_mut()
        .ok_or("static_labels must be an object")?
        .insert(ORIGIN.to_owned(), json!("config-file"));
    let mut tls = object(&entry["tls"]);
    let tls_fields = tls.as_object_mut().ok_or("tls must be an object")?;
    if let Some(file) = tls_fields.remove("ca_cert_file") {
        tls_fields.insert("ca_cert".to_owned(), authority(&file)?);
    }
    let admin = match &entry["admin_user"] {
        // Teleport lists a static database with an empty admin user.
        Value::Null => json!({"name": "", "default_database": ""}),
        admin => admin.clone(),
    };
    let document = json!({
        "kind": "db",
        "version": "v3",
        "metadata": {
            "name": text(&entry["name"]),
            "description": text(&entry["description"]),
            "labels": labels,
        },
        "spec": {
            "protocol": text(&entry["protocol"]),
            "uri": text(&entry["uri"]),
            "ca_cert": authority(&entry["ca_cert_file"])?,
            "dynamic_labels": dynamic_labels(entry["dynamic_labels"].clone())?,
            "tls": tls,
            "admin_user": admin,
            "aws": object(&entry["aws"]),
            "gcp": object(&entry["gcp"]),
            "azure": object(&entry["azure"]),
            "ad": object(&entry["ad"]),
            "mysql": object(&entry["mysql"]),
            "mongo_atlas": object(&entry["mongo_atlas"]),
        },
    });
    Database::from_document(&document).map_err(|e| e.to_string())
}

fn text(value: &Value) -> Value {
    match value {
        Value::Null => json!(""),
        other => other.clone(),
    }
}

fn matcher(labels: &Value) -> Result<Matcher, String> {
    let wrong = || "labels must be an object of texts or lists of texts".to_owned();
    let mut patterns = BTreeMap::new();
    for (key, value) in labels.as_object().ok_or_else(wrong)? {
        let values = match value {
            Value::String(one) => vec![one.clone()],
            Value::Bool(_) | Value::Number(_) => vec![value.to_string()],
            Value::Array(many) => many
                .iter()
                .map(|v| v.as_str().map(str::to_owned).ok_or_else(wrong))
                .collect::<Result<_, _>>()?,
            _ => return Err(wrong()),
        };
        for value in &values {
            crate::rbac::pattern::Pattern::new(value)
                .map_err(|e| format!("the pattern {value:?} of label {key:?}: {e}"))?;
        }
        patterns.insert(key.clone(), values);
    }
    Ok(Matcher(Selector::new(&patterns)))
}
