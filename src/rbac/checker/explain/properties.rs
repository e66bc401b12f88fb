//! An explanation never differs from the decision.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::properties::{checker, database, role};
use super::super::{Mfa, Request};
use super::*;
use crate::rbac::Role;

/// Roles as elsewhere, some with a device or with matchers that do not compile.
fn any_role() -> impl Strategy<Value = Role> {
    (role(), 0_u8..8).prop_map(|(mut role, odd)| {
        match odd {
            0 => role.options.device_trust_mode = "required".into(),
            1 => role.allow.database_labels = [("env".into(), vec!["^[$".into()])].into(),
            2 => role.deny.database_labels_expression = "labels[".into(),
            _ => {}
        }
        role
    })
}

fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "alice", "zoe", ""])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn the_reasons_lead_to_the_decision(
        roles in vec(any_role(), 0..4),
        database in database(),
        (user, name) in (word(), word()),
        requested in vec(word().prop_map(str::to_owned), 0..2),
        (cluster_mfa, verified, restricted) in (any::<bool>(), any::<bool>(), any::<bool>()),
    ) {
        let mut checker = checker(roles).with_cluster_mfa(cluster_mfa);
        if restricted {
            checker = checker.restricted_to(["other".to_owned()].into());
        }
        let mfa = if verified { Mfa::Verified } else { Mfa::NotVerified };
        let request = Request { user, name, roles: &requested, mfa };
        let decision = checker.check(&database, &request).map(|_| ());
        let ask = Ask { user: Some(user), name: Some(name), roles: &requested, mfa };
        let explanation = checker.explain(&database, ask);
        prop_assert_eq!(explanation.verdict(), decision.clone());
        prop_assert_eq!(&explanation.listed, &checker.can_list(&database));
        // Nothing is allowed without a role that says so, nothing denied by a role that does not.
        let deciding = explanation.deciding();
        if decision.is_ok() {
            prop_assert!(!deciding.is_empty());
            for role in deciding {
                prop_assert_eq!(&role.admission, &Ok(Admission::Admits));
            }
        }
    }

    #[test]
    fn what_labels_say_is_what_they_decide(role in any_role(), database in database()) {
        let checker = checker(vec![role]);
        let explanation = checker.explain(&database, Ask::default());
        let reason = &explanation.roles[0];
        let holds = |labels: &Labels| labels.expression.as_ref().map(|e| e.holds == Ok(true));
        let (allow, deny) = (&reason.allow.labels, &reason.deny.labels);
        if let Ok(admission) = &reason.admission {
            let says = !allow.is_empty() && allow.keys_match() != Some(false) && holds(allow) != Some(false);
            prop_assert_eq!(says, *admission != Admission::NotDatabase);
        }
        if let Ok(denial) = reason.denial {
            let says = deny.keys_match() == Some(true) || holds(deny) == Some(true);
            prop_assert_eq!(says, denial == Some(Denial::Labels));
        }
        for key in allow.keys.iter().chain(&deny.keys) {
            let value = key.by.as_ref().and(key.value.as_ref());
            prop_assert_eq!(key.by.is_some(), value.is_some(), "a pattern matches without a value");
        }
    }
}
