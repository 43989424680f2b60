//! Chunks: up to 512 KiB of content, compressed, then encrypted under a key that comes from what is encrypted
//! (convergent encryption).
//!
//! ```text
//!  frame = Zstandard(content)                             file = AES-256-GCM(key, nonce 0, aad "thaw-chunk-3", frame) ‖ tag
//!  key   = HMAC-SHA-256(secret of the account, frame)     name = SHA-256(file)
//! ```
//! Equal content of one account is one file; without the account's secret neither key nor equality with known content
//! can be told. A key encrypts one frame only, so the nonce may be fixed: that is why it comes from the frame, since
//! another version of the compressor makes another frame of the same content. The name lets anyone check a file without
//! a key.

use ring::aead::{Aad, LessSafeKey, Nonce, UnboundKey, AES_256_GCM};
use ring::{digest, hmac};

use crate::{damaged, Result, CHUNK_SIZE_BYTES_MAX};

pub const TAG_SIZE_BYTES: usize = 16;
/// Growth of content that does not compress, by the heads of the frame and its blocks: Zstandard's bound for 512 KiB.
const FRAME_SIZE_BYTES_MAX: usize = CHUNK_SIZE_BYTES_MAX + 2048;
pub const FILE_SIZE_BYTES_MAX: usize = FRAME_SIZE_BYTES_MAX + TAG_SIZE_BYTES;
const ASSOCIATED: &[u8] = b"thaw-chunk-3";
/// The fastest of the plain levels: a publish waits for it.
const LEVEL: i32 = 1;

pub type ChunkName = [u8; 32];

/// All that is needed to find, check and read a chunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChunkRef {
    pub name: ChunkName,
    pub key: [u8; 32],
    /// Size of the content, before it is compressed.
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

/// Seals our own content: more than the limit is our bug.
pub fn seal(secret: &ChunkSecret, content: &[u8]) -> (ChunkRef, Vec<u8>) {
    assert!(content.len() <= CHUNK_SIZE_BYTES_MAX && !content.is_empty(), "chunk: size out of range");
    let mut file = zstd::bulk::compress(content, LEVEL).expect("memory for a chunk");
    assert!(file.len() <= FRAME_SIZE_BYTES_MAX, "chunk: frame over the limit");
    let key: [u8; 32] = hmac::sign(&secret.0, &file).as_ref().try_into().expect("a digest of 32 bytes");
    cipher(&key)
        .seal_in_place_append_tag(Nonce::assume_unique_for_key([0; 12]), Aad::from(ASSOCIATED), &mut file)
        .expect("a chunk is shorter than the cipher's limit");
    let name = name_of(&file);
    (ChunkRef { name, key, size_bytes: content.len() as u32 }, file)
}

pub fn name_of(file: &[u8]) -> ChunkName {
    digest::digest(&digest::SHA256, file).as_ref().try_into().expect("a digest of 32 bytes")
}

/// Opens a chunk: authenticates it before a byte of it is read.
pub fn open(chunk: &ChunkRef, file: Vec<u8>) -> Result<Vec<u8>> {
    decompress(chunk, &decrypt(chunk, file)?)
}

/// Decrypts the frame, authenticated: for `decompress`.
pub fn decrypt(chunk: &ChunkRef, mut file: Vec<u8>) -> Result<Vec<u8>> {
    let opened =
        cipher(&chunk.key).open_in_place(Nonce::assume_unique_for_key([0; 12]), Aad::from(ASSOCIATED), &mut file);
    let Ok(size) = opened.map(|frame| frame.len()) else { return damaged("a chunk was changed") };
    file.truncate(size);
    Ok(file)
}

pub fn decompress(chunk: &ChunkRef, frame: &[u8]) -> Result<Vec<u8>> {
    match zstd::bulk::decompress(frame, chunk.size_bytes as usize) {
        Ok(content) if content.len() == chunk.size_bytes as usize => Ok(content),
        _ => damaged("a chunk has another size"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_content_is_one_file_and_another_secret_another() {
        let secret = ChunkSecret::new(&[7; 32]);
        let (first, file) = seal(&secret, &[1; 5000]);
        let (second, _) = seal(&secret, &[1; 5000]);
        let (other, _) = seal(&ChunkSecret::new(&[8; 32]), &[1; 5000]);
        assert_eq!(first, second);
        assert_ne!(first.name, other.name);
        assert_eq!(open(&first, file).expect("opens"), vec![1; 5000]);
    }

    #[test]
    fn no_flipped_bit_is_accepted() {
        let (chunk, file) = seal(&ChunkSecret::new(&[7; 32]), &(0..700u32).map(|n| (n * n) as u8).collect::<Vec<_>>());
        for bit in 0..file.len() * 8 {
            let mut changed = file.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&chunk, changed).is_err(), "bit {bit}");
        }
        for length in 0..file.len() {
            assert!(open(&chunk, file[..length].to_vec()).is_err(), "cut to {length}");
        }
    }

    #[test]
    fn what_does_not_compress_stays_within_the_limit() {
        let mut state = 1u64;
        let content: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .take(CHUNK_SIZE_BYTES_MAX)
        .collect();
        let (chunk, file) = seal(&ChunkSecret::new(&[7; 32]), &content);
        assert!(file.len() > CHUNK_SIZE_BYTES_MAX && file.len() <= FILE_SIZE_BYTES_MAX);
        assert_eq!(open(&chunk, file).expect("opens"), content);
    }

    #[test]
    fn a_chunk_of_another_size_than_the_manifest_says_is_refused() {
        let (chunk, file) = seal(&ChunkSecret::new(&[7; 32]), &[1; 5000]);
        for size_bytes in [1, 4999, 5001, CHUNK_SIZE_BYTES_MAX as u32] {
            assert!(open(&ChunkRef { size_bytes, ..chunk }, file.clone()).is_err(), "{size_bytes}");
        }
    }
}
