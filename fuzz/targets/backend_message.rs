//! A server's messages: `pg::message`, `pg::error_response`, and the table of Teleport's texts.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use postern::pg::message::tag;
use postern::pg::{ErrorResponse, Kind, Message, NegotiateProtocolVersion};
use postern::proxy::{Expected, known_errors};

const LIMIT: usize = 64 * 1024;

fuzz_target!(|data: &[u8]| {
    let mut buf = BytesMut::from(data);
    loop {
        let before = buf.clone();
        let Ok(Some(message)) = Message::parse(&mut buf, LIMIT) else {
            break;
        };
        let used = before.len() - buf.len();
        assert_eq!(message.encode(), before[..used]);
        let mut short = BytesMut::from(&before[..used - 1]);
        assert_eq!(Message::parse(&mut short, LIMIT), Ok(None));
        match message.tag {
            tag::ERROR_RESPONSE => error(Kind::Error, &message.body),
            tag::NOTICE_RESPONSE => error(Kind::Notice, &message.body),
            tag::NEGOTIATE => {
                if let Ok(negotiate) = NegotiateProtocolVersion::parse(&message.body) {
                    assert_eq!(negotiate.encode()[5..], message.body[..]);
                }
            }
            _ => {}
        }
    }
});

fn error(kind: Kind, body: &[u8]) {
    let Ok(error) = ErrorResponse::parse(kind, body) else {
        return;
    };
    assert_eq!(&error.encode()[5..], body);
    for remote in [false, true] {
        let to = Expected {
            user: "alice".into(),
            remote,
            ..Expected::default()
        };
        let mut completed = error.clone();
        if known_errors::complete(&mut completed, &to) {
            assert_eq!(completed.message(), error.message());
            assert!(completed.severity().is_some() && completed.sqlstate().is_some());
            assert_eq!(
                ErrorResponse::parse(kind, &completed.encode()[5..]),
                Ok(completed)
            );
        } else {
            assert_eq!(completed, error);
        }
    }
}
