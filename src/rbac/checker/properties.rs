//! What holds for every set of roles.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;
use crate::rbac::CreateUserMode;
use crate::rbac::role::{Conditions, RequireMfa, RoleOptions};

pub(super) fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "alice", "*", "{{external.t}}", ""]).prop_map(str::to_owned)
}

pub(super) fn labels() -> impl Strategy<Value = BTreeMap<String, Vec<String>>> {
    let key = prop::sample::select(vec!["*", "env", "team"]).prop_map(str::to_owned);
    let value = prop::sample::select(vec!["*", "qa", "q*", "^[a-z]+$", ""]).prop_map(str::to_owned);
    btree_map(key, vec(value, 1..3), 0..3)
}

pub(super) fn conditions() -> impl Strategy<Value = Conditions> {
    let expression = prop::sample::select(vec![
        "",
        "",
        "labels.env == \"qa\"",
        "contains(user.spec.traits.t, \"a\")",
    ]);
    (
        labels(),
        expression,
        vec(word(), 0..3),
        vec(word(), 0..3),
        vec(word(), 0..3),
    )
        .prop_map(
            |(database_labels, expression, database_users, database_names, database_roles)| {
                Conditions {
                    namespaces: vec!["default".into()],
                    database_labels,
                    database_labels_expression: expression.into(),
                    database_users,
                    database_names,
                    database_roles,
                    ..Conditions::default()
                }
            },
        )
}

pub(super) fn role() -> impl Strategy<Value = Role> {
    (
        conditions(),
        conditions(),
        0_i32..4,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(allow, deny, mode, denies, mfa)| Role {
            name: "r".into(),
            version: "v7".into(),
            options: RoleOptions {
                create_db_user_mode: CreateUserMode::from_number(mode),
                require_mfa: if mfa {
                    RequireMfa::SESSION
                } else {
                    RequireMfa::OFF
                },
                ..RoleOptions::default()
            },
            allow,
            deny: if denies {
                deny
            } else {
                Conditions {
                    namespaces: vec!["default".into()],
                    ..Conditions::default()
                }
            },
            ..Role::default()
        })
}

pub(super) fn database() -> impl Strategy<Value = Database> {
    let label = prop::sample::select(vec!["", "qa", "live"]).prop_map(str::to_owned);
    let key = prop::sample::select(vec!["env", "team"]).prop_map(str::to_owned);
    (btree_map(key, label, 0..3), any::<bool>()).prop_map(|(labels, admin)| Database {
        name: "d".into(),
        protocol: "postgres".into(),
        labels,
        admin_user: admin.then(|| crate::rbac::AdminUser {
            name: "tp".into(),
            ..Default::default()
        }),
        ..Database::default()
    })
}

pub(super) fn checker(roles: Vec<Role>) -> AccessChecker {
    let traits = [("t".to_owned(), vec!["a".to_owned()])].into();
    AccessChecker::new("alice", false, roles, &traits).expect("never fails")
}

/// Everything that can be asked, with errors reduced to "no".
fn outcomes(checker: &AccessChecker, database: &Database) -> Vec<bool> {
    let mut out = vec![checker.can_list(database) == Ok(true)];
    for user in ["a", "b", "alice", "zoe"] {
        for name in ["a", "b", "zoe"] {
            for mfa in [Mfa::NotVerified, Mfa::Verified] {
                for roles in [vec![], vec!["a".to_owned()]] {
                    out.push(
                        checker
                            .check(
                                database,
                                &Request {
                                    user,
                                    name,
                                    roles: &roles,
                                    mfa,
                                },
                            )
                            .is_ok(),
                    );
                }
            }
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_deny_never_widens(roles in vec(role(), 1..4), deny in conditions(), database in database()) {
        let before = outcomes(&checker(roles.clone()), &database);
        // A role that only denies; the lists of the same deny added to a role's; its labels or its expression where the role
        // denies by none. (More keys in a deny selector that is there deny less, as all of them have to match.)
        let denying = Role { deny: deny.clone(), version: "v7".into(), ..Role::default() };
        let mut with_role = roles.clone();
        with_role.push(denying);
        let mut within = roles.clone();
        within[0].deny.database_users.extend(deny.database_users);
        within[0].deny.database_names.extend(deny.database_names);
        within[0].deny.database_roles.extend(deny.database_roles);
        let mut by_labels = roles;
        let side = &mut by_labels[0].deny;
        if side.database_labels.is_empty() {
            side.database_labels = deny.database_labels;
        }
        if side.database_labels_expression.is_empty() {
            side.database_labels_expression = deny.database_labels_expression;
        }
        for roles in [with_role, within, by_labels] {
            let after = outcomes(&checker(roles), &database);
            for (b, a) in before.iter().zip(&after) {
                prop_assert!(*b || !*a, "allowed only after a deny was added");
            }
        }
    }

    #[test]
    fn order_of_roles_changes_nothing(roles in vec(role(), 2..5), database in database(), turn in 0_usize..5) {
        let mut turned = roles.clone();
        let by = turn % turned.len();
        turned.rotate_left(by);
        let mut reversed = roles.clone();
        reversed.reverse();
        let (a, b, c) = (checker(roles), checker(turned), checker(reversed));
        for other in [&b, &c] {
            prop_assert_eq!(outcomes(&a, &database), outcomes(other, &database));
            prop_assert_eq!(a.enumerate_users(&database), other.enumerate_users(&database));
            prop_assert_eq!(a.enumerate_names(&database), other.enumerate_names(&database));
            prop_assert_eq!(a.database_roles(&database), other.database_roles(&database));
        }
    }

    #[test]
    fn order_and_duplicates_within_a_role_change_nothing(roles in vec(role(), 1..4), database in database()) {
        let mut turned = roles.clone();
        for role in &mut turned {
            for side in [&mut role.allow, &mut role.deny] {
                let lists = [&mut side.database_users, &mut side.database_names, &mut side.database_roles];
                let labels = side.database_labels.iter_mut().filter(|(key, _)| *key != "*").map(|(_, values)| values);
                for list in lists.into_iter().chain(labels) {
                    let mut again = list.clone();
                    again.reverse();
                    again.extend(list.iter().cloned());
                    *list = again;
                }
            }
        }
        turned.extend(turned.clone());
        let (a, b) = (checker(roles), checker(turned));
        prop_assert_eq!(outcomes(&a, &database), outcomes(&b, &database));
        prop_assert_eq!(a.enumerate_users(&database), b.enumerate_users(&database));
        prop_assert_eq!(a.enumerate_names(&database), b.enumerate_names(&database));
        prop_assert_eq!(a.database_roles(&database), b.database_roles(&database));
    }

    #[test]
    fn order_and_duplicates_of_traits_change_nothing(roles in vec(role(), 1..4), database in database(), mut values in vec(prop::sample::select(vec!["a", "b", "alice", ""]), 0..4)) {
        let with = |values: &[&str]| {
            let traits = [("t".to_owned(), values.iter().map(|v| (*v).to_owned()).collect())].into();
            AccessChecker::new("alice", false, roles.clone(), &traits).expect("never fails")
        };
        let before = with(&values);
        values.reverse();
        values.extend(values.clone());
        let after = with(&values);
        prop_assert_eq!(outcomes(&before, &database), outcomes(&after, &database));
        prop_assert_eq!(before.database_roles(&database), after.database_roles(&database));
    }
}
