//! The forms that several variables share; each answers `None` to whatever is not of its form.

use std::ops::RangeInclusive;

use reqwest::Url;

/// The longest host name (RFC 1035).
const HOST_CHARS_MAX: usize = 253;
/// The longest name of a Kafka client, group or topic; 249 is the broker's limit for topics.
const NAME_CHARS_MAX: usize = 249;

/// A whole number within `range`.
pub(super) fn number<T: std::str::FromStr + PartialOrd>(
    range: RangeInclusive<T>,
) -> impl Fn(&str) -> Option<T> {
    move |text| text.parse().ok().filter(|number| range.contains(number))
}

/// `true` or `false`.
pub(super) fn truth(text: &str) -> Option<bool> {
    text.parse().ok()
}

/// A host name or an IP address.
pub(super) fn host(text: &str) -> Option<String> {
    let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    (text.len() <= HOST_CHARS_MAX && text.chars().all(usable)).then(|| text.to_owned())
}

/// `host:port`; an IPv6 address stands in brackets.
pub(super) fn host_and_port(text: &str) -> Option<String> {
    let (name, port) = text.rsplit_once(':')?;
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let unbracketed = bare.is_none() && name.contains([':', '[', ']']);
    (!name.is_empty() && !unbracketed).then_some(())?;
    number(1..=u16::MAX)(port)?;
    host(name).map(|_| text.to_owned())
}

/// A name that Kafka takes.
pub(super) fn kafka_name(text: &str) -> Option<String> {
    let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (text.len() <= NAME_CHARS_MAX && text.chars().all(usable)).then(|| text.to_owned())
}

/// An `http` or `https` base URL. Credentials in it would end in logs, a query would swallow the path that is
/// appended: both are refused.
pub(super) fn base_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    (matches!(url.scheme(), "http" | "https") && url.has_host() && plain).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_need_a_host_and_a_port() {
        for good in ["localhost:9092", "10.0.0.1:1", "[::1]:9092", "b-1.x_y.kafka.aws:65535"] {
            assert_eq!(host_and_port(good).as_deref(), Some(good));
        }
        for bad in [
            "localhost",
            "localhost:",
            ":9092",
            "localhost:0",
            "localhost:65536",
            "::1:9092",
            "a b:1",
            "http://a:1",
        ] {
            assert_eq!(host_and_port(bad), None, "{bad}");
        }
    }

    #[test]
    fn base_urls_hold_nothing_but_scheme_host_port_and_path() {
        for good in ["http://core-service", "https://core.example:8443/api/"] {
            assert!(base_url(good).is_some(), "{good}");
        }
        for bad in
            ["core-service", "ftp://core", "http://", "http://u:p@core", "http://core?x=1", "http://core#x"]
        {
            assert_eq!(base_url(bad), None, "{bad}");
        }
    }
}
