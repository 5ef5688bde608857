//! `/docs`: the OpenAPI document as a page.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::layout::page;

const SCHEMAS: &str = "#/components/schemas/";
const COMPONENTS: &str = "#/components/";

/// The page of an OpenAPI document.
pub(crate) fn render(document: &Value) -> Markup {
    let schemas = fields(&document["components"]["schemas"]);
    let main = html! {
        h1 { "API reference" }
        @for paragraph in text(&document["info"]["description"]).split("\n\n") { p { (words(paragraph)) } }
        @for tag in list(&document["tags"]) {
            section aria-labelledby=(text(&tag["name"])) {
                h2 id=(text(&tag["name"])) { (text(&tag["name"])) }
                p.quiet { (text(&tag["description"])) }
                @for (path, verbs) in fields(&document["paths"]) {
                    @for (verb, operation) in fields(verbs) {
                        @if list(&operation["tags"]).contains(&tag["name"]) { (self::operation(document, path, verb, operation)) }
                    }
                }
            }
        }
        section aria-labelledby="shapes" {
            h2 id="shapes" { "Shapes" }
            p.quiet { "What requests and answers are made of." }
            @for (name, schema) in schemas { (shape(name, schema)) }
        }
    };
    page("API reference", "/docs", &main)
}

fn operation(document: &Value, path: &str, verb: &str, operation: &Value) -> Markup {
    let parameters: Vec<_> = list(&operation["parameters"]).iter().map(|at| resolved(document, at)).collect();
    html! {
        article id=(text(&operation["operationId"])) {
            h3 { span class={ "verb " (verb) } { (verb.to_uppercase()) } " " code { (path) } }
            p { strong { (text(&operation["summary"])) } ". " (words(text(&operation["description"]))) }
            table role="table" {
                caption { "Parameters" }
                (head(&["Name", "Where", "Form", "Meaning"]))
                tbody role="rowgroup" { @for parameter in parameters {
                    tr role="row" {
                        th scope="row" role="rowheader" { code { (text(&parameter["name"])) } }
                        td role="cell" data-label="Where" { (text(&parameter["in"])) @if parameter["required"] == true { ", required" } }
                        td role="cell" data-label="Form" { (form(&parameter["schema"])) }
                        td role="cell" data-label="Meaning" { (words(text(&parameter["description"]))) }
                    }
                } }
            }
            @if let Some(body) = operation.get("requestBody") { (request(body)) }
            table role="table" {
                caption { "Answers" }
                (head(&["Status", "Body", "Meaning"]))
                tbody role="rowgroup" { @for (status, answer) in fields(&operation["responses"]) {
                    tr role="row" {
                        th scope="row" role="rowheader" { (status) }
                        td role="cell" data-label="Body" {
                            @for (kind, content) in fields(&answer["content"]) { (form(&content["schema"])) " " span.quiet { (kind) } }
                        }
                        td role="cell" data-label="Meaning" { (words(text(&answer["description"]))) }
                    }
                } }
            }
        }
    }
}

fn request(body: &Value) -> Markup {
    html! {
        @for (kind, content) in fields(&body["content"]) {
            p { "Body: " (form(&content["schema"])) ", " code { (kind) } ". " (words(text(&body["description"]))) "." }
            @for (name, example) in fields(&content["examples"]) {
                details {
                    summary { "Example: " (name) }
                    pre { (serde_json::to_string_pretty(&example["value"]).unwrap_or_default()) }
                }
            }
        }
    }
}

