//! A DER writer, just large enough for names and certificates.

/// Universal tags used here.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const NULL: u8 = 0x05;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const UTF8_STRING: u8 = 0x0c;
    pub(crate) const PRINTABLE_STRING: u8 = 0x13;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
}

/// Writes one element.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 6);
    out.push(tag);
    if let Ok(short @ 0..=0x7f) = u8::try_from(content.len()) {
        out.push(short);
    } else {
        let bytes = content.len().to_be_bytes();
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let length = &bytes[zeros..];
        out.push(0x80 | u8::try_from(length.len()).expect("a length has at most eight bytes"));
        out.extend_from_slice(length);
    }
    out.extend_from_slice(content);
    out
}

/// Writes a SEQUENCE of elements already encoded.
pub(crate) fn sequence(elements: &[&[u8]]) -> Vec<u8> {
    element(tag::SEQUENCE, &elements.concat())
}

/// Writes a SET OF: DER orders the members by their encoding.
pub(crate) fn set_of(mut members: Vec<Vec<u8>>) -> Vec<u8> {
    members.sort_unstable();
    element(tag::SET, &members.concat())
}

/// Writes a non-negative INTEGER from big-endian bytes.
pub(crate) fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let digits = &bytes[zeros..];
    let mut content = Vec::with_capacity(digits.len() + 1);
    if digits.first().is_none_or(|byte| byte & 0x80 != 0) {
        content.push(0);
    }
    content.extend_from_slice(digits);
    element(tag::INTEGER, &content)
}

/// Writes a BIT STRING of whole bytes.
pub(crate) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    element(tag::BIT_STRING, &[&[0], bytes].concat())
}

/// Writes an OBJECT IDENTIFIER; `None` when the text isn't a dotted one.
pub(crate) fn oid(dotted: &str) -> Option<Vec<u8>> {
    let arcs = dotted
        .split('.')
        .map(|arc| arc.parse::<u64>().ok())
        .collect::<Option<Vec<_>>>()?;
    let [top, second, rest @ ..] = arcs.as_slice() else {
        return None;
    };
    if *top > 2 || (*top < 2 && *second > 39) {
        return None;
    }
    let mut content = Vec::new();
    base128(top.checked_mul(40)?.checked_add(*second)?, &mut content);
    for arc in rest {
        base128(*arc, &mut content);
    }
    Some(element(tag::OID, &content))
}

fn base128(value: u64, out: &mut Vec<u8>) {
    let digits = (64 - (value | 1).leading_zeros()).div_ceil(7);
    for position in (0..digits).rev() {
        let digit = u8::try_from(value >> (7 * position) & 0x7f).expect("seven bits fit a byte");
        out.push(if position == 0 { digit } else { digit | 0x80 });
    }
}

/// Writes text as PrintableString where its alphabet allows, else as UTF8String (credentials.md 1.2).
pub(crate) fn text(value: &str) -> Vec<u8> {
    element(
        if is_printable(value) {
            tag::PRINTABLE_STRING
        } else {
            tag::UTF8_STRING
        },
        value.as_bytes(),
    )
}

/// Whether every character is in PrintableString's alphabet.
pub(crate) fn is_printable(value: &str) -> bool {
    value
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_integers_and_identifiers() {
        assert_eq!(element(4, &[7; 0x7f])[..2], [4, 0x7f]);
        assert_eq!(element(4, &[7; 0x80])[..3], [4, 0x81, 0x80]);
        assert_eq!(element(4, &[7; 0x1234])[..4], [4, 0x82, 0x12, 0x34]);
        assert_eq!(unsigned(&[]), [2, 1, 0]);
        assert_eq!(unsigned(&[0, 0]), [2, 1, 0]);
        assert_eq!(unsigned(&[0, 0x7f]), [2, 1, 0x7f]);
        assert_eq!(unsigned(&[0x80, 1]), [2, 3, 0, 0x80, 1]);
        assert_eq!(
            oid("1.3.9999.2.19"),
            Some(vec![6, 5, 0x2b, 0xce, 0x0f, 2, 19])
        );
        assert_eq!(
            oid("1.2.840.113549.1.1.11"),
            Some(vec![6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11])
        );
        assert_eq!(oid("2.999"), Some(vec![6, 2, 0x88, 0x37]));
        for bad in [
            "",
            "1",
            "3.1",
            "1.40",
            "1.3.x",
            "1..3",
            "1.3.99999999999999999999",
        ] {
            assert_eq!(oid(bad), None, "{bad}");
        }
    }
}
