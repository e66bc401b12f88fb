//! Who the caller is for a cluster, and what its roles say.
//!
//! Source: auth-api.md 2.5. On a leaf both answers are the leaf's own view, after its role mapping.

use super::{ApiError, Caller, Fault};
use crate::identity::Traits;
use crate::proto::teleport::users::v1::GetUserRequest;
use crate::proto::types::{RoleV6, UserV2};
use crate::proto::wrappers::LabelValues;

/// The caller as the cluster knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CurrentUser {
    /// The name; `remote-<user>-<root cluster>` on a leaf.
    pub name: String,
    /// Trait name to values.
    pub traits: Traits,
}

/// The roles of the caller, in the order received, without traits applied.
///
/// # Errors
/// As any call; [`Fault::NotFound`] when a role of the certificate was deleted.
pub async fn current_roles(caller: &Caller) -> Result<Vec<RoleV6>, ApiError> {
    let error = |status| caller.error(&status);
    let mut stream = caller
        .auth()
        .get_current_user_roles(())
        .await
        .map_err(error)?
        .into_inner();
    let mut roles = Vec::new();
    while let Some(role) = stream.message().await.map_err(error)? {
        roles.push(role);
    }
    Ok(roles)
}

/// The caller's name and traits. Servers before 15 know only an older call, which is tried when the newer is unknown.
///
/// # Errors
/// As any call.
pub async fn current_user(caller: &Caller) -> Result<CurrentUser, ApiError> {
    let answer = caller
        .users()
        .get_user(current_user_request())
        .await
        .map_err(|status| caller.error(&status));
    let user = match answer {
        Ok(answer) => answer.into_inner().user,
        Err(err) if err.fault == Fault::Unimplemented => Some(
            caller
                .auth()
                .get_current_user(())
                .await
                .map_err(|status| caller.error(&status))?
                .into_inner(),
        ),
        Err(err) => return Err(err),
    };
    user.and_then(read_user)
        .ok_or_else(|| ApiError::bad_answer(caller.cluster(), "the current user has no name"))
}

fn current_user_request() -> GetUserRequest {
    GetUserRequest {
        current_user: true,
        ..Default::default()
    }
}

fn read_user(user: UserV2) -> Option<CurrentUser> {
    let name = user
        .metadata
        .map(|meta| meta.name)
        .filter(|name| !name.is_empty())?;
    let traits = user
        .spec
        .and_then(|spec| spec.traits)
        .map(read_traits)
        .unwrap_or_default();
    Some(CurrentUser { name, traits })
}

/// Traits from their wire form.
pub fn read_traits(values: LabelValues) -> Traits {
    values
        .values
        .into_iter()
        .map(|(name, values)| (name, values.values))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::recorded::recorded;
    use crate::proto::teleport::users::v1::GetUserResponse;

    #[test]
    fn the_request_equals_the_recorded_one() {
        assert_eq!(current_user_request(), recorded("user-root.request.binpb"));
    }

    #[test]
    fn recorded_users_are_read() {
        let answer: GetUserResponse = recorded("user-root.response.binpb");
        let user = answer.user.and_then(read_user).expect("a user");
        assert_eq!(user.name, "alice");
        assert_eq!(user.traits["db_users"], ["postgres"]);
        let answer: GetUserResponse = recorded("user-leaf.response.binpb");
        let user = answer.user.and_then(read_user).expect("a user");
        assert_eq!(user.name, "remote-alice-root");
        assert_eq!(user.traits["db_users"], ["app", "postgres"]);
        assert_eq!(user.traits["db_roles"], ["writer"]);
    }

    #[test]
    fn recorded_roles_are_read() {
        let names: Vec<_> = (0..3)
            .map(|i| {
                recorded::<RoleV6>(&format!("roles-leaf.response.{i}.binpb"))
                    .metadata
                    .expect("metadata")
                    .name
            })
            .collect();
        assert_eq!(names.len(), 3);
        for name in ["auto-keep", "auto-drop", "plain"] {
            assert!(names.iter().any(|n| n == name), "{names:?}");
        }
    }

    #[test]
    fn a_user_without_a_name_is_no_user() {
        assert_eq!(read_user(UserV2::default()), None);
    }
}
