//! What one environment variable is: the row of the README's table and the rule that its reader obeys.

/// What holds where a variable is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Nothing does: the service does not start.
    Required,
    /// The value that would be read, in the variable's own form, so that no default escapes validation.
    Value(&'static str),
    /// The feature behind it stays off.
    Nothing,
    /// Found out at start, as described.
    Found(&'static str),
}

/// Who decided that the variable exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The specification: name and default are fixed.
    Specification,
    /// Us.
    Ours,
}

/// One environment variable. Each is declared beside the struct that it fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    pub name: &'static str,
    pub default: Preset,
    /// What a value must be; completes "expected …".
    pub expected: &'static str,
    /// What it is for; one sentence, Markdown.
    pub meaning: &'static str,
    /// Its value is shown nowhere: no log, no message, no `Debug`.
    pub secret: bool,
    pub source: Source,
}

impl Variable {
    /// A variable of the specification.
    pub(super) const fn specified(
        name: &'static str,
        default: Preset,
        expected: &'static str,
        meaning: &'static str,
    ) -> Self {
        Self { name, default, expected, meaning, secret: false, source: Source::Specification }
    }

    /// A variable of ours.
    pub(super) const fn ours(
        name: &'static str,
        default: Preset,
        expected: &'static str,
        meaning: &'static str,
    ) -> Self {
        Self { name, default, expected, meaning, secret: false, source: Source::Ours }
    }

    /// The same variable, its value never shown.
    pub(super) const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }
}
