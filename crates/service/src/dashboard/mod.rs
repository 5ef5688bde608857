//! Pages for people, rendered here: no script, nothing from elsewhere, readable without colour and at 320 pixels.
//!
//! Pure: what is shown comes in, with the time; markup goes out.

mod figures;
mod layout;
pub(crate) mod overview;
pub(crate) mod reference;

pub(crate) use figures::dollars;
pub(crate) use layout::CONTENT_SECURITY_POLICY;
