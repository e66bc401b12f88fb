//! Whether a database session needs a second factor of its own, and which ones the user has.
//!
//! Source: auth-api.md 2.6, 2.7, 7.

use super::certs::route;
use super::{ApiError, Caller};
use crate::identity::RouteToDatabase;
use crate::proto::auth as pb;
use crate::proto::auth::create_authenticate_challenge_request::Request;
use crate::proto::auth::is_mfa_required_request::Target;
use crate::proto::teleport::mfa::v1::{ChallengeAllowReuse, ChallengeExtensions, ChallengeScope};

/// The kinds of second factors a user has for a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Factors {
    /// One-time codes, which no server since 18 takes for a session.
    pub otp: bool,
    /// A security key.
    pub security_key: bool,
    /// The identity provider.
    pub sso: bool,
}

/// Asks the cluster that owns the database. The user must be set: without one the answer always is no.
///
/// # Errors
/// [`super::Fault::NotFound`] for a database that does not exist, when any role needs a second factor.
pub async fn required(owner: &Caller, to: &RouteToDatabase) -> Result<bool, ApiError> {
    let answer = owner
        .auth()
        .is_mfa_required(required_request(to))
        .await
        .map_err(|status| owner.error(&status))?;
    Ok(needs(answer.into_inner()))
}

fn required_request(to: &RouteToDatabase) -> pb::IsMfaRequiredRequest {
    pb::IsMfaRequiredRequest {
        target: Some(Target::Database(route(to))),
    }
}

/// 14 fills only the older field.
pub(crate) fn needs(answer: pb::IsMfaRequiredResponse) -> bool {
    answer.required || answer.mfa_required() == pb::MfaRequired::Yes
}

/// Asks the root which factors the user could answer with. No ceremony is carried on from here.
///
/// # Errors
/// As any call.
pub async fn factors(root: &Caller) -> Result<Factors, ApiError> {
    let answer = root
        .auth()
        .create_authenticate_challenge(challenge_request())
        .await
        .map_err(|status| root.error(&status))?;
    Ok(read_factors(&answer.into_inner()))
}

fn challenge_request() -> pb::CreateAuthenticateChallengeRequest {
    pb::CreateAuthenticateChallengeRequest {
        request: Some(Request::ContextUser(pb::ContextUser {})),
        challenge_extensions: Some(ChallengeExtensions {
            scope: ChallengeScope::UserSession.into(),
            allow_reuse: ChallengeAllowReuse::No.into(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

pub(crate) fn read_factors(challenge: &pb::MfaAuthenticateChallenge) -> Factors {
    Factors {
        otp: challenge.totp.is_some(),
        security_key: challenge.webauthn_challenge.is_some(),
        sso: challenge.sso_challenge.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::recorded::recorded;

    #[test]
    fn requests_equal_the_recorded_ones() {
        let vault = RouteToDatabase {
            service_name: "vault".to_owned(),
            protocol: "postgres".to_owned(),
            username: "app".to_owned(),
            database: "postgres".to_owned(),
            roles: Vec::new(),
        };
        assert_eq!(
            required_request(&vault),
            recorded("mfa-required-yes.request.binpb")
        );
        assert_eq!(
            challenge_request(),
            recorded("challenge-session-no-check.request.binpb")
        );
    }

    #[test]
    fn recorded_answers_are_read() {
        for (name, want) in [
            ("mfa-required-yes", true),
            ("mfa-required-no", false),
            ("mfa-required-auto-user", false),
            ("mfa-required-yes-names-missing", false),
        ] {
            assert_eq!(
                needs(recorded(&format!("{name}.response.binpb"))),
                want,
                "{name}"
            );
        }
        assert!(needs(pb::IsMfaRequiredResponse {
            required: true,
            mfa_required: 0
        }));
    }

    #[test]
    fn recorded_factors_are_read() {
        let otp = read_factors(&recorded("challenge-session-required.response.binpb"));
        assert_eq!(
            otp,
            Factors {
                otp: true,
                ..Default::default()
            }
        );
        let both = read_factors(&recorded("webauthn-challenge.response.binpb"));
        assert!(both.security_key && both.otp && !both.sso, "{both:?}");
        assert_eq!(
            read_factors(&pb::MfaAuthenticateChallenge::default()),
            Factors::default()
        );
    }
}
