//! Which clusters behind this one a user may know of (auth-api.md 2.10).

use std::collections::BTreeMap;

use super::AccessChecker;
use super::prepared::evaluate;
use crate::rbac::MatchError;
use crate::rbac::label_expression::LabelExpression;
use crate::rbac::role::Conditions;
use crate::rbac::selector::Selector;

impl AccessChecker {
    /// Whether a leaf cluster with these labels is in the user's list. Without labels there it is, unless a role says
    /// anything about labels of clusters; then one role must allow it and none deny it.
    ///
    /// # Errors
    /// A broken matcher of a role.
    pub fn can_see_cluster(&self, labels: &BTreeMap<String, String>) -> Result<bool, MatchError> {
        let says = |side: &Conditions| {
            !side.cluster_labels.is_empty() || !side.cluster_labels_expression.is_empty()
        };
        let roles = || self.assigned().map(|prepared| &prepared.role);
        if labels.is_empty() && !roles().any(|role| says(&role.allow) || says(&role.deny)) {
            return Ok(true);
        }
        for role in roles() {
            let (selected, holds) = self.look(&role.deny, labels)?;
            if selected == Some(true) || holds == Some(true) {
                return Ok(false);
            }
        }
        for role in roles().filter(|role| says(&role.allow)) {
            let (selected, holds) = self.look(&role.allow, labels)?;
            if selected != Some(false) && holds != Some(false) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What labels and expression of one side say, each if it is there.
    fn look(
        &self,
        side: &Conditions,
        labels: &BTreeMap<String, String>,
    ) -> Result<(Option<bool>, Option<bool>), MatchError> {
        let selector = Selector::new(&side.cluster_labels);
        let selected = (!selector.is_empty())
            .then(|| selector.matches(labels))
            .transpose()?;
        let text = &side.cluster_labels_expression;
        let holds = (!text.is_empty())
            .then(|| evaluate(&LabelExpression::parse(text), labels, &self.traits))
            .transpose()?;
        Ok((selected, holds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rbac::{Role, Traits};
    use serde_json::{Value, json};

    fn sees(roles: &[Value], labels: &[(&str, &str)]) -> bool {
        let roles = roles
            .iter()
            .enumerate()
            .map(|(i, spec)| {
                let document = json!({"kind": "role", "version": "v7", "metadata": {"name": format!("r{i}")}, "spec": spec});
                Role::from_document(&document).expect("a role")
            })
            .collect();
        let labels = labels
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        AccessChecker::new("alice", false, roles, &Traits::new())
            .expect("a checker")
            .can_see_cluster(&labels)
            .expect("a decision")
    }

    #[test]
    fn a_cluster_without_labels_is_seen_unless_a_role_is_about_labels() {
        let plain = json!({"allow": {"db_labels": {"*": "*"}}});
        let prod = json!({"allow": {"cluster_labels": {"env": "prod"}}});
        let all = json!({"allow": {"cluster_labels": {"*": "*"}}});
        let not_prod = json!({"deny": {"cluster_labels": {"env": "prod"}}});
        let expression = json!({"allow": {"cluster_labels_expression": "labels.env == \"prod\""}});
        assert!(sees(std::slice::from_ref(&plain), &[]));
        assert!(!sees(std::slice::from_ref(&plain), &[("env", "prod")]));
        assert!(!sees(&[plain.clone(), prod.clone()], &[]));
        assert!(sees(&[plain.clone(), prod.clone()], &[("env", "prod")]));
        assert!(sees(std::slice::from_ref(&all), &[]));
        assert!(!sees(&[all.clone(), not_prod.clone()], &[("env", "prod")]));
        assert!(sees(&[all, not_prod], &[("env", "dev")]));
        assert!(sees(std::slice::from_ref(&expression), &[("env", "prod")]));
        assert!(!sees(&[expression], &[("env", "dev")]));
        assert!(!sees(
            &[json!({"deny": {"cluster_labels": {"*": "*"}}})],
            &[]
        ));
    }
}
