//! Signatures of ID tokens, checked by ring: `jsonwebtoken` comes without cryptography.

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, new_error};
use jsonwebtoken::signature::{Error, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use ring::error::Unspecified;
use ring::signature as rings;

/// Signs nothing, and knows no shared keys: a token signed with the client's secret proves no more than the secret.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(new_error(ErrorKind::UnsupportedAlgorithm)),
    verifier_factory: |algorithm, key| {
        if algorithm.family() != key.family() || !ACCEPTED.contains(algorithm) {
            return Err(new_error(ErrorKind::InvalidAlgorithm));
        }
        Ok(Box::new(ByRing(*algorithm, key.clone())))
    },
    key_utils: KeyUtils::new_unimplemented(),
};

/// The algorithms that are accepted.
pub(super) const ACCEPTED: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Makes ring the one that checks, in this process.
pub(super) fn install() {
    // At the second cluster of a process it is.
    let _ = PROVIDER.install_default();
}

struct ByRing(Algorithm, DecodingKey);

impl JwtVerifier for ByRing {
    fn algorithm(&self) -> Algorithm {
        self.0
    }
}

impl Verifier<Vec<u8>> for ByRing {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), Error> {
        check(self.0, self.1.kind(), message, signature).map_err(|_| Error::new())
    }
}

fn check(
    algorithm: Algorithm,
    key: &DecodingKeyKind,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Unspecified> {
    match key {
        DecodingKeyKind::RsaModulusExponent { n, e } => {
            let parameters = match algorithm {
                Algorithm::RS256 => &rings::RSA_PKCS1_2048_8192_SHA256,
                Algorithm::RS384 => &rings::RSA_PKCS1_2048_8192_SHA384,
                Algorithm::RS512 => &rings::RSA_PKCS1_2048_8192_SHA512,
                Algorithm::PS256 => &rings::RSA_PSS_2048_8192_SHA256,
                Algorithm::PS384 => &rings::RSA_PSS_2048_8192_SHA384,
                Algorithm::PS512 => &rings::RSA_PSS_2048_8192_SHA512,
                _ => return Err(Unspecified),
            };
            let (n, e) = (without_zeros(n), without_zeros(e));
            rings::RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
        }
        DecodingKeyKind::SecretOrDer(point) => {
            let parameters: &dyn rings::VerificationAlgorithm = match algorithm {
                Algorithm::ES256 => &rings::ECDSA_P256_SHA256_FIXED,
                Algorithm::ES384 => &rings::ECDSA_P384_SHA384_FIXED,
                Algorithm::EdDSA => &rings::ED25519,
                _ => return Err(Unspecified),
            };
            rings::UnparsedPublicKey::new(parameters, point).verify(message, signature)
        }
    }
}

/// Some providers write numbers with a leading zero byte, which ring takes for another number.
fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}
