//! The exponential function without a branch, so that a compiler computes many side by side: the same bits one by one and
//! in vectors of any width.

/// Arguments are held within ± this: no balance is finite beyond, or more than nothing below.
const FAR: f64 = 600.0;

/// 1.5 · 2⁵²: what is added to it is rounded to a whole number, half to even, which stands in its lowest bits.
const WHOLE: f64 = 6_755_399_441_055_744.0;

/// ln 2 in two parts; the first ends in so many zeros that its product with a whole number up to 2¹⁰ is exact.
const LN_2_HIGH: f64 = f64::from_bits(0x3FE6_2E42_FEE0_0000);
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// `e^x`, with an error of at most about one unit in the last place; held at `e^±600` beyond.
///
/// `x = k · ln 2 + r` with a whole `k` and `|r| <= ln 2 / 2`; `e^r` by Taylor's series up to `r¹³ / 13!`, whose rest is
/// below 2⁻⁵⁷; and `2^k` by its bits.
#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    let x = x.clamp(-FAR, FAR);
    let shifted = x * std::f64::consts::LOG2_E + WHOLE;
    let k = shifted - WHOLE;
    let r = (x - k * LN_2_HIGH) - k * LN_2_LOW;
    let (r2, one) = (r * r, 1.0);
    let (r4, r8) = (r2 * r2, (r2 * r2) * (r2 * r2));
    let to_r5 = (one / 2.0 + r * (one / 6.0)) + r2 * (one / 24.0 + r * (one / 120.0));
    let to_r9 = (one / 720.0 + r * (one / 5_040.0)) + r2 * (one / 40_320.0 + r * (one / 362_880.0));
    let to_r13 = (one / 3_628_800.0 + r * (one / 39_916_800.0))
        + r2 * (one / 479_001_600.0 + r * (one / 6_227_020_800.0));
    let e_to_r = 1.0 + (r + r2 * (to_r5 + (r4 * to_r9 + r8 * to_r13)));
    // The lowest bits of `shifted` are k; shifted up they become the exponent's.
    e_to_r * f64::from_bits(shifted.to_bits().wrapping_add(1_023) << 52)
}

/// The nearest whole number, half to even; exact for sizes below 2⁵¹.
#[inline(always)]
pub(crate) fn whole(x: f64) -> f64 {
    (x + WHOLE) - WHOLE
}

/// A whole number below 2⁵¹ in size as an integer, without a branch.
#[inline(always)]
pub(crate) fn whole_number(x: f64) -> i64 {
    (x + WHOLE).to_bits().wrapping_sub(WHOLE.to_bits()).cast_signed()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, prop_assert, proptest};

    use super::{FAR, LN_2_HIGH, LN_2_LOW, exp, whole};

    /// The distance of two positive numbers in units of the last place.
    fn ulps(a: f64, b: f64) -> u64 {
        a.to_bits().abs_diff(b.to_bits())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn is_the_exponential_to_about_a_unit_in_the_last_place(x in -FAR..FAR, small in -0.5_f64..0.5) {
            // Each is off by at most about one.
            prop_assert!(ulps(exp(x), libm::exp(x)) <= 2, "{x}");
            prop_assert!(ulps(exp(small), libm::exp(small)) <= 2, "{small}");
        }
    }

    #[test]
    fn is_exact_where_a_balance_stays_and_held_where_none_is_finite() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(1e9), exp(FAR));
        assert_eq!(exp(-1e9), exp(-FAR));
        assert!(exp(-FAR) < 1e-250 && exp(FAR) > 1e250);
        assert_eq!(LN_2_HIGH + LN_2_LOW, std::f64::consts::LN_2);
    }

    #[test]
    fn rounds_half_to_even() {
        let cases =
            [(0.5, 0.0), (1.5, 2.0), (2.5, 2.0), (-1.5, -2.0), (0.499_999, 0.0), (2e14 + 0.75, 2e14 + 1.0)];
        for (x, expected) in cases {
            assert_eq!(whole(x), expected, "{x}");
        }
    }
}
