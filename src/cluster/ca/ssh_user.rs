//! SSH user certificates for the login answer (credentials.md 2). No path to a database uses them, but other clients keep
//! their session in them: user, roles, traits and end are read from there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::CaError;
use super::ssh::{SshAuthority, string};
use crate::cluster::random;
use crate::identity::{Identity, encode_traits};

/// Certificate for a user, as opposed to a host.
const USER: u32 = 1;

/// The public key of a user: one `authorized_keys` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshPublicKey {
    kind: &'static str,
    /// What follows the type in the key's blob.
    fields: Vec<u8>,
}

impl SshPublicKey {
    /// Reads type and key; a comment is passed over. `None` for anything else, also for types that no client makes.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
        let (word, blob) = (words.next()?, STANDARD.decode(words.next()?).ok()?);
        let (kind, fields) = take(&blob)?;
        let (kind, count) = [
            ("ssh-ed25519", 1),
            ("ecdsa-sha2-nistp256", 2),
            ("ecdsa-sha2-nistp384", 2),
            ("ssh-rsa", 2),
        ]
        .into_iter()
        .find(|(known, _)| *known == word && known.as_bytes() == kind)?;
        let mut rest = fields;
        for _ in 0..count {
            rest = take(rest).filter(|(field, _)| !field.is_empty())?.1;
        }
        rest.is_empty().then(|| Self {
            kind,
            fields: fields.to_vec(),
        })
    }
}

impl SshAuthority {
    /// Issues the certificate of a login: an `authorized_keys` line, newline included. Times are unix seconds.
    ///
    /// # Errors
    /// [`CaError::Random`] without random numbers.
    pub fn issue_user(
        &self,
        identity: &Identity,
        key: &SshPublicKey,
        not_before: i64,
        not_after: i64,
    ) -> Result<String, CaError> {
        let kind = format!("{}-cert-v01@openssh.com", key.kind);
        let nonce = random::bytes::<32>().map_err(|_| CaError::Random)?;
        let mut body = Vec::new();
        string(&mut body, kind.as_bytes());
        string(&mut body, &nonce);
        body.extend(&key.fields);
        body.extend(0_u64.to_be_bytes());
        body.extend(USER.to_be_bytes());
        string(&mut body, identity.username.as_bytes());
        let mut principals = Vec::new();
        // The one for joining sessions is last (credentials.md 2).
        let (last, first): (Vec<_>, Vec<_>) = identity
            .principals
            .iter()
            .partition(|p| *p == "-teleport-internal-join");
        for principal in first.into_iter().chain(last) {
            string(&mut principals, principal.as_bytes());
        }
        string(&mut body, &principals);
        for time in [not_before, not_after] {
            body.extend(u64::try_from(time).unwrap_or_default().to_be_bytes());
        }
        // No critical options.
        string(&mut body, b"");
        string(&mut body, &extensions(identity));
        string(&mut body, b"");
        string(&mut body, &self.blob());
        let signature = self.sign(&body)?;
        string(&mut body, &signature);
        Ok(format!("{kind} {}\n", STANDARD.encode(body)))
    }
}

/// The extensions, sorted by name; a value is a string in a string, a flag an empty one.
fn extensions(identity: &Identity) -> Vec<u8> {
    let roles = serde_json::json!({ "roles": identity.roles }).to_string();
    let traits = encode_traits(&identity.traits);
    let mut bytes = Vec::new();
    for (name, value) in [
        ("login-ip", identity.login_ip.as_str()),
        ("permit-port-forwarding", ""),
        ("permit-pty", ""),
        ("private-key-policy", &identity.private_key_policy),
        ("teleport-roles", &roles),
        ("teleport-route-to-cluster", &identity.route_to_cluster),
        ("teleport-traits", &traits),
    ] {
        string(&mut bytes, name.as_bytes());
        let mut content = Vec::new();
        if !value.is_empty() {
            string(&mut content, value.as_bytes());
        }
        string(&mut bytes, &content);
    }
    bytes
}

