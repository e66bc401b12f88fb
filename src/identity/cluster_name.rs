//! Cluster names inside host names: SNI and ALPN of the auth connection (transport.md 3.3).

/// Name that every host certificate carries; the SNI when a cluster's own name doesn't fit a DNS label.
pub const GENERIC_CLUSTER_NAME: &str = "teleport.cluster.local";

const SUFFIX: &str = ".teleport.cluster.local";
const LONGEST_LABEL: usize = 63;

/// Encodes a cluster name: lower-case hex of its UTF-8 bytes and `.teleport.cluster.local`.
#[must_use]
pub fn encode_cluster(name: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(name.len() * 2 + SUFFIX.len());
    for byte in name.bytes() {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out.push_str(SUFFIX);
    out
}

/// Decodes what [`encode_cluster`] wrote, hex and suffix in either case.
///
/// `None` stands for "no cluster given": another suffix, no label, odd or foreign digits, bytes that aren't UTF-8.
#[must_use]
pub fn decode_cluster(sni: &str) -> Option<String> {
    let split = sni.len().checked_sub(SUFFIX.len())?;
    let (label, suffix) = (sni.get(..split)?, sni.get(split..)?);
    if label.is_empty() || !suffix.eq_ignore_ascii_case(SUFFIX) {
        return None;
    }
    let (pairs, []) = label.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let bytes = pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect::<Option<Vec<u8>>>()?;
    String::from_utf8(bytes).ok()
}

/// The SNI towards a cluster's host certificates: the encoded name, or [`GENERIC_CLUSTER_NAME`] when the hex label would
/// be longer than the 63 bytes DNS allows (transport.md 3.3).
#[must_use]
pub fn cluster_sni(name: &str) -> String {
    if name.is_empty() || name.len() * 2 > LONGEST_LABEL {
        GENERIC_CLUSTER_NAME.to_owned()
    } else {
        encode_cluster(name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // The two examples of transport.md 3.3.
    const ROOT: &str = "726f6f742e6578616d706c652e636f6d.teleport.cluster.local";
    const LEAF: &str = "6c656166.teleport.cluster.local";

    #[test]
    fn names_of_the_protocol_document() {
        assert_eq!(encode_cluster("root.example.com"), ROOT);
        assert_eq!(encode_cluster("leaf"), LEAF);
        assert_eq!(decode_cluster(ROOT).as_deref(), Some("root.example.com"));
        assert_eq!(
            decode_cluster(&LEAF.to_uppercase()).as_deref(),
            Some("leaf")
        );
    }

    #[test]
    fn what_names_no_cluster() {
        for sni in [
            "",
            "teleport.cluster.local",
            ".teleport.cluster.local",
            "zz.teleport.cluster.local",
            "6c6.teleport.cluster.local",
            "ff.teleport.cluster.local",
            "6c656166",
            "6c656166.example.com",
            "é6.teleport.cluster.local",
            "+1.teleport.cluster.local",
        ] {
            assert_eq!(decode_cluster(sni), None, "{sni}");
        }
    }

    #[test]
    fn long_names_fall_back_to_the_generic_one() {
        let longest = "a".repeat(31);
        assert_eq!(cluster_sni(&longest), encode_cluster(&longest));
        assert_eq!(cluster_sni(&"a".repeat(32)), GENERIC_CLUSTER_NAME);
        assert_eq!(cluster_sni(""), GENERIC_CLUSTER_NAME);
    }

    proptest! {
        #[test]
        fn decoding_gives_the_name_back(name in ".{1,40}") {
            prop_assert_eq!(decode_cluster(&encode_cluster(&name)), Some(name));
        }

        #[test]
        fn decoding_takes_any_text(sni in "\\PC{0,80}") {
            let _ = decode_cluster(&sni);
        }
    }
}
