//! Chunks: up to 512 KiB of content, encrypted under a key that comes from the content itself (convergent encryption).
//!
//! ```text
//!  key  = HMAC-SHA-256(secret of the account, content)       file = AES-256-GCM(key, nonce 0, aad "thaw-chunk-2", content) ‖ tag
//!  name = SHA-256(file)
//! ```
//! Equal content of one account is one file; without the account's secret neither key nor equality with known content can be told.
//! A key encrypts one content only, so the nonce may be fixed. The name lets anyone check a file without a key.

use ring::aead::{Aad, LessSafeKey, Nonce, UnboundKey, AES_256_GCM};
use ring::{digest, hmac};

use crate::{damaged, Result, CHUNK_SIZE_BYTES_MAX};

pub const TAG_SIZE_BYTES: usize = 16;
pub const FILE_SIZE_BYTES_MAX: usize = CHUNK_SIZE_BYTES_MAX + TAG_SIZE_BYTES;
const ASSOCIATED: &[u8] = b"thaw-chunk-2";

pub type ChunkName = [u8; 32];

/// All that is needed to find, check and read a chunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChunkRef {
    pub name: ChunkName,
    pub key: [u8; 32],
    /// Of the content.
    pub size_bytes: u32,
}

/// An account's secret, ready for use.
pub struct ChunkSecret(hmac::Key);

impl ChunkSecret {
    pub fn new(secret: &[u8; 32]) -> Self {
        ChunkSecret(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }
}

fn cipher(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("a key of this length is valid"))
}

/// Our own content: one over the limit is our bug. The buffer becomes the file.
pub fn seal(secret: &ChunkSecret, mut content: Vec<u8>) -> (ChunkRef, Vec<u8>) {
    assert!(content.len() <= CHUNK_SIZE_BYTES_MAX && !content.is_empty(), "chunk: size out of range");
    let size_bytes = content.len() as u32;
    let key: [u8; 32] = hmac::sign(&secret.0, &content).as_ref().try_into().expect("a digest of 32 bytes");
    cipher(&key)
        .seal_in_place_append_tag(Nonce::assume_unique_for_key([0; 12]), Aad::from(ASSOCIATED), &mut content)
        .expect("a chunk is shorter than the cipher's limit");
    let name = name_of(&content);
    (ChunkRef { name, key, size_bytes }, content)
}

pub fn name_of(file: &[u8]) -> ChunkName {
    digest::digest(&digest::SHA256, file).as_ref().try_into().expect("a digest of 32 bytes")
}

/// Authenticates before it gives out a byte.
pub fn open(chunk: &ChunkRef, mut file: Vec<u8>) -> Result<Vec<u8>> {
    if file.len() != chunk.size_bytes as usize + TAG_SIZE_BYTES {
        return damaged("a chunk has another size");
    }
    let opened = cipher(&chunk.key).open_in_place(Nonce::assume_unique_for_key([0; 12]), Aad::from(ASSOCIATED), &mut file).is_ok();
    if !opened {
        return damaged("a chunk was changed");
    }
    file.truncate(chunk.size_bytes as usize);
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_content_is_one_file_and_another_secret_another() {
        let secret = ChunkSecret::new(&[7; 32]);
        let (first, file) = seal(&secret, vec![1; 5000]);
        let (second, _) = seal(&secret, vec![1; 5000]);
        let (other, _) = seal(&ChunkSecret::new(&[8; 32]), vec![1; 5000]);
        assert_eq!(first, second);
        assert_ne!(first.name, other.name);
        assert_eq!(open(&first, file).expect("opens"), vec![1; 5000]);
    }

    #[test]
    fn no_flipped_bit_is_accepted() {
        let (chunk, file) = seal(&ChunkSecret::new(&[7; 32]), (0..700u32).map(|n| n as u8).collect());
        for bit in 0..file.len() * 8 {
            let mut changed = file.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&chunk, changed).is_err(), "bit {bit}");
        }
        for length in 0..file.len() {
            assert!(open(&chunk, file[..length].to_vec()).is_err(), "cut to {length}");
        }
    }
}
