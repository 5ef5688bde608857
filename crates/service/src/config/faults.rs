//! What is wrong with the environment, all of it at once: whoever mends a deployment should need one try.

use std::fmt;

use super::variable::{Preset, Variable};

/// The most characters of a wrong value that are shown.
const SHOWN_CHARS_MAX: usize = 80;

/// One variable that is wrong or missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    /// Its name.
    pub variable: &'static str,
    /// A sentence for a person; holds no secret.
    pub message: String,
}

/// Every variable that is wrong or missing, in the order in which the topics read them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigFaults {
    pub faults: Vec<ConfigFault>,
}

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.faults.len() {
            1 => writeln!(f, "1 environment variable is wrong:")?,
            count => writeln!(f, "{count} environment variables are wrong:")?,
        }
        for (at, fault) in self.faults.iter().enumerate() {
            let end = if at + 1 < self.faults.len() { "\n" } else { "" };
            write!(f, "  {}: {}{end}", fault.variable, fault.message)?;
        }
        Ok(())
    }
}

impl ConfigFault {
    /// `given` was not what `variable` expects.
    pub(super) fn wrong(variable: &Variable, given: &str) -> Self {
        let given = if variable.secret { "a value that is not shown".to_owned() } else { shown(given) };
        let message = format!("expected {}, got {given}", variable.expected);
        Self { variable: variable.name, message }
    }

    /// `variable` does not go with the others; `message` says what would, and holds no value.
    pub(super) fn at_odds(variable: &Variable, message: String) -> Self {
        Self { variable: variable.name, message }
    }

    /// `variable` is required and absent.
    pub(super) fn missing(variable: &Variable) -> Self {
        debug_assert_eq!(variable.default, Preset::Required);
        Self { variable: variable.name, message: format!("required, expected {}", variable.expected) }
    }
}

/// Quoted and cut; credentials that somebody put into a URL are blanked even where the variable is no secret.
fn shown(given: &str) -> String {
    let blanked = match (given.find("://"), given.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 <= at => {
            format!("{}[hidden]{}", &given[..scheme + 3], &given[at..])
        }
        _ => given.to_owned(),
    };
    match blanked.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((cut, _)) => format!("{:?}…", &blanked[..cut]),
        None => format!("{blanked:?}"),
    }
}