/// The first string of `bytes`, and what follows it.
fn take(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::testing::{recorded, recorded_json};
    use ring::signature::{ED25519, UnparsedPublicKey};

    /// What a certificate says, read field by field.
    #[derive(Debug)]
    struct Read {
        kind: String,
        serial: u64,
        cert_type: u32,
        key_id: String,
        principals: Vec<String>,
        times: (u64, u64),
        critical: Vec<u8>,
        extensions: Vec<(String, String)>,
        authority: Vec<u8>,
        signature: Vec<u8>,
        signed: Vec<u8>,
    }

    fn text(bytes: &[u8]) -> String {
        String::from_utf8(bytes.to_vec()).expect("text")
    }

    fn read(line: &str) -> Read {
        let mut words = line.split_whitespace();
        let kind = words.next().expect("a type").to_owned();
        let all = STANDARD
            .decode(words.next().expect("a blob"))
            .expect("base64");
        let mut rest = all.as_slice();
        let mut next = || {
            let (field, after) = take(rest).expect("a field");
            rest = after;
            field
        };
        assert_eq!(text(next()), kind);
        assert_eq!(next().len(), 32, "a nonce");
        assert_eq!(next().len(), 32, "an Ed25519 key");
        let (serial, after) = rest.split_first_chunk::<8>().expect("a serial");
        let (cert_type, after) = after.split_first_chunk::<4>().expect("a type");
        rest = after;
        let mut next = || {
            let (field, after) = take(rest).expect("a field");
            rest = after;
            field
        };
        let (key_id, mut packed) = (text(next()), next());
        let mut principals = Vec::new();
        while let Some((principal, after)) = take(packed) {
            principals.push(text(principal));
            packed = after;
        }
        let (from, after) = rest.split_first_chunk::<8>().expect("a time");
        let (until, after) = after.split_first_chunk::<8>().expect("a time");
        rest = after;
        let mut next = || {
            let (field, after) = take(rest).expect("a field");
            rest = after;
            field
        };
        let (critical, mut packed) = (next().to_vec(), next());
        let mut extensions = Vec::new();
        while let Some((name, after)) = take(packed) {
            let (value, after) = take(after).expect("a value");
            extensions.push((
                text(name),
                take(value).map_or_else(String::new, |(v, _)| text(v)),
            ));
            packed = after;
        }
        assert_eq!(next(), b"", "reserved");
        let authority = next().to_vec();
        let signed = all[..all.len() - rest.len()].to_vec();
        let (signature, after) = take(rest).expect("a signature");
        assert_eq!(after, b"");
        Read {
            kind,
            serial: u64::from_be_bytes(*serial),
            cert_type: u32::from_be_bytes(*cert_type),
            key_id,
            principals,
            times: (u64::from_be_bytes(*from), u64::from_be_bytes(*until)),
            critical,
            extensions,
            authority,
            signature: signature.to_vec(),
            signed,
        }
    }

    /// The recorded certificate, made again from what it says, by an authority of ours.
    #[test]
    fn as_recorded_but_for_key_and_signature() {
        let line = text(&recorded("credentials/ssh/user-minimal-cert.pub"));
        let json = recorded_json("credentials/ssh/user-minimal-cert.json");
        let want = read(&line);
        assert_eq!(want.key_id, json["key_id"].as_str().expect("a key id"));
        let value = |name: &str| {
            let found = want.extensions.iter().find(|(n, _)| n == name);
            found.expect("an extension").1.clone()
        };
        let roles: serde_json::Value =
            serde_json::from_str(&value("teleport-roles")).expect("JSON");
        let mut principals = want.principals.clone();
        principals.reverse();
        let identity = Identity {
            username: want.key_id.clone(),
            roles: serde_json::from_value(roles["roles"].clone()).expect("names"),
            principals,
            route_to_cluster: value("teleport-route-to-cluster"),
            login_ip: value("login-ip"),
            private_key_policy: value("private-key-policy"),
            ..Identity::default()
        };
        let (authority, user) = (
            SshAuthority::generate().expect("a key"),
            SshAuthority::generate().expect("a key"),
        );
        let key = SshPublicKey::parse(user.authorized_key().as_bytes()).expect("a key");
        let times = (want.times.0.cast_signed(), want.times.1.cast_signed());
        let line = authority
            .issue_user(&identity, &key, times.0, times.1)
            .expect("a certificate");
        assert!(line.ends_with('\n'));
        let have = read(&line);
        assert_eq!(
            (
                &have.kind,
                have.serial,
                have.cert_type,
                &have.key_id,
                have.times,
                &have.critical
            ),
            (
                &want.kind,
                want.serial,
                want.cert_type,
                &want.key_id,
                want.times,
                &want.critical
            )
        );
        assert_eq!(have.principals, want.principals);
        assert_eq!(have.extensions, want.extensions);
        assert_eq!(
            take(&have.authority).expect("a type").0,
            take(&want.authority).expect("a type").0
        );
        for certificate in [&have, &want] {
            let public = take(take(&certificate.authority).expect("a type").1)
                .expect("a key")
                .0;
            let signature = take(take(&certificate.signature).expect("a type").1)
                .expect("bytes")
                .0;
            UnparsedPublicKey::new(&ED25519, public)
                .verify(&certificate.signed, signature)
                .expect("a good signature");
        }
    }

    #[test]
    fn only_whole_keys_are_keys() {
        let line = SshAuthority::generate().expect("a key").authorized_key();
        assert!(SshPublicKey::parse(line.as_bytes()).is_some());
        assert!(SshPublicKey::parse(format!("{} me@here\n", line.trim()).as_bytes()).is_some());
        let blob = STANDARD
            .decode(line.split_whitespace().nth(1).expect("base64"))
            .expect("base64");
        for end in 0..blob.len() {
            let cut = format!("ssh-ed25519 {}", STANDARD.encode(&blob[..end]));
            assert_eq!(SshPublicKey::parse(cut.as_bytes()), None, "{end}");
        }
        let longer = format!(
            "ssh-ed25519 {}",
            STANDARD.encode([&blob[..], &[0]].concat())
        );
        for bad in [
            &longer,
            &line.replace("ssh-ed25519", "ssh-rsa"),
            "",
            "ssh-ed25519",
            "\u{fffd}",
        ] {
            assert_eq!(SshPublicKey::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
