//! Private keys in OpenSSH's form, `openssh-key-v1`: read, and written for tsh (credentials.md 3.4).
//!
//! Own code, since ssh-key 0.6 refuses one P-256 key in 256: those whose number begins with a zero byte, which OpenSSH
//! leaves out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::key_pem::PrivateKeyError;

/// How such a key begins.
pub(super) const MAGIC: &[u8] = b"openssh-key-v1\0";
/// The one kind of a P-256 key.
pub const P256: &str = "ecdsa-sha2-nistp256";
/// The one kind of an Ed25519 key.
pub const ED25519: &str = "ssh-ed25519";
/// What the private part is filled up to without encryption.
const BLOCK: usize = 8;

/// What is in a file.
pub(super) enum Key {
    /// An Ed25519 key.
    Ed25519 {
        /// The 32 bytes that it is made from.
        seed: Zeroizing<Vec<u8>>,
    },
    /// A key on a curve of NIST.
    Nist {
        /// `nistp256`, `nistp384`, …
        curve: String,
        /// The secret number, as long as the curve's field.
        secret: Zeroizing<Vec<u8>>,
        /// The public point, uncompressed.
        point: Vec<u8>,
    },
    /// Any other kind, by its name.
    Other(String),
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*number))
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (string, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(string)
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.string()?.to_vec()).ok()
    }
}

/// Reads a key without a passphrase.
pub(super) fn read(bytes: &[u8]) -> Result<Key, PrivateKeyError> {
    let damaged = || PrivateKeyError::Unusable("it is no whole key of OpenSSH".to_owned());
    let mut outer = Reader(bytes.strip_prefix(MAGIC).ok_or_else(damaged)?);
    let cipher = outer.text().ok_or_else(damaged)?;
    if cipher != "none" {
        return Err(PrivateKeyError::Passphrase);
    }
    let inner = (|| {
        let (_kdf, _options, count) = (outer.string()?, outer.string()?, outer.number()?);
        let _public = outer.string()?;
        (count == 1).then(|| outer.string())?
    })();
    key(inner.ok_or_else(damaged)?).ok_or_else(damaged)
}

fn key(private: &[u8]) -> Option<Key> {
    let mut inner = Reader(private);
    if inner.number()? != inner.number()? {
        return None;
    }
    let kind = inner.text()?;
    if kind == ED25519 {
        let _public = inner.string()?;
        let seed = inner.string()?.get(..32)?;
        return Some(Key::Ed25519 {
            seed: Zeroizing::new(seed.to_vec()),
        });
    }
    if !kind.starts_with("ecdsa-sha2-") {
        return Some(Key::Other(kind));
    }
    let curve = inner.text()?;
    let point = inner.string()?;
    let number = inner.string()?;
    let length = point.len().checked_sub(1)? / 2;
    // A zero byte more keeps the number positive, and zero bytes at its begin are left out.
    let number = &number[number.iter().take_while(|byte| **byte == 0).count()..];
    let missing = length.checked_sub(number.len())?;
    let mut secret = Zeroizing::new(vec![0; missing]);
    secret.extend(number);
    Some(Key::Nist {
        curve,
        secret,
        point: point.to_vec(),
    })
}

fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("keys are short");
    out.extend(length.to_be_bytes());
    out.extend(bytes);
}

/// The public blob of an Ed25519 key (32 bytes).
fn ed25519_blob(public: &[u8]) -> Vec<u8> {
    let mut blob = Vec::new();
    string(&mut blob, ED25519.as_bytes());
    string(&mut blob, public);
    blob
}

/// The public blob of a P-256 key (uncompressed point).
fn p256_blob(point: &[u8]) -> Vec<u8> {
    let mut blob = Vec::new();
    string(&mut blob, P256.as_bytes());
    string(&mut blob, b"nistp256");
    string(&mut blob, point);
    blob
}

/// A line of `authorized_keys` for an Ed25519 key, its newline included, without a comment.
pub fn ed25519_line(public: &[u8]) -> String {
    format!("{ED25519} {}\n", STANDARD.encode(ed25519_blob(public)))
}

/// A line of `authorized_keys` for a P-256 key, its newline included, without a comment.
pub fn p256_line(point: &[u8]) -> String {
    format!("{P256} {}\n", STANDARD.encode(p256_blob(point)))
}

/// Writes an Ed25519 key without a passphrase and comment.
pub fn write_ed25519(seed: &[u8], public: &[u8]) -> Zeroizing<String> {
    let mut fields = Zeroizing::new(Vec::with_capacity(128));
    string(&mut fields, public);
    string(&mut fields, &Zeroizing::new([seed, public].concat()));
    write(ED25519, &ed25519_blob(public), &fields)
}

/// Writes a P-256 key without a passphrase and comment.
pub fn write_p256(secret: &[u8], point: &[u8]) -> Zeroizing<String> {
    let mut fields = Zeroizing::new(Vec::with_capacity(160));
    string(&mut fields, b"nistp256");
    string(&mut fields, point);
    let significant = &secret[secret.iter().take_while(|byte| **byte == 0).count()..];
    let sign: &[u8] = if significant.first().is_some_and(|first| *first >= 0x80) {
        &[0]
    } else {
        &[]
    };
    string(&mut fields, &Zeroizing::new([sign, significant].concat()));
    write(P256, &p256_blob(point), &fields)
}

fn write(kind: &str, public: &[u8], fields: &[u8]) -> Zeroizing<String> {
    let mut check = [0; 4];
    SystemRandom::new()
        .fill(&mut check)
        .expect("the system gives random numbers");
    // Room from the start, so that no copy of the secret is left behind by growing.
    let mut private = Zeroizing::new(Vec::with_capacity(fields.len() + 64));
    private.extend(check);
    private.extend(check);
    string(&mut private, kind.as_bytes());
    private.extend(fields);
    string(&mut private, b"");
    let mut filler = 1;
    while !private.len().is_multiple_of(BLOCK) {
        private.push(filler);
        filler += 1;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(private.len() + public.len() + 64));
    bytes.extend(MAGIC);
    string(&mut bytes, b"none");
    string(&mut bytes, b"none");
    string(&mut bytes, b"");
    bytes.extend(1_u32.to_be_bytes());
    string(&mut bytes, public);
    string(&mut bytes, &private);
    let body = Zeroizing::new(STANDARD.encode(&*bytes));
    let mut out = Zeroizing::new(String::with_capacity(body.len() + 128));
    out.push_str("-----BEGIN OPENSSH PRIVATE KEY-----\n");
    for line in body.as_bytes().chunks(64) {
        out.push_str(str::from_utf8(line).expect("base64 is ASCII"));
        out.push('\n');
    }
    out.push_str("-----END OPENSSH PRIVATE KEY-----\n");
    out
}
