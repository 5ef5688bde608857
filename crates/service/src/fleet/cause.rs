//! Why Redis cannot be used, in a sentence that names the variable to mend; no address and no secret in it.

use redis::{ErrorKind, RedisError};

/// For `/ready?verbose=1` and the log.
pub(super) fn told(error: &RedisError) -> String {
    let text = error.to_string();
    let has = |part: &str| text.contains(part);
    if error.kind() == ErrorKind::AuthenticationFailed {
        "it refuses the login; check REDIS_PASSWORD and REDIS_USER".to_owned()
    } else if has("NOAUTH") || has("Authentication required") {
        "it asks for a password; set REDIS_PASSWORD".to_owned()
    } else if has("UnknownIssuer") || has("CaUsedAsEndEntity") {
        "its certificate is from an authority that is not trusted; check REDIS_CA_FILE".to_owned()
    } else if has("certificate") {
        format!("its certificate is not accepted; check REDIS_HOST and REDIS_CA_FILE: {text}")
    } else if has("Connection reset") {
        // What a server that speaks TLS alone does to whoever does not.
        format!("{text}; if it speaks TLS, set REDIS_TLS=true")
    } else {
        text
    }
}
