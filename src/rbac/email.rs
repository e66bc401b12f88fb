//! `email.local`: the part of an address before its first `@` (rbac.md 4.3).

use crate::quote::quote;

/// Returns the local part of an RFC 5322 address such as `kim@corp.test` or `Kim <kim@corp.test>`.
///
/// # Errors
/// The text that a cluster reports for an empty or unparsable argument.
pub fn local(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("found empty \"email.local\" argument".into());
    }
    let fail = |reason: &str| {
        format!(
            "failed to parse \"email.local\" argument {}: mail: {reason}",
            quote(text)
        )
    };
    let address = address(text.trim_matches([' ', '\t'])).map_err(|reason| fail(&reason))?;
    Ok(address.split('@').next().unwrap_or_default().to_owned())
}

/// Extracts `local@domain` from an address with or without a display name.
fn address(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("no address".into());
    }
    match addr_spec(text) {
        Ok((spec, "")) => return Ok(spec),
        Ok((_, rest)) if !rest.trim_start().starts_with('(') => {
            return Err(format!(
                "expected single address, got {}",
                quote(rest.trim_start())
            ));
        }
        Ok((spec, _)) => return Ok(spec),
        Err(_) => {}
    }
    let angle = display_name(text)?;
    let Some(rest) = angle.strip_prefix('<') else {
        let atoms_only = angle.is_empty();
        return Err(if atoms_only {
            "missing '@' or angle-addr"
        } else {
            "no angle-addr"
        }
        .into());
    };
    let (spec, rest) = addr_spec(rest)?;
    let Some(rest) = rest.strip_prefix('>') else {
        return Err("unclosed angle-addr".into());
    };
    let rest = rest.trim_start();
    if rest.is_empty() || (rest.starts_with('(') && rest.ends_with(')')) {
        Ok(spec)
    } else {
        Err(format!("expected single address, got {}", quote(rest)))
    }
}

/// Skips a display name of atoms, dots and quoted strings; returns what follows.
fn display_name(text: &str) -> Result<&str, String> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        if rest.starts_with('"') {
            rest = quoted(rest)?.1;
        } else {
            let end = rest
                .find(|c: char| !(is_atom(c) || c == '.'))
                .unwrap_or(rest.len());
            if end == 0 {
                return Ok(rest);
            }
            rest = &rest[end..];
        }
    }
}

/// Reads `local@domain`; returns it and what follows.
fn addr_spec(text: &str) -> Result<(String, &str), String> {
    let (local, rest) = if text.starts_with('"') {
        quoted(text)?
    } else {
        let (atom, rest) = dot_atom(text)?;
        (atom.to_owned(), rest)
    };
    if local.is_empty() {
        return Err("no local part".into());
    }
    let Some(rest) = rest.trim_start_matches([' ', '\t']).strip_prefix('@') else {
        return Err("missing @ in addr-spec".into());
    };
    let rest = rest.trim_start_matches([' ', '\t']);
    if rest.is_empty() {
        return Err("no domain in addr-spec".into());
    }
    if let Some(literal) = rest.strip_prefix('[') {
        let end = literal.find(']').ok_or("unclosed domain-literal")?;
        literal[..end]
            .parse::<std::net::IpAddr>()
            .map_err(|_| "invalid IP address in domain-literal")?;
        return Ok((
            format!("{local}@[{}]", &literal[..end]),
            &literal[end + 1..],
        ));
    }
    let (domain, rest) = dot_atom(rest)?;
    Ok((format!("{local}@{domain}"), rest))
}

fn dot_atom(text: &str) -> Result<(&str, &str), String> {
    let end = text
        .find(|c: char| !(is_atom(c) || c == '.'))
        .unwrap_or(text.len());
    let (atom, rest) = text.split_at(end);
    if atom.is_empty() {
        return Err("invalid string".into());
    }
    if atom.starts_with('.') || atom.ends_with('.') {
        return Err("leading or trailing dot in atom".into());
    }
    if atom.contains("..") {
        return Err("double dot in atom".into());
    }
    Ok((atom, rest))
}

/// Reads a quoted string; returns its content and what follows.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut content = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => return Ok((content, &text[i + 1..])),
            '\\' => content.push(chars.next().ok_or("unclosed quoted-string")?.1),
            '\n' | '\r' => return Err("bad character in quoted-string".into()),
            c => content.push(c),
        }
    }
    Err("unclosed quoted-string".into())
}

fn is_atom(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || !c.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(local("kim@corp.test").as_deref(), Ok("kim"));
        assert_eq!(local("Kim <kim@corp.test>").as_deref(), Ok("kim"));
        assert_eq!(local("\"Kim, B.\" <kim@corp.test>").as_deref(), Ok("kim"));
        assert_eq!(local("\"a@b\"@corp.test").as_deref(), Ok("a"));
    }

    #[test]
    fn refused() {
        assert_eq!(
            local("").unwrap_err(),
            "found empty \"email.local\" argument"
        );
        assert_eq!(
            local("kim").unwrap_err(),
            "failed to parse \"email.local\" argument \"kim\": mail: missing '@' or angle-addr"
        );
        for bad in ["a@", "@b", "a@b, c@d", "a..b@c", "<a@b", "a b@c"] {
            assert!(local(bad).is_err(), "{bad}");
        }
    }
}
