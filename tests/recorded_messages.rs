//! Every recorded message of the auth service passes through the generated types without loss: what they read and write
//! again says the same as the rendering that another program made of the recorded bytes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use postern::proto::auth as pb;
use postern::proto::teleport::presence::v1 as presence;
use postern::proto::teleport::trust::v1 as trust;
use postern::proto::teleport::users::v1 as users;
use postern::proto::types;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::Value;

fn root(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

/// Reads bytes into a generated type and writes them again; unknown fields get lost on the way.
type Through = fn(&[u8]) -> Result<Vec<u8>, prost::DecodeError>;

fn through<M: Message + Default>(bytes: &[u8]) -> Result<Vec<u8>, prost::DecodeError> {
    Ok(M::decode(bytes)?.encode_to_vec())
}

/// Request and answer of each method that the client calls.
fn methods() -> BTreeMap<&'static str, (Through, Through)> {
    BTreeMap::from([
        (
            "/proto.AuthService/CreateAuthenticateChallenge",
            (
                through::<pb::CreateAuthenticateChallengeRequest> as Through,
                through::<pb::MfaAuthenticateChallenge> as Through,
            ),
        ),
        (
            "/proto.AuthService/GenerateUserCerts",
            (through::<pb::UserCertsRequest>, through::<pb::Certs>),
        ),
        (
            "/proto.AuthService/GetCurrentUser",
            (through::<()>, through::<types::UserV2>),
        ),
        (
            "/proto.AuthService/GetCurrentUserRoles",
            (through::<()>, through::<types::RoleV6>),
        ),
        (
            "/proto.AuthService/IsMFARequired",
            (
                through::<pb::IsMfaRequiredRequest>,
                through::<pb::IsMfaRequiredResponse>,
            ),
        ),
        (
            "/proto.AuthService/ListResources",
            (
                through::<pb::ListResourcesRequest>,
                through::<pb::ListResourcesResponse>,
            ),
        ),
        (
            "/proto.AuthService/Ping",
            (through::<pb::PingRequest>, through::<pb::PingResponse>),
        ),
        (
            "/teleport.presence.v1.PresenceService/ListRemoteClusters",
            (
                through::<presence::ListRemoteClustersRequest>,
                through::<presence::ListRemoteClustersResponse>,
            ),
        ),
        (
            "/teleport.trust.v1.TrustService/GetCertAuthorities",
            (
                through::<trust::GetCertAuthoritiesRequest>,
                through::<trust::GetCertAuthoritiesResponse>,
            ),
        ),
        (
            "/teleport.users.v1.UsersService/GetUser",
            (
                through::<users::GetUserRequest>,
                through::<users::GetUserResponse>,
            ),
        ),
    ])
}

/// `<case>.<kind>.binpb`, or `<case>.<kind>.<n>.binpb` of a stream; no file stands for an empty message.
fn messages(case: &str, kind: &str) -> Vec<Vec<u8>> {
    let dir = root("tests/data/auth-api");
    let one = dir.join(format!("{case}.{kind}.binpb"));
    if one.exists() {
        return vec![std::fs::read(one).expect("a recording")];
    }
    (0..)
        .map(|n| dir.join(format!("{case}.{kind}.{n}.binpb")))
        .take_while(|path| path.exists())
        .map(|path| std::fs::read(path).expect("a recording"))
        .collect()
}

#[test]
fn recorded_messages_pass_through_the_generated_types() {
    let protos = ["auth.proto", "presence.proto", "trust.proto", "users.proto"];
    let files = protox::compile(protos, [root("proto")]).expect("the .proto files compile");
    let pool = DescriptorPool::from_file_descriptor_set(files).expect("descriptors");
    let methods = methods();
    let mut seen: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for entry in std::fs::read_dir(root("tests/data/auth-api")).expect("recordings") {
        let path = entry.expect("an entry").path();
        let Some(case) = path
            .to_str()
            .and_then(|p| p.strip_suffix(".json"))
            .and_then(|p| p.rsplit('/').next())
        else {
            continue;
        };
        let rendered: Value =
            serde_json::from_slice(&std::fs::read(&path).expect("a recording")).expect("JSON");
        let method = rendered["method"].as_str().expect("a method");
        let Some((request, answer)) = methods.get(method) else {
            continue;
        };
        let service = method.trim_start_matches('/').split('/').next();
        let described = pool
            .get_service_by_name(service.expect("a service"))
            .and_then(|s| s.methods().find(|m| method.ends_with(m.name())))
            .unwrap_or_else(|| panic!("{method} is not in the .proto files"));
        let counted = seen.entry(method.to_owned()).or_default();
        for (kind, through, descriptor, count) in [
            ("request", request, described.input(), &mut counted.0),
            ("response", answer, described.output(), &mut counted.1),
        ] {
            let sent = messages(case, kind);
            let want = match &rendered[kind] {
                Value::Null => Vec::new(),
                Value::Array(all) => all.clone(),
                one => vec![one.clone()],
            };
            assert!(
                sent.is_empty() || want.is_empty() || sent.len() == want.len(),
                "{case} {kind}"
            );
            for (n, bytes) in sent.iter().enumerate() {
                *count += 1;
                let again = through(bytes).unwrap_or_else(|e| panic!("{case} {kind}: {e}"));
                let message = DynamicMessage::decode(descriptor.clone(), again.as_slice())
                    .unwrap_or_else(|e| panic!("{case} {kind}: {e}"));
                let options = SerializeOptions::new().use_proto_field_name(true);
                let have = message
                    .serialize_with_options(serde_json::value::Serializer, &options)
                    .expect("JSON");
                // A call that failed after its first messages is rendered without them.
                assert!(
                    want.get(n).is_none_or(|want| have == *want),
                    "{case} {kind}: {have:#}"
                );
            }
        }
    }
    let unseen: Vec<_> = methods
        .keys()
        .filter(|method| seen.get(**method).is_none_or(|(_, answers)| *answers == 0))
        .collect();
    // The old call for the user is recorded as unimplemented only.
    assert_eq!(unseen, [&"/proto.AuthService/GetCurrentUser"]);
    let answers: usize = seen.values().map(|(_, answers)| answers).sum();
    assert!(answers >= 90, "{answers}: {seen:?}");
}
