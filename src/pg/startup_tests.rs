//! Tests of the first packet, against recorded bytes and by every prefix.

use proptest::prelude::*;

use super::*;
use crate::pg::recorded::{self, Side};

fn parse(bytes: &[u8]) -> Result<Option<FirstPacket>, FirstPacketError> {
    FirstPacket::parse(&mut BytesMut::from(bytes))
}

fn parse_all(mut bytes: BytesMut) -> Vec<FirstPacket> {
    let mut packets = Vec::new();
    while let Some(packet) = FirstPacket::parse(&mut bytes).unwrap() {
        packets.push(packet);
        if matches!(packets.last(), Some(FirstPacket::Startup(_))) {
            break;
        }
    }
    packets
}

#[test]
fn recorded_clients_are_understood() {
    let packets = parse_all(
        recorded::plain("gss-then-ssl", Side::Client)
            .as_slice()
            .into(),
    );
    assert_eq!(packets[..2], [FirstPacket::GssEnc, FirstPacket::Ssl]);
    let FirstPacket::Startup(startup) = &packets[2] else {
        panic!("{packets:?}")
    };
    assert_eq!(startup.version(), ProtocolVersion::V3_0);
    assert_eq!(startup.user().as_deref(), Some("app"));
    assert_eq!(startup.database().as_deref(), Some("postgres"));
}

#[test]
fn recorded_packets_are_encoded_as_they_were_read() {
    for case in [
        "query-ping",
        "auto-user",
        "bad-startup-parameter",
        "startup-protocol-3-2",
    ] {
        let sent = recorded::plain(case, Side::Client);
        let packets = parse_all(sent.as_slice().into());
        let encoded: Vec<u8> = packets.iter().flat_map(FirstPacket::encode).collect();
        assert_eq!(encoded, sent[..encoded.len()], "{case}");
        assert!(
            matches!(packets.last(), Some(FirstPacket::Startup(_))),
            "{case}"
        );
    }
}

#[test]
fn cancel_requests_of_any_length_are_read_whole() {
    for case in ["cancel-plain", "cancel-24-byte"] {
        let sent = recorded::plain(case, Side::Client);
        let packet = parse(&sent).unwrap().unwrap();
        let FirstPacket::Cancel(cancel) = &packet else {
            panic!("{packet:?}")
        };
        assert_eq!(*cancel.encode(), sent, "{case}");
        assert_eq!(cancel.key.expose().len(), sent.len() - 12, "{case}");
    }
}

#[test]
fn the_longest_key_of_protocol_3_2_is_taken_and_no_longer_one() {
    let cancel = |key_len: usize| {
        let mut bytes = ((12 + key_len) as u32).to_be_bytes().to_vec();
        bytes.extend_from_slice(&CANCEL_CODE.to_be_bytes());
        bytes.resize(12 + key_len, 7);
        bytes
    };
    assert!(matches!(
        parse(&cancel(256)),
        Ok(Some(FirstPacket::Cancel(_)))
    ));
    for len in [0, 257] {
        assert!(
            matches!(
                parse(&cancel(len)),
                Err(FirstPacketError::RequestLength { .. })
            ),
            "{len}"
        );
    }
}

#[test]
fn every_prefix_asks_for_more() {
    let startup = Startup::new(ProtocolVersion { major: 3, minor: 2 })
        .with("user", "alice@example.com")
        .with("database", "");
    let packets = [
        FirstPacket::Ssl.encode(),
        FirstPacket::GssEnc.encode(),
        FirstPacket::Startup(startup).encode(),
        recorded::plain("cancel-24-byte", Side::Client),
    ];
    for packet in packets {
        for end in 0..packet.len() {
            let mut buf = BytesMut::from(&packet[..end]);
            assert_eq!(
                FirstPacket::parse(&mut buf),
                Ok(None),
                "{end} of {packet:?}"
            );
            assert_eq!(buf, packet[..end], "an unfinished packet stays");
        }
        assert!(parse(&packet).unwrap().is_some());
    }
}

#[test]
fn bytes_behind_a_packet_stay() {
    let mut buf = BytesMut::from(FirstPacket::Ssl.encode().as_slice());
    buf.extend_from_slice(b"more");
    assert_eq!(FirstPacket::parse(&mut buf), Ok(Some(FirstPacket::Ssl)));
    assert_eq!(buf, b"more"[..]);
}

