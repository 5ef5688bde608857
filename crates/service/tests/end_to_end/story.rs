//! The five hundred events of the story: passed, failed and abandoned traders, duplicates, poison.

use monte_carlo_service::sample_core::book::Book;

use crate::topics::Outgoing;

pub(crate) const PASSED: usize = 340;
const FAILED: usize = 60;
const ABANDONED: usize = 30;
const DUPLICATES: usize = 55;
pub(crate) const POISON: usize = 15;

/// The traders behind the events; the same every time.
pub(crate) fn book() -> Book {
    Book::generated(PASSED, FAILED, ABANDONED, 7)
}

/// The events in the order in which the platform sends them: a duplicate follows its original at some distance, and
/// poison lies in between.
pub(crate) fn events(book: &Book) -> Vec<Outgoing> {
    let mut story: Vec<Outgoing> = book
        .events()
        .into_iter()
        .map(|event| Outgoing {
            key: Some(event.key),
            payload: event.payload.into_bytes(),
            headers: event.headers,
        })
        .collect();
    for index in 0..DUPLICATES {
        let original = &story[index * 3];
        let copy = Outgoing {
            key: original.key.clone(),
            payload: original.payload.clone(),
            headers: original.headers.clone(),
        };
        story.insert(index * 7 + 40, copy);
    }
    for index in 0..POISON {
        story.insert(index * 31 + 5, poison(index));
    }
    assert_eq!(story.len(), 500);
    story
}

fn poison(index: usize) -> Outgoing {
    let payload = match index % 5 {
        0 => b"not json at all".to_vec(),
        1 => br#"{"status":"passed"}"#.to_vec(),
        2 => br#"{"assessmentId":12,"status":"passed"}"#.to_vec(),
        3 => vec![0xff, 0xfe, 0x00],
        _ => format!(r#"{{"assessmentId":"big","status":"passed","x":"{}"}}"#, "x".repeat(300 * 1024))
            .into_bytes(),
    };
    // A broker may hold the same bytes twice; each is a message of its own.
    Outgoing { key: index.is_multiple_of(2).then(|| format!("poison-{index}")), payload, headers: Vec::new() }
}
