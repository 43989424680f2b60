//! Secrets that can be told by their form. What merely looks like one (a constant of a library, a document's example)
//! is left out.

use std::ops::Range;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Secret {
    AwsAccessKey,
    AwsSessionKey,
    PrivateKey,
    Jwt,
}

pub const ALL: [Secret; 4] = [Secret::AwsAccessKey, Secret::AwsSessionKey, Secret::PrivateKey, Secret::Jwt];

const AWS_KEY_SIZE: usize = 20;
const PEM_LABEL_SIZE_MAX: usize = 32;
/// Characters of a body that is more than an example.
const PEM_BODY_SIZE_MIN: usize = 64;
const SECRET_SIZE_MAX: usize = 8 * 1024;
const JWT_PART_SIZE_MIN: usize = 10;

impl Secret {
    pub fn name(self) -> &'static str {
        match self {
            Secret::AwsAccessKey => "aws-access-key",
            Secret::AwsSessionKey => "aws-session-key",
            Secret::PrivateKey => "private-key",
            Secret::Jwt => "jwt",
        }
    }

    pub fn beginning(self) -> &'static [u8] {
        match self {
            Secret::AwsAccessKey => b"AKIA",
            Secret::AwsSessionKey => b"ASIA",
            Secret::PrivateKey => b"-----BEGIN ",
            Secret::Jwt => b"eyJ",
        }
    }

    /// Reads the secret that begins at `at`, where the beginning was found; `None` where it only began like one.
    pub fn read(self, memory: &[u8], at: usize) -> Option<&[u8]> {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        if at > 0 && memory.get(at - 1).is_some_and(is_word) {
            return None;
        }
        let rest = &memory[at..memory.len().min(at + SECRET_SIZE_MAX)];
        let range = match self {
            Secret::AwsAccessKey | Secret::AwsSessionKey => aws_key(rest),
            Secret::PrivateKey => private_key(rest),
            Secret::Jwt => jwt(rest),
        }?;
        Some(&rest[range])
    }
}

fn aws_key(rest: &[u8]) -> Option<Range<usize>> {
    let size = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let key = rest.get(..AWS_KEY_SIZE)?;
    let is_key = size == AWS_KEY_SIZE && key.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    // A word in capitals is no key; AWS's documents end their examples so.
    let is_random = key[4..].iter().any(u8::is_ascii_digit) && !key.ends_with(b"EXAMPLE");
    (is_key && is_random).then_some(0..AWS_KEY_SIZE)
}

fn private_key(rest: &[u8]) -> Option<Range<usize>> {
    let label = &rest[b"-----BEGIN ".len()..];
    let end = b"PRIVATE KEY-----";
    let at = label.windows(end.len()).take(PEM_LABEL_SIZE_MAX).position(|part| part == end)?;
    let body = &label[at + end.len()..];
    let is_body = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\r' | b'\n');
    let size = body.iter().take_while(|byte| is_body(byte)).count();
    let start = rest.len() - body.len();
    (size >= PEM_BODY_SIZE_MIN).then_some(start..start + size)
}

fn jwt(rest: &[u8]) -> Option<Range<usize>> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let mut end = 0;
    for part in 0..3 {
        let size = rest[end..].iter().take_while(|byte| is_part(byte)).count();
        let is_last = part == 2;
        if size < JWT_PART_SIZE_MIN
            || (!is_last && rest.get(end + size) != Some(&b'.'))
            || (part == 1 && !rest[end..].starts_with(b"eyJ"))
        {
            return None;
        }
        end += size + usize::from(!is_last);
    }
    Some(0..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_found(secret: Secret, text: &str) -> bool {
        let beginning = std::str::from_utf8(secret.beginning()).expect("ASCII");
        text.match_indices(beginning).any(|(at, _)| secret.read(text.as_bytes(), at).is_some())
    }

    #[test]
    fn tells_secrets_from_what_looks_like_them() {
        assert!(is_found(Secret::AwsAccessKey, "id=AKIA0123456789ABCDEF;"));
        assert!(!is_found(Secret::AwsAccessKey, "AKIAIOSFODNN7EXAMPLE"));
        assert!(!is_found(Secret::AwsAccessKey, "AKIAABCDEFGHIJKLMNOP"));
        assert!(!is_found(Secret::AwsAccessKey, "AKIA0123456789ABCDEF0"));
        assert!(!is_found(Secret::AwsSessionKey, "xASIA0123456789ABCDEF"));
        let body = "MIIEvQ".repeat(20);
        assert!(is_found(
            Secret::PrivateKey,
            &format!("-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----")
        ));
        assert!(!is_found(Secret::PrivateKey, "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----"));
        assert!(!is_found(Secret::PrivateKey, &format!("-----BEGIN CERTIFICATE-----\n{body}")));
        assert!(is_found(Secret::Jwt, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTYifQ.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"));
        assert!(!is_found(Secret::Jwt, "eyJhbGciOiJIUzI1NiJ9.payload-of-another-kind.dozjgNryP4J3jVm"));
    }

    #[test]
    fn reads_nothing_past_the_end() {
        for secret in ALL {
            let whole = [secret.beginning(), b"eyJABCDEFGHIJ.eyJABCDEFGHIJ.PRIVATE KEY-----"].concat();
            for length in secret.beginning().len()..=whole.len() {
                let _ = secret.read(&whole[..length], 0);
            }
        }
    }
}
