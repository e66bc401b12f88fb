//! Whether a session needs a second factor, and the challenge for it (auth-api.md 2.6, 2.7).

use tonic::Status;

use super::caller::{Caller, Known};
use crate::cluster::state::ClusterState;
use crate::proto::auth as pb;
use crate::proto::auth::is_mfa_required_request::Target;
use crate::proto::types;
use crate::rbac::role::RequireMfa;

/// `IsMFARequired`.
pub(super) fn is_required(
    state: &ClusterState,
    caller: &Caller,
    request: &pb::IsMfaRequiredRequest,
) -> Result<pb::IsMfaRequiredResponse, Status> {
    let known = caller.known(state, || Status::permission_denied("access denied"))?;
    let required = required(state, &known, request)?;
    Ok(pb::IsMfaRequiredResponse {
        required,
        mfa_required: answer(required).into(),
    })
}

/// `CreateAuthenticateChallenge` for a session of the caller. The answer to it satisfies nobody here: a one-time code is
/// no factor for a session, and other factors cannot be registered.
pub(super) fn challenge(
    state: &ClusterState,
    caller: &Caller,
    request: &pb::CreateAuthenticateChallengeRequest,
) -> Result<pb::MfaAuthenticateChallenge, Status> {
    let known = caller.known(state, || {
        Status::permission_denied("unable to create MFA challenges")
    })?;
    if request
        .challenge_extensions
        .as_ref()
        .is_none_or(|e| e.scope == 0)
    {
        return Err(Status::invalid_argument("scope not present in request"));
    }
    let checked = request
        .mfa_required_check
        .as_ref()
        .map(|check| required(state, &known, check))
        .transpose()?;
    let mut challenge = pb::MfaAuthenticateChallenge {
        mfa_required: checked.map_or(pb::MfaRequired::Unspecified, answer).into(),
        ..pb::MfaAuthenticateChallenge::default()
    };
    if checked != Some(false) && !known.remote && state.logins().second_factor() {
        challenge.totp = Some(pb::TotpChallenge {});
    }
    Ok(challenge)
}

/// `GetMFADevices`: the authenticator app of the caller, when the cluster asks for its codes. When it was added and last used
/// is not kept.
pub(super) fn devices(
    state: &ClusterState,
    caller: &Caller,
) -> Result<pb::GetMfaDevicesResponse, Status> {
    let known = caller.known(state, || {
        Status::permission_denied("access denied to perform action \"list\" on \"mfa_device\"")
    })?;
    let credential = state
        .store()
        .credential(known.name())
        .map_err(|e| Status::internal(e.to_string()))?;
    let enrolled = state.logins().second_factor()
        && credential.is_some_and(|credential| !credential.totp_key.is_empty());
    let devices = enrolled.then(|| types::MfaDevice {
        kind: "mfa_device".to_owned(),
        version: "v1".to_owned(),
        metadata: Some(types::Metadata {
            name: "otp".to_owned(),
            namespace: "default".to_owned(),
            ..types::Metadata::default()
        }),
        id: format!("otp-{}", known.name()),
        device: Some(types::mfa_device::Device::Totp(types::TotpDevice::default())),
        ..types::MfaDevice::default()
    });
    Ok(pb::GetMfaDevicesResponse {
        devices: devices.into_iter().collect(),
    })
}

fn answer(required: bool) -> pb::MfaRequired {
    if required {
        pb::MfaRequired::Yes
    } else {
        pb::MfaRequired::No
    }
}

/// Without a role that asks for it the answer is no, whatever the target; a refusal counts as no as well.
fn required(
    state: &ClusterState,
    known: &Known<'_>,
    request: &pb::IsMfaRequiredRequest,
) -> Result<bool, Status> {
    if known
        .roles
        .iter()
        .all(|role| role.options.require_mfa == RequireMfa::default())
    {
        return Ok(false);
    }
    let database = match &request.target {
        Some(Target::Database(database)) => database,
        None => return Err(Status::invalid_argument("unknown Target <nil>")),
        Some(_) => return Ok(false),
    };
    if database.service_name.is_empty() {
        return Err(Status::invalid_argument(
            "missing ServiceName field in a database-only UserCertsRequest",
        ));
    }
    let resource = state.database(&database.service_name).ok_or_else(|| {
        Status::not_found(format!(
            "database service {:?} not found",
            database.service_name
        ))
    })?;
    Ok(known
        .checker()?
        .mfa_required(&resource, &database.username, &database.database))
}
