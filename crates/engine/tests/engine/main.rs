//! What the engine promises, tested from outside: one binary, so that the shared accounts are compiled once.

mod platform_rules;
mod support;
