//! What every page has: its head, its links, its look.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

/// The look; goes into the page, so that a saved page keeps it.
const STYLE: &str = include_str!("style.css");

/// A die, so that browsers ask for no icon.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' \
                    height='16' rx='4' fill='%230072b2'/%3E%3Cg fill='%23fff'%3E%3Ccircle cx='4.5' cy='4.5' r='1.6'/%3E%3Ccircle \
                    cx='8' cy='8' r='1.6'/%3E%3Ccircle cx='11.5' cy='11.5' r='1.6'/%3E%3C/g%3E%3C/svg%3E";

/// Nothing but this style and the icon: whatever else finds its way into a page does nothing.
pub(crate) static CONTENT_SECURITY_POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
});

/// The other pages and documents: (address, words).
const LINKS: [(&str, &str); 5] = [
    ("/", "Overview"),
    ("/docs", "API reference"),
    ("/openapi.json", "OpenAPI"),
    ("/asyncapi.json", "AsyncAPI"),
    ("/metrics", "Metrics"),
];

pub(super) fn page(title: &str, path: &str, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Monte Carlo Service" }
                link rel="icon" href=(ICON);
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header {
                    p.name { "Monte Carlo Service " small { (env!("CARGO_PKG_VERSION")) } }
                    nav aria-label="Pages and documents" {
                        ul {
                            @for (address, words) in LINKS {
                                li { a href=(address) aria-current=[(address == path).then_some("page")] { (words) } }
                            }
                        }
                    }
                }
                main id="main" { (main) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_cannot_end_its_own_element() {
        assert!(!STYLE.contains('<'));
    }
}
