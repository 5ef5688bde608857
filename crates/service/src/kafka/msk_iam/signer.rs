//! Signs tokens with the credentials that AWS's default chain finds: environment, profile, web identity (IRSA),
//! container, instance.

use async_trait::async_trait;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_msk_iam_sasl_signer::generate_auth_token_from_credentials_provider;

use super::{Token, TokenSource};

/// Signs offline; only fetching credentials may need the network.
#[derive(Debug)]
pub struct Signer {
    region: Region,
    credentials: Option<SharedCredentialsProvider>,
}

impl Signer {
    /// With the credentials of the default chain, which are cached and renewed there.
    pub async fn by_default_chain(region: &str) -> Self {
        let region = Region::new(region.to_owned());
        let aws = aws_config::defaults(BehaviorVersion::latest()).region(region.clone()).load().await;
        Self { region, credentials: aws.credentials_provider() }
    }

    /// With credentials of the caller's.
    pub fn new(region: &str, credentials: SharedCredentialsProvider) -> Self {
        Self { region: Region::new(region.to_owned()), credentials: Some(credentials) }
    }
}

#[async_trait]
impl TokenSource for Signer {
    async fn token(&self) -> Result<Token, String> {
        let credentials =
            self.credentials.clone().ok_or_else(|| "AWS's default chain is empty".to_owned())?;
        let (text, expires_at_ms) =
            generate_auth_token_from_credentials_provider(self.region.clone(), credentials)
                .await
                .map_err(|error| format!("no AWS credentials: {error}"))?;
        Ok(Token { text: text.into(), expires_at_ms })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use aws_credential_types::Credentials;
    use reqwest::Url;
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::telemetry::clock::now_ms;

    /// The token's URL, out of its base64 (RFC 4648 §5, without padding).
    fn url_of(token: &str) -> Url {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
        for letter in token.bytes() {
            let value = alphabet.iter().position(|known| *known == letter).expect("base64url");
            bits = bits << 6 | u32::try_from(value).unwrap();
            count += 6;
            if count >= 8 {
                count -= 8;
                bytes.push((bits >> count & 0xff) as u8);
            }
        }
        String::from_utf8(bytes).expect("text").parse().expect("a URL")
    }

    #[tokio::test]
    async fn a_token_is_a_signed_url_to_connect_to_the_regions_kafka() {
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let credentials = Credentials::new("AKIDEXAMPLE", secret, Some("session-1".into()), None, "a test");
        let signer = Signer::new("ap-southeast-2", SharedCredentialsProvider::new(credentials));
        let before_ms = now_ms();
        let token = signer.token().await.expect("signs offline");

        let url = url_of(token.text.expose_secret());
        assert_eq!((url.scheme(), url.host_str()), ("https", Some("kafka.ap-southeast-2.amazonaws.com")));
        let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!(query["Action"], "kafka-cluster:Connect");
        assert_eq!(query["X-Amz-Algorithm"], "AWS4-HMAC-SHA256");
        assert_eq!(query["X-Amz-Expires"], "900");
        assert_eq!(query["X-Amz-Security-Token"], "session-1");
        assert_eq!(query["X-Amz-Signature"].len(), 64);
        let date = &query["X-Amz-Date"];
        let scope = format!("AKIDEXAMPLE/{}/ap-southeast-2/kafka-cluster/aws4_request", &date[..8]);
        assert_eq!(query["X-Amz-Credential"], scope);
        assert!(query["User-Agent"].starts_with("aws-msk-iam-sasl-signer"), "{}", query["User-Agent"]);

        // X-Amz-Date counts seconds.
        let life_ms = token.expires_at_ms - before_ms;
        assert!((899_000..1_000_000).contains(&life_ms), "{life_ms}");
        let text = url.to_string();
        assert!(!text.contains(secret) && !text.contains("K7MDENG"), "{text}");
    }

    #[tokio::test]
    async fn without_credentials_it_says_so() {
        let signer = Signer { region: Region::new("eu-west-1"), credentials: None };
        assert!(signer.token().await.unwrap_err().contains("default chain"));
    }
}
