//! How the brokers know us, and we them.

use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::reader::Reader;
use super::variable::{Preset, Variable};
use crate::kafka::msk_iam::Tokens;
use crate::kafka::security::Security;

/// The largest file of certificates that is read; all of the web's roots are a quarter of it.
const CA_FILE_BYTES_MAX: u64 = 1 << 20;

pub const KAFKA_SECURITY: Variable = Variable::ours(
    "KAFKA_SECURITY",
    Preset::Value("plaintext"),
    "`plaintext`, `tls`, `scram` or `msk-iam`",
    "How brokers are spoken to; `scram` is SASL/SCRAM-SHA-512 over TLS, `msk-iam` Amazon MSK with the credentials of AWS's \
     default chain (builds with the Cargo feature `msk-iam`).",
);
pub const KAFKA_CA_FILE: Variable = Variable::ours(
    "KAFKA_CA_FILE",
    Preset::Nothing,
    "a file of PEM certificates",
    "The authorities that signed the brokers' certificates, instead of the system's.",
);
pub const KAFKA_USERNAME: Variable =
    Variable::ours("KAFKA_USERNAME", Preset::Nothing, "any text", "User for `scram`.");
pub const KAFKA_PASSWORD: Variable =
    Variable::ours("KAFKA_PASSWORD", Preset::Nothing, "any text", "Password for `scram`.").secret();

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plaintext,
    Tls,
    Scram,
    MskIam,
}

/// What is set beside a kind that has no use for it is a fault: whoever set it believes in a protection that is not there.
pub(super) fn read(reader: &Reader<'_>, region: Option<&str>) -> Option<Security> {
    let kind = reader.read(&KAFKA_SECURITY, kind);
    let ca_file = reader.read_optional(&KAFKA_CA_FILE, ca_file);
    let username = reader.read_optional(&KAFKA_USERNAME, |text| Some(text.to_owned()))?;
    let password: Option<SecretString> = reader.read_optional(&KAFKA_PASSWORD, |text| Some(text.into()))?;
    let (kind, ca_file) = (kind?, ca_file?);

    let unwanted = |variable: &Variable, wanted_by: &str| {
        reader.at_odds(
            variable,
            format!("is set, but KAFKA_SECURITY is not {wanted_by}, so it would not be used"),
        );
    };
    if kind == Kind::Plaintext && ca_file.is_some() {
        unwanted(&KAFKA_CA_FILE, "tls, scram or msk-iam");
    }
    if kind != Kind::Scram {
        for (variable, is_set) in
            [(&KAFKA_USERNAME, username.is_some()), (&KAFKA_PASSWORD, password.is_some())]
        {
            if is_set {
                unwanted(variable, "scram");
            }
        }
    }
    match kind {
        Kind::Plaintext => Some(Security::Plaintext),
        Kind::Tls => Some(Security::Tls { ca_file }),
        Kind::Scram => {
            for (variable, is_set) in
                [(&KAFKA_USERNAME, username.is_some()), (&KAFKA_PASSWORD, password.is_some())]
            {
                if !is_set {
                    reader.at_odds(variable, "required where KAFKA_SECURITY is scram");
                }
            }
            Some(Security::Scram { ca_file, username: username?, password: password? })
        }
        Kind::MskIam if cfg!(feature = "msk-iam") => {
            Some(Security::MskIam { ca_file, tokens: Tokens::new(region?) })
        }
        Kind::MskIam => {
            let message =
                "msk-iam is not in this program; build it with `cargo build --release --features msk-iam`";
            reader.at_odds(&KAFKA_SECURITY, message);
            None
        }
    }
}

fn kind(text: &str) -> Option<Kind> {
    match text {
        "plaintext" => Some(Kind::Plaintext),
        "tls" => Some(Kind::Tls),
        "scram" => Some(Kind::Scram),
        "msk-iam" => Some(Kind::MskIam),
        _ => None,
    }
}

/// Looked into at start: the client library would only say that it "failed".
fn ca_file(text: &str) -> Option<PathBuf> {
    let path = Path::new(text);
    let is_small = std::fs::metadata(path).is_ok_and(|file| file.len() <= CA_FILE_BYTES_MAX);
    let holds_certificates = || {
        std::fs::read(path)
            .is_ok_and(|pem| String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----"))
    };
    (is_small && holds_certificates()).then(|| path.to_owned())
}
