//! How the clients and the brokers know each other. Every client of this room is made with it.

use std::path::PathBuf;

use rdkafka::ClientConfig;
use rdkafka::client::OAuthToken;
use secrecy::{ExposeSecret, SecretString};
use tokio_util::sync::CancellationToken;

use super::msk_iam::Tokens;
use crate::telemetry::clock;

/// How the connection is secured. `Debug` shows no secret.
#[derive(Clone, Debug, Default)]
pub enum Security {
    /// Not at all.
    #[default]
    Plaintext,
    /// TLS: the broker shows a certificate, we are nobody.
    Tls { ca_file: Option<PathBuf> },
    /// TLS, and we by a password that never travels (SASL/SCRAM-SHA-512).
    Scram { ca_file: Option<PathBuf>, username: String, password: SecretString },
    /// TLS, and we by a token that is signed with AWS credentials (Amazon MSK, SASL/OAUTHBEARER).
    MskIam { ca_file: Option<PathBuf>, tokens: Tokens },
}

impl Security {
    /// Starts what renews credentials that run out, until `stop`. Call it before the first client is made.
    pub fn keep_fresh(&self, stop: &CancellationToken) {
        match self {
            Self::Plaintext | Self::Tls { .. } | Self::Scram { .. } => {}
            Self::MskIam { tokens, .. } => tokens.keep_fresh(stop),
        }
    }

    /// What the client library is told.
    pub(super) fn configure(&self, config: &mut ClientConfig) {
        let (protocol, mechanism, ca_file) = match self {
            Self::Plaintext => return,
            Self::Tls { ca_file } => ("ssl", None, ca_file),
            Self::Scram { ca_file, username, password } => {
                config.set("sasl.username", username).set("sasl.password", password.expose_secret());
                ("sasl_ssl", Some("SCRAM-SHA-512"), ca_file)
            }
            Self::MskIam { ca_file, .. } => ("sasl_ssl", Some("OAUTHBEARER"), ca_file),
        };
        config.set("security.protocol", protocol);
        if let Some(mechanism) = mechanism {
            config.set("sasl.mechanism", mechanism);
        }
        // The OpenSSL that we are built with looks where it was built; the places where systems keep their roots are
        // only tried when asked for.
        match ca_file {
            Some(file) => config.set("ssl.ca.location", file.to_string_lossy()),
            None => config.set("ssl.ca.location", "probe"),
        };
    }

    /// What the client library asks for when it speaks OAUTHBEARER; it asks again after four fifths of the token's life.
    pub(super) fn oauth_token(&self) -> Result<OAuthToken, String> {
        match self {
            Self::Plaintext | Self::Tls { .. } | Self::Scram { .. } => {
                Err("this connection has no tokens".to_owned())
            }
            Self::MskIam { tokens, .. } => {
                let token = tokens.current(clock::now_ms())?;
                Ok(OAuthToken {
                    token: token.text.expose_secret().to_owned(),
                    // MSK reads who we are from the token; the library insists on a name.
                    principal_name: "monte-carlo-service".to_owned(),
                    lifetime_ms: token.expires_at_ms,
                })
            }
        }
    }
}
