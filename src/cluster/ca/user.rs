//! User and database certificates, written byte by byte (credentials.md 1.1, 1.2).

use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, SigningKey as _,
};
use time::OffsetDateTime;

use super::{Authority, CaError, SubjectPublicKey, random_serial, validity};
use crate::identity::der::{self, tag};
use crate::identity::{Identity, encode_subject};

const KEY_USAGE: &str = "2.5.29.15";
const BASIC_CONSTRAINTS: &str = "2.5.29.19";
const AUTHORITY_KEY_IDENTIFIER: &str = "2.5.29.35";
const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";

impl Authority {
    /// Issues a certificate for a key the user holds, to be called on the `user` authority. Times are unix seconds; the
    /// caller backdates by [`crate::identity::BACKDATING_SECONDS`]. Gives DER.
    ///
    /// # Errors
    /// [`CaError::Name`] without a user name, [`CaError::Validity`], [`CaError::Random`], [`CaError::Signing`].
    pub fn issue_user(
        &self,
        identity: &Identity,
        key: &SubjectPublicKey,
        not_before: i64,
        not_after: i64,
    ) -> Result<Vec<u8>, CaError> {
        if identity.username.is_empty() {
            return Err(CaError::Name(String::new()));
        }
        let (begin, end) = validity(not_before, not_after)?;
        let signer = self.issuer.key();
        let algorithm = signature_algorithm(signer)?;
        let version = der::element(0xa0, &der::unsigned(&[2]));
        let extensions = der::element(0xa3, &self.extensions(key));
        let body = der::sequence(&[
            &version,
            &der::unsigned(&random_serial()?),
            &algorithm,
            self.subject_der(),
            &der::sequence(&[&moment(begin), &moment(end)]),
            &encode_subject(identity),
            key.as_der(),
            &extensions,
        ]);
        let signature = signer.sign(&body)?;
        Ok(der::sequence(&[
            &body,
            &algorithm,
            &der::bit_string(&signature),
        ]))
    }

    /// The four extensions of every user certificate, in the order of real clusters.
    fn extensions(&self, key: &SubjectPublicKey) -> Vec<u8> {
        // digitalSignature, with RSA keys keyEncipherment too: the number of unused bits, then the bits.
        let usage: [u8; 2] = if key.is_rsa() { [5, 0xa0] } else { [7, 0x80] };
        der::sequence(&[
            &extension(KEY_USAGE, true, &der::element(tag::BIT_STRING, &usage)),
            &extension(
                EXTENDED_KEY_USAGE,
                false,
                &der::sequence(&[&oid(SERVER_AUTH), &oid(CLIENT_AUTH)]),
            ),
            &extension(BASIC_CONSTRAINTS, true, &der::sequence(&[])),
            &extension(
                AUTHORITY_KEY_IDENTIFIER,
                false,
                &der::sequence(&[&der::element(0x80, &self.key_id)]),
            ),
        ])
    }
}

fn extension(id: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical {
        der::element(tag::BOOLEAN, &[0xff])
    } else {
        Vec::new()
    };
    der::sequence(&[&oid(id), &critical, &der::element(tag::OCTET_STRING, value)])
}

fn signature_algorithm(key: &KeyPair) -> Result<Vec<u8>, CaError> {
    let algorithm = key.algorithm();
    if *algorithm == PKCS_ECDSA_P256_SHA256 {
        Ok(der::sequence(&[&oid("1.2.840.10045.4.3.2")]))
    } else if *algorithm == PKCS_ECDSA_P384_SHA384 {
        Ok(der::sequence(&[&oid("1.2.840.10045.4.3.3")]))
    } else if *algorithm == PKCS_RSA_SHA256 {
        Ok(der::sequence(&[
            &oid("1.2.840.113549.1.1.11"),
            &der::element(tag::NULL, &[]),
        ]))
    } else {
        Err(CaError::Signing(
            "unsupported kind of authority key".to_owned(),
        ))
    }
}

/// A time as RFC 5280 4.1.2.5 wants it: two digits of the year until 2049, then four.
fn moment(time: OffsetDateTime) -> Vec<u8> {
    let (date, clock) = (time.date(), time.time());
    let rest = format!(
        "{:02}{:02}{:02}{:02}{:02}Z",
        u8::from(date.month()),
        date.day(),
        clock.hour(),
        clock.minute(),
        clock.second()
    );
    if date.year() < 2050 {
        der::element(
            tag::UTC_TIME,
            format!("{:02}{rest}", date.year() % 100).as_bytes(),
        )
    } else {
        der::element(
            tag::GENERALIZED_TIME,
            format!("{:04}{rest}", date.year()).as_bytes(),
        )
    }
}

fn oid(dotted: &str) -> Vec<u8> {
    der::oid(dotted).expect("a constant of this file is a dotted identifier")
}
