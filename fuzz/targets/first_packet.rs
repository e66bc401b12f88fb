//! A client's first bytes: `pg::startup`, `pg::cancel`, `pg::negotiate`.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use postern::pg::{FirstPacket, NegotiateProtocolVersion};

fuzz_target!(|data: &[u8]| {
    let mut whole = BytesMut::from(data);
    let at_once = FirstPacket::parse(&mut whole);
    let used = data.len() - whole.len();

    let mut growing = BytesMut::new();
    let mut piecewise = Ok(None);
    for byte in data {
        growing.extend_from_slice(&[*byte]);
        piecewise = FirstPacket::parse(&mut growing);
        if !matches!(piecewise, Ok(None)) {
            break;
        }
    }
    assert_eq!(at_once, piecewise);

    match at_once {
        Ok(Some(FirstPacket::DirectTls)) | Ok(None) => assert_eq!(used, 0),
        Ok(Some(packet)) => {
            assert_eq!(packet.encode(), &data[..used]);
            if let FirstPacket::Startup(startup) = &packet {
                let _ = (startup.user(), startup.database());
                let plain = FirstPacket::Startup(startup.downgraded());
                let mut again = BytesMut::from(plain.encode().as_slice());
                assert_eq!(FirstPacket::parse(&mut again), Ok(Some(plain)));
                if let Some(answer) = NegotiateProtocolVersion::answer_to(startup) {
                    assert_eq!(
                        NegotiateProtocolVersion::parse(&answer.encode()[5..]),
                        Ok(answer)
                    );
                }
            }
        }
        Err(_) => {}
    }
});
