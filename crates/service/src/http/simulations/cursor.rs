//! Where a list goes on, as text that callers pass back unread: hexadecimal, so that it needs no escaping and
//! nobody is tempted to build one.

use super::order::ID_CHARS_MAX;
use crate::http::hex;
use crate::jobs::ids::JobId;
use crate::store::Cursor;

/// Hex digits of the longest cursor: a time, a colon, and an id of 4-byte characters.
const CURSOR_CHARS_MAX: usize = 2 * (20 + 1 + 4 * ID_CHARS_MAX);

pub(super) fn encode(cursor: &Cursor) -> String {
    hex::encode(format!("{}:{}", cursor.created_at_ms, cursor.id).as_bytes())
}

pub(super) fn decode(text: &str) -> Option<Cursor> {
    let bytes = (text.len() <= CURSOR_CHARS_MAX).then(|| hex::decode(text)).flatten()?;
    let plain = String::from_utf8(bytes).ok()?;
    let (created_at_ms, id) = plain.split_once(':')?;
    let fits = !id.is_empty() && id.chars().count() <= ID_CHARS_MAX && !id.chars().any(char::is_control);
    let created_at_ms = created_at_ms.parse().ok()?;
    fits.then(|| Cursor { created_at_ms, id: JobId(id.to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn comes_back_as_it_was(created_at_ms: i64, id in "[^\\pC]{1,128}") {
            let cursor = Cursor { created_at_ms, id: JobId(id) };
            prop_assert_eq!(decode(&encode(&cursor)), Some(cursor));
        }

        #[test]
        fn takes_any_text_without_harm(text in ".*", hex in "[0-9a-f]{0,80}") {
            let _ = (decode(&text), decode(&hex));
        }
    }
}
