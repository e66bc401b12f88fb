//! Messages of a real auth service, for tests: `tests/data/auth-api`.

use prost::Message;

/// Reads a message recorded from Teleport 18.3.0.
pub(crate) fn recorded<M: Message + Default>(name: &str) -> M {
    let path = format!("{}/tests/data/auth-api/{name}", env!("CARGO_MANIFEST_DIR"));
    M::decode(std::fs::read(&path).expect(&path).as_slice()).expect(&path)
}
