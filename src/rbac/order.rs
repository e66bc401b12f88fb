//! The order of roles: that of the certificate's Organization attribute, which DER sorts as a set (rbac.md 5).

use super::Role;

/// Sorts role names as a certificate carries them: shorter encodings first, then string type, then bytes.
///
/// Names outside PrintableString are UTF8String (tag 12), which sorts before PrintableString (tag 19).
pub fn sort_names(names: &mut [String]) {
    names.sort_by(|a, b| key(a).cmp(&key(b)));
}

/// Sorts roles as [`sort_names`] sorts their names.
pub fn sort_roles(roles: &mut [Role]) {
    roles.sort_by(|a, b| key(&a.name).cmp(&key(&b.name)));
}

fn key(name: &str) -> (usize, u8, &[u8]) {
    let printable = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&b));
    (name.len(), if printable { 19 } else { 12 }, name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shorter_then_type_then_bytes() {
        let mut names: Vec<String> = ["zz", "b_", "ab", "a", "ccc"].map(String::from).into();
        sort_names(&mut names);
        assert_eq!(names, ["a", "b_", "ab", "zz", "ccc"]);
    }
}
