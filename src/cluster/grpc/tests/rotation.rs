//! What clients are told of authorities while these are rotated.

use prost::Message;

use super::{call, cluster};
use crate::cluster::ca::CaKind;
use crate::cluster::ca::phase::Phase;
use crate::cluster::rotation::rotate;
use crate::proto::teleport::trust::v1::{GetCertAuthoritiesRequest, GetCertAuthoritiesResponse};
use crate::proto::types;

#[tokio::test]
async fn the_active_authority_is_told_apart_from_the_one_that_is_only_trusted() {
    let (cluster, alice, _) = cluster();
    let state = &cluster.state;
    let old = state.authority(CaKind::Host).cert_pem().to_owned();
    let mut new = String::new();
    for phase in [
        Phase::Init,
        Phase::UpdateClients,
        Phase::UpdateServers,
        Phase::Standby,
    ] {
        rotate(state.store(), CaKind::Host, phase, state.now()).expect("a step");
        assert!(state.reload_authorities().expect("the authorities"));
        let request = GetCertAuthoritiesRequest {
            r#type: "host".to_owned(),
            include_key: false,
        };
        let answer = call(
            &alice,
            "/teleport.trust.v1.TrustService/GetCertAuthorities",
            &request.encode_to_vec(),
            None,
        )
        .await;
        let answer = GetCertAuthoritiesResponse::decode(&*answer.messages[0]).expect("an answer");
        let spec = answer.cert_authorities_v2[0].spec.clone().expect("a spec");
        let certs = |keys: Option<types::CaKeySet>| -> (Vec<String>, usize) {
            let keys = keys.expect("a set");
            let text = |pair: types::TlsKeyPair| String::from_utf8(pair.cert).expect("PEM");
            (keys.tls.into_iter().map(text).collect(), keys.ssh.len())
        };
        let (active, trusted) = (certs(spec.active_keys), certs(spec.additional_trusted_keys));
        match phase {
            Phase::Init => {
                new = trusted.0[0].clone();
                assert_ne!(new, old);
                assert_eq!(active, (vec![old.clone()], 1));
                assert_eq!(trusted.1, 1);
            }
            Phase::Standby => assert_eq!((active, trusted), ((vec![new.clone()], 1), (vec![], 0))),
            _ => assert_eq!(
                (active, trusted),
                ((vec![new.clone()], 1), (vec![old.clone()], 1))
            ),
        }
    }
}
