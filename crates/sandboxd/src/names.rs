//! Names instead of paths: the server never tells sandboxd where something is, only what it is called. And the form of
//! the networks and of the host's ports that it names.

use std::net::Ipv4Addr;
use std::str::FromStr;

use crate::error::{Error, Result};

/// Throws `BadRequest` that names the member `what` where `name` is none.
pub fn check_name(what: &str, name: &str) -> Result<()> {
    if is_name(name) {
        Ok(())
    } else {
        Err(Error::bad_request(format!("{what}: not a name")))
    }
}

/// Matches `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`: no separator, no leading dot, so never a way out of its directory.
pub fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    !bytes.is_empty()
        && bytes.len() <= 128
        && bytes[0].is_ascii_alphanumeric()
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Checks a network in the form `A.B.C.D/N`.
pub fn is_network(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else { return false };
    address.parse::<Ipv4Addr>().is_ok()
        && bits.len() <= 2
        && bits.bytes().all(|digit| digit.is_ascii_digit())
        && bits.parse::<u8>().is_ok_and(|bits| bits <= 32)
}

/// A port of the host that functions may be let reach.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct HostPort {
    pub address: Ipv4Addr,
    pub port: u16,
}

impl FromStr for HostPort {
    type Err = String;

    /// Reads `A.B.C.D:PORT`.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let wrong = || format!("{text}: expected A.B.C.D:PORT");
        let (address, port) = text.split_once(':').ok_or_else(wrong)?;
        let address: Ipv4Addr = address.parse().map_err(|_| wrong())?;
        let is_number = !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit());
        match port.parse::<u16>() {
            Ok(port) if is_number && port != 0 && !address.is_unspecified() => Ok(HostPort { address, port }),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{is_name, is_network, HostPort};

    #[test]
    fn accepts_plain_names() {
        for name in ["host", "node-24", "rootfs-python3.13", "env-0123456789abcdef", "a"] {
            assert!(is_name(name), "{name}");
        }
    }

    #[test]
    fn refuses_ways_out() {
        let long = "a".repeat(129);
        for name in ["", ".", "..", "../x", "a/b", "/a", ".hidden", "-x", "a b", "a\0b", "ä", long.as_str()] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn a_network_is_an_address_and_a_number_of_bits() {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "192.0.2.1/32"] {
            assert!(is_network(text), "{text}");
        }
        for text in ["10.0.0.0", "10.0.0/8", "10.0.0.0/33", "10.0.0.0/+8", "10.0.0.0/8; drop", "::/0", ""] {
            assert!(!is_network(text), "{text}");
        }
    }

    #[test]
    fn a_port_of_the_host_has_an_address_and_a_number() {
        let read = "127.0.0.1:8000".parse::<HostPort>().expect("is one");
        assert_eq!((read.address.octets(), read.port), ([127, 0, 0, 1], 8000));
        for text in [
            "8000", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:+1", "127.0.0.1:65536", "0.0.0.0:80", "::1:80",
            "localhost:80", "127.0.0.1:80; drop", "",
        ] {
            assert!(text.parse::<HostPort>().is_err(), "{text}");
        }
    }
}
