//! The traits document in a certificate's `POSTALCODE` (credentials.md 1.4).

use std::collections::BTreeMap;

use super::Traits;

/// Reads the document: an object of string lists in which a list, and the whole, may be `null`.
pub(super) fn decode(json: &str) -> Result<Traits, serde_json::Error> {
    if json.is_empty() {
        return Ok(Traits::new());
    }
    let document: Option<BTreeMap<String, Option<Vec<String>>>> = serde_json::from_str(json)?;
    Ok(document
        .unwrap_or_default()
        .into_iter()
        .map(|(name, values)| (name, values.unwrap_or_default()))
        .collect())
}

/// Writes the document: keys sorted, `null` for no traits at all and for an empty list, and `<`, `>`, `&` and the two
/// line separators escaped as real clusters do.
#[cfg(feature = "cluster-core")]
pub(crate) fn encode(traits: &Traits) -> String {
    if traits.is_empty() {
        return "null".to_owned();
    }
    let document: serde_json::Map<String, serde_json::Value> = traits
        .iter()
        .map(|(name, values)| {
            let values = if values.is_empty() {
                serde_json::Value::Null
            } else {
                values.as_slice().into()
            };
            (name.clone(), values)
        })
        .collect();
    let plain = serde_json::Value::Object(document).to_string();
    let mut out = String::with_capacity(plain.len());
    for character in plain.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str("\\u");
                out.push_str(&format!("{:04x}", u32::from(character)));
            }
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_are_empty_lists() {
        let traits =
            decode(r#"{"github_teams":["Dev"],"kubernetes_groups":null,"logins":["octo"]}"#)
                .expect("recorded");
        assert_eq!(traits["github_teams"], ["Dev"]);
        assert!(traits["kubernetes_groups"].is_empty());
        assert!(decode("null").expect("recorded").is_empty());
        assert!(decode("").expect("nothing").is_empty());
        for bad in [
            "{",
            "[]",
            "1",
            r#"{"a":"b"}"#,
            r#"{"a":[1]}"#,
            "\n\u{7}legacy",
        ] {
            assert!(decode(bad).is_err(), "{bad}");
        }
    }

    #[cfg(feature = "cluster-core")]
    #[test]
    fn written_as_recorded() {
        for recorded in [
            r#"{"db_names":["a b"],"db_roles":["writer"],"db_users":["postgres","we\u003cird\u003e\u0026"],"logins":["root"]}"#,
            r#"{"github_teams":["Dev"],"kubernetes_groups":null,"kubernetes_users":null,"logins":["octo"]}"#,
            "null",
        ] {
            assert_eq!(encode(&decode(recorded).expect("recorded")), recorded);
        }
    }
}
