//! Where the values of a role's lists come from.

use crate::rbac::Traits;
use crate::rbac::template::{TemplateError, interpolate, traits_of};

/// One entry of a list as the role has it, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// As written, e.g. `{{internal.db_users}}`.
    pub written: String,
    /// What it stands for; the entry itself unless it is a template.
    pub values: Vec<String>,
    /// The traits it takes its text from.
    pub traits: Vec<String>,
    /// Why it stands for nothing.
    pub problem: Option<TemplateError>,
}

impl Origin {
    /// Whether traits decide what it stands for.
    #[must_use]
    pub fn is_template(&self) -> bool {
        self.problem.is_some() || self.values.len() != 1 || self.values[0] != self.written
    }
}

/// Explains one entry.
pub(super) fn origin(written: &str, traits: &Traits) -> Origin {
    let (values, problem) = match interpolate(written, traits) {
        Ok(values) => (values, None),
        Err(problem) => (Vec::new(), Some(problem)),
    };
    Origin {
        written: written.to_owned(),
        values,
        traits: traits_of(written),
        problem,
    }
}

/// Explains a list.
pub(super) fn explain(written: &[String], traits: &Traits) -> Vec<Origin> {
    written.iter().map(|entry| origin(entry, traits)).collect()
}
