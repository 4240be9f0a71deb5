//! `verify`: whether the dump, and what is computed from it, can be believed.

use crate::table::{Report, Section, columns};
use schemars::JsonSchema;
use serde::Serialize;

/// A check.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Check {
    /// What is checked.
    pub check: String,
    /// Whether it is so.
    pub passed: bool,
    /// The figures.
    pub detail: String,
}

columns! { Check {
    "result" "passed" Text = |row| if row.passed { "ok" } else { "FAILED" };
    "check" "check" Text = |row| &row.check;
    "detail" "detail" Text = |row| &row.detail;
} }

/// What was checked.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Verify {
    /// Whether every check passed.
    pub passed: bool,
    /// The checks.
    pub checks: Vec<Check>,
}

impl From<Vec<Check>> for Verify {
    fn from(checks: Vec<Check>) -> Self {
        Self { passed: checks.iter().all(|check| check.passed), checks }
    }
}

impl Report for Verify {
    fn sections(&self) -> Vec<Section> {
        vec![Section::of_rows(&self.checks)]
    }
}
