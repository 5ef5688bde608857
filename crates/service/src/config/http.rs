//! Where the service listens.

use std::net::{IpAddr, SocketAddr};

use super::faults::ConfigFaults;
use super::forms::number;
use super::reader::{Lookup, Reader};
use super::variable::{Preset, Variable};

pub const PORT: Variable = Variable::specified(
    "PORT",
    Preset::Value("3002"),
    "a port from 0 to 65535",
    "Service port; 0 takes any free one and says which in the log.",
);
pub const HOST: Variable = Variable::ours(
    "HOST",
    Preset::Value("0.0.0.0"),
    "an IP address",
    "Address to listen on; `::` for IPv6 too.",
);

/// HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpConfig {
    pub host: IpAddr,
    pub port: u16,
}

impl HttpConfig {
    /// These variables alone, for a command that needs no others.
    ///
    /// # Errors
    /// Those of them that are wrong, together.
    pub fn from_lookup(lookup: &Lookup<'_>) -> Result<Self, ConfigFaults> {
        let reader = Reader::new(lookup);
        let config = Self::read(&reader);
        reader.finish(config)
    }

    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        let host = reader.read(&HOST, |text| text.parse().ok());
        let port = reader.read(&PORT, number(0..=u16::MAX));
        Some(Self { host: host?, port: port? })
    }

    /// Both.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}
