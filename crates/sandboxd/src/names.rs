//! Names instead of paths: the server never tells sandboxd where something is, only what it is called.

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

#[cfg(test)]
mod tests {
    use super::is_name;

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
}
