//! A role with a user's traits applied and its label matchers compiled.

use std::collections::BTreeMap;

use crate::rbac::expr::ExprError;
use crate::rbac::label_expression::LabelExpression;
use crate::rbac::role::{Conditions, LabelPatterns};
use crate::rbac::selector::{Selector, interpolate_patterns};
use crate::rbac::template::interpolate_list;
use crate::rbac::{MatchError, Role, Traits, WILDCARD};

#[derive(Clone, Debug)]
pub(super) struct Prepared {
    /// With templates replaced by values.
    pub(super) role: Role,
    pub(super) allow: Side,
    pub(super) deny: Side,
    /// Both sides as the role has them, for explanations.
    pub(super) written: [Conditions; 2],
}

impl Prepared {
    pub(super) fn new(mut role: Role, traits: &Traits) -> Self {
        let written = [role.allow.clone(), role.deny.clone()];
        for side in [&mut role.allow, &mut role.deny] {
            apply(side, traits);
        }
        Self {
            allow: Side::new(&role.allow),
            deny: Side::new(&role.deny),
            written,
            role,
        }
    }
}

/// Replaces the templates of one side (rbac.md 4.1).
fn apply(side: &mut Conditions, traits: &Traits) {
    for list in [
        &mut side.database_users,
        &mut side.database_names,
        &mut side.database_roles,
    ] {
        *list = interpolate_list(list, traits);
    }
    let selectors: [&mut LabelPatterns; 3] = [
        &mut side.database_labels,
        &mut side.database_service_labels,
        &mut side.cluster_labels,
    ];
    for selector in selectors {
        *selector = interpolate_patterns(selector, traits);
    }
}

/// The label matchers of one side.
#[derive(Clone, Debug)]
pub(super) struct Side {
    namespaces: Vec<String>,
    pub(super) selector: Selector,
    pub(super) expression: Option<Result<LabelExpression, ExprError>>,
}

impl Side {
    fn new(conditions: &Conditions) -> Self {
        let text = &conditions.database_labels_expression;
        Self {
            namespaces: conditions.namespaces.clone(),
            selector: Selector::new(&conditions.database_labels),
            expression: (!text.is_empty()).then(|| LabelExpression::parse(text)),
        }
    }

    /// Whether this side is about databases of a namespace.
    pub(super) fn covers(&self, namespace: &str) -> bool {
        self.namespaces
            .iter()
            .any(|n| n == WILDCARD || n == namespace)
    }

    /// On the allow side, labels and expression must both match if given (rbac.md 2).
    pub(super) fn allows(
        &self,
        labels: &BTreeMap<String, String>,
        traits: &Traits,
    ) -> Result<bool, MatchError> {
        if self.selector.is_empty() && self.expression.is_none() {
            return Ok(false);
        }
        let selected = self.selector.is_empty() || self.selector.matches(labels)?;
        // Evaluated even if the labels failed already: its error surfaces.
        let holds = match &self.expression {
            Some(expression) => evaluate(expression, labels, traits)?,
            None => true,
        };
        Ok(selected && holds)
    }

    /// On the deny side either suffices.
    pub(super) fn denies(
        &self,
        labels: &BTreeMap<String, String>,
        traits: &Traits,
    ) -> Result<bool, MatchError> {
        if self.selector.matches(labels)? {
            return Ok(true);
        }
        match &self.expression {
            Some(expression) => evaluate(expression, labels, traits),
            None => Ok(false),
        }
    }
}

pub(super) fn evaluate(
    expression: &Result<LabelExpression, ExprError>,
    labels: &BTreeMap<String, String>,
    traits: &Traits,
) -> Result<bool, MatchError> {
    let expression = expression
        .as_ref()
        .map_err(|e| MatchError::Expression(e.clone()))?;
    expression
        .matches(labels, traits)
        .map_err(MatchError::Expression)
}
