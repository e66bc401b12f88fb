//! Tokens with which another cluster joins: made here, shown once, kept as a hash, worth something for a while.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::cluster::random::{self, NoRandomness};
use crate::cluster::store::{Store, StoreError, TokenRow};

/// What a token is for. There is one purpose, and a token of another is worth nothing here.
pub const TRUSTED_CLUSTER: &str = "trusted_cluster";
/// Digits of the hash that name a token.
const ID: usize = 12;
/// Seconds a token is worth something when nobody says how long.
pub const DEFAULT_TTL: i64 = 3600;
/// Seconds a token is worth something at most.
pub const MAX_TTL: i64 = 30 * 24 * 3600;

/// The text of a token: a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Zeroizing<String>);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(****)")
    }
}

impl Token {
    /// Takes a text for a token; blanks around it do not count.
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.trim().to_owned()))
    }

    /// The text, for the one who has to know it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the text, hexadecimal: what is kept.
    pub fn hash(&self) -> String {
        random::hex(ring::digest::digest(&ring::digest::SHA256, self.0.as_bytes()).as_ref())
    }
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The time is none that a token may last.
    #[error("a token lasts from one second to 30 days")]
    Ttl,
    /// The system gives no random bytes.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The state.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a token for one purpose that lasts `ttl` seconds from `now` on, and keeps its hash.
///
/// # Errors
/// [`TokenError`].
pub fn add(store: &Store, ttl: i64, now: i64) -> Result<(Token, Listed), TokenError> {
    if !(1..=MAX_TTL).contains(&ttl) {
        return Err(TokenError::Ttl);
    }
    let token = Token::new(&random::hex(&random::bytes::<20>()?));
    let row = TokenRow {
        hash: token.hash(),
        kind: TRUSTED_CLUSTER.to_owned(),
        created: now,
        expires: now + ttl,
    };
    store.forget_expired_tokens(now)?;
    store.add_token(&row)?;
    Ok((token, Listed::from(row)))
}

/// A token as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Listed {
    /// The first digits of its hash, by which it is removed.
    pub id: String,
    /// What it is for.
    #[serde(rename = "type")]
    pub kind: String,
    /// From this moment on it is worth nothing, unix seconds.
    pub expires: i64,
}

impl From<TokenRow> for Listed {
    fn from(row: TokenRow) -> Self {
        Self {
            id: row.hash[..ID.min(row.hash.len())].to_owned(),
            kind: row.kind,
            expires: row.expires,
        }
    }
}

/// The tokens that are worth something at `now`, the oldest first.
///
/// # Errors
/// When the state cannot be read.
pub fn list(store: &Store, now: i64) -> Result<Vec<Listed>, StoreError> {
    Ok(store.tokens(now)?.into_iter().map(Listed::from).collect())
}

/// Removes a token, named by its id or by its text. False when there is none.
///
/// # Errors
/// When the state cannot be written.
pub fn remove(store: &Store, named: &str) -> Result<bool, StoreError> {
    let is_id = named.len() == ID && named.bytes().all(|b| b.is_ascii_hexdigit());
    let hash = if is_id {
        named.to_ascii_lowercase()
    } else {
        Token::new(named).hash()
    };
    Ok(store.remove_tokens(&hash)? > 0)
}

/// Whether `token` is worth something at `now` for a cluster that joins; gives its hash.
///
/// All hashes are compared, each in a time that does not depend on its digits.
///
/// # Errors
/// When the state cannot be read.
pub(super) fn check(store: &Store, token: &Token, now: i64) -> Result<Option<String>, StoreError> {
    let presented = token.hash();
    let mut found = false;
    for row in store.tokens(now)? {
        let equal: bool = row.hash.as_bytes().ct_eq(presented.as_bytes()).into();
        found |= equal && row.kind == TRUSTED_CLUSTER;
    }
    Ok(found.then_some(presented))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(&dir.path().join("state.db")).expect("a store");
        (dir, store)
    }

    #[test]
    fn a_token_is_worth_something_until_it_expires_or_is_removed() {
        let (_dir, store) = store();
        let (token, listed) = add(&store, 60, 1000).expect("a token");
        assert_eq!(token.reveal().len(), 40);
        assert_eq!(listed.expires, 1060);
        assert_eq!(
            check(&store, &token, 1059).expect("a check"),
            Some(token.hash())
        );
        assert_eq!(check(&store, &token, 1060).expect("a check"), None);
        let padded = Token::new(&format!(" {}\n", token.reveal()));
        assert!(check(&store, &padded, 1000).expect("a check").is_some());
        for wrong in ["", "x", &token.reveal()[1..], &listed.id, &token.hash()] {
            assert_eq!(
                check(&store, &Token::new(wrong), 1000).expect("a check"),
                None,
                "{wrong}"
            );
        }
        assert_eq!(
            list(&store, 1000).expect("a list"),
            std::slice::from_ref(&listed)
        );
        assert!(remove(&store, &listed.id).expect("a removal"));
        assert!(!remove(&store, &listed.id).expect("a removal"));
        assert_eq!(check(&store, &token, 1000).expect("a check"), None);
    }

    #[test]
    fn its_text_is_kept_nowhere() {
        let (dir, store) = store();
        let (token, _) = add(&store, 60, 1000).expect("a token");
        assert_eq!(format!("{token:?}"), "Token(****)");
        drop(store);
        for entry in std::fs::read_dir(dir.path()).expect("the directory") {
            let bytes = std::fs::read(entry.expect("a file").path()).expect("its content");
            let text = token.reveal().as_bytes();
            assert!(!bytes.windows(text.len()).any(|w| w == text));
        }
    }

    #[test]
    fn it_is_removed_by_its_text_too_and_for_its_purpose_only() {
        let (_dir, store) = store();
        let (token, _) = add(&store, 60, 1000).expect("a token");
        assert!(remove(&store, token.reveal()).expect("a removal"));
        let other = Token::new("for something else");
        store
            .add_token(&TokenRow {
                hash: other.hash(),
                kind: "node".to_owned(),
                created: 0,
                expires: i64::MAX,
            })
            .expect("an insert");
        assert_eq!(check(&store, &other, 0).expect("a check"), None);
        for ttl in [0, -1, MAX_TTL + 1] {
            assert!(matches!(add(&store, ttl, 0), Err(TokenError::Ttl)), "{ttl}");
        }
    }
}
