//! Search keywords and label filters of a list call, and their form on the command line (rbac.md 3.7).

use std::collections::BTreeMap;

use super::Database;
use super::database::DatabaseKind;

/// Whether every keyword is part of a label key or value, the name, the description, the protocol or the type, whatever
/// the case.
#[must_use]
pub fn matches_keywords(database: &Database, keywords: &[String]) -> bool {
    if keywords.is_empty() {
        return true;
    }
    let kind = database.kind();
    let mut texts = vec![
        database.name.to_lowercase(),
        database.description.to_lowercase(),
        database.protocol.to_lowercase(),
        kind.name().to_owned(),
    ];
    for (key, value) in database.all_labels() {
        texts.push(key.to_lowercase());
        texts.push(value.to_lowercase());
    }
    keywords.iter().all(|keyword| {
        let keyword = keyword.to_lowercase();
        texts.iter().any(|text| text.contains(&keyword))
            || (kind == DatabaseKind::Gcp && (keyword == "cloud" || keyword == "cloud sql"))
    })
}

/// Whether every label is there with exactly this value; nothing is a wildcard.
#[must_use]
pub fn matches_labels(database: &Database, wanted: &BTreeMap<String, String>) -> bool {
    let labels = database.all_labels();
    wanted
        .iter()
        .all(|(key, value)| labels.get(key) == Some(value))
}

/// A label filter that is not `key=value`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid label spec: '{0}', should be 'key=value'")]
pub struct LabelSpecError(pub String);

/// Reads `k=v,k2=v2`: separated by `,` or `;`, quotes protect separators.
///
/// # Errors
/// For anything that is not a list of pairs with non-empty key and value.
pub fn parse_labels(text: &str) -> Result<BTreeMap<String, String>, LabelSpecError> {
    let bad = || LabelSpecError(text.to_owned());
    let mut labels = BTreeMap::new();
    for token in tokens(text, &[',', ';', '='])
        .map_err(|()| bad())?
        .split_inclusive(|t| t.separator != Some('='))
    {
        match token {
            [key, value] if !key.text.is_empty() && !value.text.is_empty() => {
                labels.insert(key.text.clone(), value.text.clone());
            }
            [only] if only.text.is_empty() && text.trim().is_empty() => {}
            _ => return Err(bad()),
        }
    }
    Ok(labels)
}

/// Splits search keywords: at commas only, each trimmed, quotes protect commas.
#[must_use]
pub fn parse_keywords(text: &str) -> Vec<String> {
    match tokens(text, &[',']) {
        Ok(tokens) => tokens
            .into_iter()
            .map(|t| t.text)
            .filter(|t| !t.is_empty())
            .collect(),
        Err(()) => vec![text.trim().to_owned()],
    }
}

struct Token {
    text: String,
    /// What ended it.
    separator: Option<char>,
}

/// Cuts at separators outside of double quotes; an unclosed quote is an error.
fn tokens(text: &str, separators: &[char]) -> Result<Vec<Token>, ()> {
    let mut out = Vec::new();
    let mut current = String::new();
    let mut quoted = false;
    for c in text.chars() {
        if c == '"' {
            quoted = !quoted;
        } else if !quoted && separators.contains(&c) {
            out.push(Token {
                text: std::mem::take(&mut current).trim().to_owned(),
                separator: Some(c),
            });
        } else {
            current.push(c);
        }
    }
    if quoted {
        return Err(());
    }
    out.push(Token {
        text: current.trim().to_owned(),
        separator: None,
    });
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_filters() {
        let pairs = |text: &str| {
            parse_labels(text).map(|m| {
                m.into_iter()
                    .map(|(k, v)| format!("{k}={v}"))
                    .collect::<Vec<_>>()
                    .join(" ")
            })
        };
        assert_eq!(
            pairs("env=live, team=core").as_deref(),
            Ok("env=live team=core")
        );
        assert_eq!(
            pairs("env=live;team=core").as_deref(),
            Ok("env=live team=core")
        );
        assert_eq!(pairs("env=\"a,b=c\"").as_deref(), Ok("env=a,b=c"));
        assert_eq!(pairs("").as_deref(), Ok(""));
        for bad in ["env", "=x", "env=", "env==x", "a=b,", "a=b=c", "env=\"x"] {
            let text = format!("invalid label spec: '{bad}', should be 'key=value'");
            assert_eq!(parse_labels(bad).unwrap_err().to_string(), text);
        }
    }

    #[test]
    fn keywords() {
        assert_eq!(parse_keywords("a, b c,\"d, e\""), ["a", "b c", "d, e"]);
        assert!(parse_keywords("").is_empty());
    }
}
