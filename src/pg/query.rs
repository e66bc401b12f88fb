//! The simple query protocol: a statement in one message, rows of texts in the answer.

use super::message::{Message, MessageError, tag};
use super::startup::take_text;

/// Makes the Query message for `sql`, which must hold no zero byte.
pub fn encode(sql: &str) -> Vec<u8> {
    let body: Vec<u8> = sql.bytes().chain([0]).collect();
    let message = Message {
        tag: tag::QUERY,
        body: body.into(),
    };
    message.encode()
}

/// Reads the names of the columns from the body of a RowDescription.
///
/// # Errors
/// [`MessageError::Body`].
pub fn columns(body: &[u8]) -> Result<Vec<String>, MessageError> {
    /// Table, column, type, its size, its modifier, format.
    const REST: usize = 18;
    let wrong = || MessageError::Body(tag::ROW_DESCRIPTION);
    let (count, mut rest) = body.split_first_chunk::<2>().ok_or_else(wrong)?;
    let mut names = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let name = take_text(&mut rest).ok_or_else(wrong)?;
        names.push(String::from_utf8_lossy(name).into_owned());
        rest = rest.get(REST..).ok_or_else(wrong)?;
    }
    if rest.is_empty() {
        Ok(names)
    } else {
        Err(wrong())
    }
}

/// Reads the values of the body of a DataRow; NULL is `None`, bytes that are not UTF-8 are replaced.
///
/// # Errors
/// [`MessageError::Body`].
pub fn values(body: &[u8]) -> Result<Vec<Option<String>>, MessageError> {
    let wrong = || MessageError::Body(tag::DATA_ROW);
    let (count, mut rest) = body.split_first_chunk::<2>().ok_or_else(wrong)?;
    let mut values = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let (length, behind) = rest.split_first_chunk::<4>().ok_or_else(wrong)?;
        rest = behind;
        let length = i32::from_be_bytes(*length);
        if length == -1 {
            values.push(None);
            continue;
        }
        let length = usize::try_from(length).map_err(|_| wrong())?;
        let (value, behind) = rest.split_at_checked(length).ok_or_else(wrong)?;
        values.push(Some(String::from_utf8_lossy(value).into_owned()));
        rest = behind;
    }
    if rest.is_empty() {
        Ok(values)
    } else {
        Err(wrong())
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::*;
    use crate::pg::recorded;

    /// The messages with this tag that a real server sent.
    fn recorded(wanted: u8) -> Vec<Message> {
        let server = recorded::plain_server_bytes("query-noping");
        let mut buf = BytesMut::from(&server[1..]);
        let mut found = Vec::new();
        while let Some(message) = Message::parse(&mut buf, 1 << 20).expect("messages") {
            found.extend((message.tag == wanted).then_some(message));
        }
        found
    }

    #[test]
    fn a_recorded_answer_is_read() {
        let names = columns(&recorded(tag::ROW_DESCRIPTION)[0].body).expect("columns");
        let row = values(&recorded(tag::DATA_ROW)[0].body).expect("values");
        assert_eq!(names, ["current_user", "session_user"]);
        assert_eq!(row, [Some("app".to_owned()), Some("app".to_owned())]);
    }

    #[test]
    fn a_statement_is_asked_as_it_was_recorded() {
        let client = recorded::plain("query-noping", recorded::Side::Client);
        let asked = encode("select current_user, session_user");
        assert!(client.windows(asked.len()).any(|part| part == asked));
    }

    #[test]
    fn every_prefix_is_refused() {
        for (body, read) in [
            (&recorded(tag::ROW_DESCRIPTION)[0].body, true),
            (&recorded(tag::DATA_ROW)[0].body, false),
        ] {
            for end in 0..body.len() {
                let cut = &body[..end];
                let refused = if read {
                    columns(cut).is_err()
                } else {
                    values(cut).is_err()
                };
                assert!(refused, "{end} bytes");
            }
        }
    }

    #[test]
    fn null_is_no_text() {
        let body = b"\0\x03\xff\xff\xff\xff\0\0\0\0\0\0\0\x02ab";
        let row = values(body).expect("values");
        assert_eq!(row, [None, Some(String::new()), Some("ab".to_owned())]);
    }

    proptest! {
        #[test]
        fn any_body_is_judged_without_panic(body: Vec<u8>) {
            let _ = columns(&body);
            let _ = values(&body);
        }
    }
}
