//! Whole numbers as JSON knows them: `5` and `5.0` are the same number (JSON Schema 2020-12, §6.1.1 "integer"), and
//! writers in languages with one kind of number may send either.

use std::fmt;

use serde::de::{self, Deserializer, Unexpected, Visitor};

/// Doubles are exact up to here.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// A whole number that fits into `T`, or `null`.
pub(crate) fn or_null<'de, D: Deserializer<'de>, T: TryFrom<u64>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    struct WholeOrNull;
    impl<'de> Visitor<'de> for WholeOrNull {
        type Value = Option<u64>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(EXPECTED)
        }
        fn visit_unit<E: de::Error>(self) -> Result<Option<u64>, E> {
            Ok(None)
        }
        fn visit_none<E: de::Error>(self) -> Result<Option<u64>, E> {
            Ok(None)
        }
        fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<u64>, D::Error> {
            deserializer.deserialize_any(self)
        }
        fn visit_u64<E: de::Error>(self, number: u64) -> Result<Option<u64>, E> {
            Ok(Some(number))
        }
        fn visit_i64<E: de::Error>(self, number: i64) -> Result<Option<u64>, E> {
            let whole =
                u64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))?;
            Ok(Some(whole))
        }
        fn visit_f64<E: de::Error>(self, number: f64) -> Result<Option<u64>, E> {
            if number.fract() == 0.0 && (0.0..=WHOLE_MAX).contains(&number) {
                Ok(Some(number as u64))
            } else {
                Err(E::invalid_value(Unexpected::Float(number), &self))
            }
        }
    }
    let whole = deserializer.deserialize_any(WholeOrNull)?;
    whole.map(|number| T::try_from(number).map_err(|_| out_of_range(number))).transpose()
}

/// A whole number that fits into `T`.
pub(crate) fn required<'de, D: Deserializer<'de>, T: TryFrom<u64>>(deserializer: D) -> Result<T, D::Error> {
    or_null(deserializer)?.ok_or_else(|| de::Error::invalid_type(Unexpected::Unit, &EXPECTED))
}

const EXPECTED: &str = "a whole number, not negative";

fn out_of_range<E: de::Error>(number: u64) -> E {
    E::invalid_value(Unexpected::Unsigned(number), &"a whole number within the range of its field")
}
