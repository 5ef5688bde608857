//! Money as integers, and the bounds within which all later arithmetic is exact.

/// One unit is 10⁻⁴ US dollars.
pub(crate) const UNITS_PER_DOLLAR: f64 = 10_000.0;

/// The largest amount, in US dollars, that an input or a rule may name: ten billion.
pub(crate) const MAX_DOLLARS: f64 = 1e10;

/// Final balances are clamped to ± this many units (about 28 billion dollars), so that the squares of 10⁸ paths add
/// up below 2¹²⁷; what was clamped is counted and warned about.
pub(crate) const MAX_BALANCE: i64 = 1 << 48;

/// US dollars to the nearest unit.
#[inline(always)]
pub(crate) fn units(dollars: f64) -> i64 {
    (dollars * UNITS_PER_DOLLAR).round() as i64
}

/// Units to US dollars.
#[inline(always)]
pub(crate) fn dollars(units: i64) -> f64 {
    units as f64 / UNITS_PER_DOLLAR
}