fn shape(name: &str, schema: &Value) -> Markup {
    let parts = list(&schema["allOf"]);
    let required =
        list(&schema["required"]).iter().chain(parts.iter().flat_map(|part| list(&part["required"])));
    let required: Vec<_> = required.map(text).collect();
    let properties =
        fields(&schema["properties"]).chain(parts.iter().flat_map(|part| fields(&part["properties"])));
    let properties: Vec<_> = properties.collect();
    html! {
        article id={ "shape-" (name) } {
            h3 { code { (name) } }
            p {
                (words(text(&schema["description"]))) " "
                @if properties.is_empty() { (form(schema)) }
                @for part in parts.iter().filter(|part| part["$ref"].is_string()) { "All of " (form(part)) ", and:" }
                @if schema["additionalProperties"] == false { " Other fields are refused." }
            }
            @if !properties.is_empty() {
                table role="table" {
                    caption { "Fields of " (name) }
                    (head(&["Field", "Form", "Meaning"]))
                    tbody role="rowgroup" { @for (field, schema) in properties {
                        tr role="row" {
                            th scope="row" role="rowheader" {
                                code { (field) } @if required.contains(&field.as_str()) { " " span.quiet { "always there" } }
                            }
                            td role="cell" data-label="Form" { (form(schema)) }
                            td role="cell" data-label="Meaning" { (words(described(schema))) }
                        }
                    } }
                }
            }
        }
    }
}

fn head(names: &[&str]) -> Markup {
    html! { thead role="rowgroup" { tr role="row" {
        @for name in names { th scope="col" role="columnheader" { (name) } }
    } } }
}

/// What a schema allows, in a few words.
fn form(schema: &Value) -> Markup {
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.strip_prefix(SCHEMAS)) {
        return html! { a href={ "#shape-" (name) } { (name) } };
    }
    if let Some(choices) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        return html! { @for (at, choice) in choices.iter().enumerate() { @if at > 0 { " or " } (form(choice)) } };
    }
    if let Some(values) = schema["enum"].as_array() {
        return html! { @for (at, value) in values.iter().enumerate() { @if at > 0 { ", " } code { (value) } } };
    }
    let kinds: Vec<_> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(text).collect(),
        kind => vec![text(kind)],
    };
    html! {
        (kinds.join(" or "))
        @if schema["format"] == "date-time" { ", ISO 8601" }
        @if schema["items"].is_object() { " of " (form(&schema["items"])) }
        @if schema["additionalProperties"].is_object() { " of " (form(&schema["additionalProperties"])) }
        @for range in ranges(schema) { ", " (range) }
    }
}

/// `1 to 200`, `above 0 to 1000`, `1 to 128 characters`.
fn ranges(schema: &Value) -> impl Iterator<Item = String> {
    let end = |spelled: &[(&str, &str)]| {
        let given = spelled.iter().find_map(|(keyword, word)| Some((word, schema.get(*keyword)?)));
        given.map_or_else(String::new, |(word, limit)| format!("{word}{limit}"))
    };
    [
        (
            end(&[("minimum", ""), ("exclusiveMinimum", "above ")]),
            end(&[("maximum", "to "), ("exclusiveMaximum", "below ")]),
            "",
        ),
        (end(&[("minLength", "")]), end(&[("maxLength", "to ")]), " characters"),
        (end(&[("minItems", "")]), end(&[("maxItems", "up to ")]), " entries"),
    ]
    .into_iter()
    .filter(|(least, most, _)| !(least.is_empty() && most.is_empty()))
    .map(|(least, most, what)| match (least.as_str(), most.as_str()) {
        (least, "") if !least.starts_with("above") => format!("at least {least}{what}"),
        (least, most) => format!("{}{what}", format!("{least} {most}").trim()),
    })
}

/// A schema's own description, or that of the one choice which has one.
fn described(schema: &Value) -> &str {
    let choices = list(&schema["oneOf"]).iter().map(|choice| text(&choice["description"]));
    std::iter::once(text(&schema["description"]))
        .chain(choices)
        .find(|words| !words.is_empty())
        .unwrap_or_default()
}

/// Text whose `code` is set as such.
fn words(text: &str) -> Markup {
    html! { @for (at, part) in text.split('`').enumerate() { @if at % 2 == 1 { code { (part) } } @else { (part) } } }
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let name = value["$ref"].as_str().and_then(|name| name.strip_prefix(COMPONENTS));
    name.and_then(|name| document["components"].pointer(&format!("/{name}"))).unwrap_or(value)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn fields(value: &Value) -> serde_json::map::Iter<'_> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    value.as_object().unwrap_or(&NONE).iter()
}