#[test]
fn a_client_hello_is_recognised_by_its_first_byte_and_left_alone() {
    let mut buf = BytesMut::from(&[0x16, 0x03, 0x01][..]);
    assert_eq!(
        FirstPacket::parse(&mut buf),
        Ok(Some(FirstPacket::DirectTls))
    );
    assert_eq!(buf.len(), 3);
}

#[test]
fn impossible_packets_are_refused_as_early_as_can_be() {
    use FirstPacketError as E;
    assert_eq!(parse(b"GET / HTTP/1.1\r\n"), Err(E::Length(0x4745_5420)));
    assert_eq!(parse(&7_u32.to_be_bytes()), Err(E::Length(7)));
    assert_eq!(parse(&10_005_u32.to_be_bytes()), Err(E::Length(10_005)));
    assert_eq!(parse(&10_004_u32.to_be_bytes()), Ok(None));
    let head = |len: u32, code: u32| [len.to_be_bytes(), code.to_be_bytes()].concat();
    assert_eq!(parse(&head(8, 80_877_105)), Err(E::Code(80_877_105)));
    let sent = recorded::plain("bad-code", Side::Client);
    assert!(
        matches!(parse(&sent), Err(E::Code(_) | E::Version(_))),
        "{sent:?}"
    );
    let v2 = ProtocolVersion { major: 2, minor: 0 };
    assert_eq!(parse(&head(296, v2.code())), Err(E::Version(v2)));
    assert_eq!(
        parse(&head(9, SSL_CODE)),
        Err(E::RequestLength {
            code: SSL_CODE,
            len: 9
        })
    );
}

#[test]
fn startup_parameters_must_be_laid_out_as_pairs() {
    let packet = |body: &[u8]| {
        let mut bytes = ((8 + body.len()) as u32).to_be_bytes().to_vec();
        bytes.extend_from_slice(&196_608_u32.to_be_bytes());
        bytes.extend_from_slice(body);
        bytes
    };
    for body in [
        &b""[..],
        b"user\0",
        b"user\0app",
        b"user\0app\0",
        b"\0\0",
        b"user\0app\0\0x",
    ] {
        assert_eq!(
            parse(&packet(body)),
            Err(FirstPacketError::Layout),
            "{body:?}"
        );
    }
    assert!(parse(&packet(b"\0")).unwrap().is_some());
}

#[test]
fn the_longest_startup_packet_is_taken() {
    // 8 bytes of head, "user\0", value, and two zero bytes.
    let value = "x".repeat(MAX_PACKET_LEN - 15);
    let startup = Startup::new(ProtocolVersion::V3_0).with("user", &value);
    let bytes = startup.encode();
    assert_eq!(bytes.len(), MAX_PACKET_LEN);
    assert_eq!(parse(&bytes), Ok(Some(FirstPacket::Startup(startup))));
}

#[test]
fn downgrading_drops_protocol_options_and_nothing_else() {
    let startup = Startup::new(ProtocolVersion { major: 3, minor: 2 })
        .with("user", "alice")
        .with("_pq_.a", "1")
        .with("options", "-c x=y");
    assert_eq!(startup.protocol_options(), [b"_pq_.a"]);
    let plain = Startup::new(ProtocolVersion::V3_0)
        .with("user", "alice")
        .with("options", "-c x=y");
    assert_eq!(startup.downgraded(), plain);
}

#[test]
fn the_last_of_repeated_parameters_counts_and_empty_means_absent() {
    let startup = Startup::new(ProtocolVersion::V3_0)
        .with("user", "a")
        .with("user", "b");
    assert_eq!(startup.user().as_deref(), Some("b"));
    assert_eq!(
        Startup::new(ProtocolVersion::V3_0).with("user", "").user(),
        None
    );
}

#[test]
fn zero_bytes_cannot_smuggle_parameters() {
    let startup = Startup::new(ProtocolVersion::V3_0)
        .with("user", "a\0options\0-c x=y")
        .with("", "lost");
    assert_eq!(
        startup,
        Startup::new(ProtocolVersion::V3_0).with("user", "a")
    );
}

proptest! {
    #[test]
    fn any_bytes_are_judged_without_panic(bytes: Vec<u8>) {
        let _ = parse(&bytes);
    }

    #[test]
    fn startups_survive_the_wire(minor: u16, params in proptest::collection::vec(("[^\0]{1,20}", "[^\0]{0,40}"), 0..8)) {
        let mut startup = Startup::new(ProtocolVersion { major: 3, minor });
        for (name, value) in &params {
            startup = startup.with(name, value);
        }
        prop_assert_eq!(parse(&startup.encode()), Ok(Some(FirstPacket::Startup(startup))));
    }
}
