//! The statements that the store's sources hold, so that none is forgotten: one that is written tomorrow is missed by
//! name.

use std::path::Path;

/// Panics where a statement of `files` (all of `store/sql`, but for `except`) is in no text of `sent`.
pub(super) fn assert_all_were_sent(sent: &[String], except: &[&str]) {
    let sent: Vec<String> = sent.iter().map(|text| words(text)).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/sql");
    let mut missed = Vec::new();
    let mut seen = 0;
    for file in
        std::fs::read_dir(folder).expect("the store's sources").map(|file| file.expect("a file").path())
    {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        if except.contains(&name.as_str()) {
            continue;
        }
        let source = std::fs::read_to_string(&file).expect("a source");
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        for template in literals(source).iter().filter(|literal| is_statement(literal)) {
            seen += 1;
            if !sent.iter().any(|text| is_of(text, template)) {
                missed.push(format!("{name}: {}", words(template)));
            }
        }
    }
    assert!(seen > 40, "the sources hold {seen} statements; are they read?");
    assert!(missed.is_empty(), "never sent; add them to the tour:\n{}", missed.join("\n"));
}

/// Whether the parts of a template, between its placeholders, follow each other in `text`.
fn is_of(text: &str, template: &str) -> bool {
    let mut rest = text;
    for part in template.split('{').map(|part| part.split_once('}').map_or(part, |(_, after)| after)) {
        let part = words(part);
        match rest.find(&part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_statement(literal: &str) -> bool {
    let mut words = literal.split_whitespace();
    let verb = words.next().unwrap_or_default();
    words.next().is_some() && ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "DROP"].contains(&verb)
}

/// The string literals of a source; comments aside.
fn literals(source: &str) -> Vec<String> {
    let mut literals = Vec::new();
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let source = lines.collect::<Vec<_>>().join("\n").replace("\\\"", "'").replace("'\"'", "");
    for literal in source.split('"').skip(1).step_by(2) {
        literals.push(literal.to_owned());
    }
    literals
}
