//! Reads variables and collects faults instead of stopping at the first.

use std::cell::RefCell;

use super::faults::{ConfigFault, ConfigFaults};
use super::variable::{Preset, Variable};

/// Where values come from: the process environment in `main`, a map in tests.
pub type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Passed from topic to topic; every topic reads all that it can, and only then says that it has no struct.
pub(super) struct Reader<'a> {
    lookup: &'a Lookup<'a>,
    faults: RefCell<Vec<ConfigFault>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(lookup: &'a Lookup<'a>) -> Self {
        Self { lookup, faults: RefCell::default() }
    }

    /// The variable's value, or its default, as `parse` understands it; `None` once a fault is noted.
    pub(super) fn read<T>(&self, variable: &Variable, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        match (self.given(variable), variable.default) {
            (Some(given), _) => self.noted(variable, &given, parse(&given)),
            (None, Preset::Value(default)) => self.noted(variable, default, parse(default)),
            (None, _) => {
                self.faults.borrow_mut().push(ConfigFault::missing(variable));
                None
            }
        }
    }

    /// The variable's value, or `Some(None)` where it is absent; `None` once a fault is noted.
    pub(super) fn read_optional<T>(
        &self,
        variable: &Variable,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.given(variable) {
            Some(given) => self.noted(variable, &given, parse(&given)).map(Some),
            None => Some(None),
        }
    }

    /// Notes that a variable does not go with the others.
    pub(super) fn at_odds(&self, variable: &Variable, message: impl Into<String>) {
        self.faults.borrow_mut().push(ConfigFault::at_odds(variable, message.into()));
    }

    /// Ends the reading: `config` if nothing was wrong.
    pub(super) fn finish<T>(self, config: Option<T>) -> Result<T, ConfigFaults> {
        let faults = self.faults.into_inner();
        match config {
            Some(config) if faults.is_empty() => Ok(config),
            _ => Err(ConfigFaults { faults }),
        }
    }

    /// White space round a value is a slip of whoever wrote the manifest; what is left empty counts as absent.
    fn given(&self, variable: &Variable) -> Option<String> {
        (self.lookup)(variable.name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn noted<T>(&self, variable: &Variable, given: &str, parsed: Option<T>) -> Option<T> {
        if parsed.is_none() {
            self.faults.borrow_mut().push(ConfigFault::wrong(variable, given));
        }
        parsed
    }
}
