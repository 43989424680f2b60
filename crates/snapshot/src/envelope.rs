//! The envelope of a snapshot's own files (manifest, working set): a clear part that anyone may read, and a part sealed
//! under the snapshot's data key. Both are authenticated together.
//!
//! ```text
//!  0  8  magic "THAWSNAP"     16  4  size of the names, bytes      36      header (JSON)
//!  8  4  format (LE)          20  4  size of the sealed part        …      names of chunks, 32 bytes each
//! 12 4 size of the header 24 12 nonce … AES-256-GCM(data key, nonce, aad = all before) ‖ tag ```

use ring::aead::{Aad, LessSafeKey, Nonce, UnboundKey, AES_256_GCM};
use ring::rand::{SecureRandom, SystemRandom};

use crate::chunk::ChunkName;
use crate::{damaged, Error, Result};

const MAGIC: &[u8; 8] = b"THAWSNAP";
/// Raised whenever what a snapshot holds changes in a way that an older Thaw could not restore, or this one an older
/// one's.
pub const FORMAT: u32 = 6;
const FIXED_SIZE_BYTES: usize = 36;
const TAG_SIZE_BYTES: usize = 16;
const HEADER_SIZE_BYTES_MAX: usize = 64 * 1024;
/// 10 GiB of memory and 10 GiB of disk, each page a run of its own: 120 MiB of runs.
pub const FILE_SIZE_BYTES_MAX: usize = 256 * 1024 * 1024;

pub type DataKey = [u8; 32];

/// The clear part of a file, not yet authenticated.
#[derive(Debug, PartialEq, Eq)]
pub struct Clear<'a> {
    pub header: &'a [u8],
    pub names: Vec<ChunkName>,
    sealed_at: usize,
    nonce: [u8; 12],
}

fn cipher(key: &DataKey) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("a key of this length is valid"))
}

pub(crate) type Nonce12 = [u8; 12];

pub(crate) fn new_nonce() -> Nonce12 {
    let mut nonce = [0; 12];
    SystemRandom::new().fill(&mut nonce).expect("the kernel gives random bytes");
    nonce
}

/// Seals a file's parts. Fails with `TooLarge` where they are over the limit: their size depends on the function.
pub(crate) fn seal_with(
    key: &DataKey,
    nonce: Nonce12,
    header: &[u8],
    names: &[ChunkName],
    mut secret: Vec<u8>,
) -> Result<Vec<u8>> {
    let size = FIXED_SIZE_BYTES + header.len() + names.len() * 32 + secret.len() + TAG_SIZE_BYTES;
    if header.len() > HEADER_SIZE_BYTES_MAX || size > FILE_SIZE_BYTES_MAX {
        return Err(Error::TooLarge(format!("its description has {size} bytes, {FILE_SIZE_BYTES_MAX} are the limit")));
    }
    let mut file = Vec::with_capacity(size);
    file.extend_from_slice(MAGIC);
    for number in [FORMAT, header.len() as u32, names.len() as u32 * 32, (secret.len() + TAG_SIZE_BYTES) as u32] {
        file.extend_from_slice(&number.to_le_bytes());
    }
    file.extend_from_slice(&nonce);
    file.extend_from_slice(header);
    for name in names {
        file.extend_from_slice(name);
    }
    cipher(key)
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(&file), &mut secret)
        .expect("shorter than the cipher's limit");
    file.append(&mut secret);
    Ok(file)
}

fn u32_at(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")) as usize
}

/// Reads the clear part. Nothing of it is authenticated before `open`.
pub fn read_clear(file: &[u8]) -> Result<Clear<'_>> {
    if file.len() < FIXED_SIZE_BYTES || file.len() > FILE_SIZE_BYTES_MAX {
        return damaged("its size is out of range");
    }
    if &file[..8] != MAGIC {
        return damaged("it is no file of a snapshot");
    }
    if u32_at(file, 8) != FORMAT as usize {
        return damaged(format!("its format is {}, this Thaw reads {FORMAT}", u32_at(file, 8)));
    }
    let (header_size, names_size, sealed_size) = (u32_at(file, 12), u32_at(file, 16), u32_at(file, 20));
    if header_size > HEADER_SIZE_BYTES_MAX || names_size % 32 != 0 || sealed_size < TAG_SIZE_BYTES {
        return damaged("its sizes are wrong");
    }
    let sealed_at = FIXED_SIZE_BYTES + header_size + names_size;
    if sealed_at + sealed_size != file.len() {
        return damaged("it was cut short or grew");
    }
    let names_at = FIXED_SIZE_BYTES + header_size;
    Ok(Clear {
        header: &file[FIXED_SIZE_BYTES..names_at],
        names: file[names_at..sealed_at].chunks_exact(32).map(|name| name.try_into().expect("32 bytes")).collect(),
        sealed_at,
        nonce: file[24..36].try_into().expect("12 bytes"),
    })
}

/// Authenticates the whole file and gives the sealed part.
pub fn open<'a>(key: &DataKey, file: &'a [u8]) -> Result<(Clear<'a>, Vec<u8>)> {
    let clear = read_clear(file)?;
    let mut sealed = file[clear.sealed_at..].to_vec();
    let nonce = Nonce::assume_unique_for_key(clear.nonce);
    let size = match cipher(key).open_in_place(nonce, Aad::from(&file[..clear.sealed_at]), &mut sealed) {
        Ok(plain) => plain.len(),
        Err(_) => return damaged("it was changed, or its key is another one"),
    };
    sealed.truncate(size);
    Ok((clear, sealed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seal(key: &DataKey, header: &[u8], names: &[ChunkName], secret: Vec<u8>) -> Vec<u8> {
        seal_with(key, new_nonce(), header, names, secret).expect("small")
    }

    #[test]
    fn parts_over_the_limit_are_an_error_and_no_panic() {
        let sealed =
            |header: usize, secret: usize| seal_with(&[3; 32], [0; 12], &vec![b' '; header], &[], vec![0; secret]);
        assert!(matches!(sealed(2, FILE_SIZE_BYTES_MAX), Err(Error::TooLarge(_))));
        assert!(matches!(sealed(HEADER_SIZE_BYTES_MAX + 1, 2), Err(Error::TooLarge(_))));
    }

    #[test]
    fn no_flipped_bit_and_no_other_key_is_accepted() {
        let file = seal(&[3; 32], b"{}", &[[9; 32]], b"secret".to_vec());
        assert!(open(&[3; 32], &file).is_ok());
        assert!(open(&[4; 32], &file).is_err());
        for bit in 0..file.len() * 8 {
            let mut changed = file.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&[3; 32], &changed).is_err(), "bit {bit}");
        }
        for length in 0..file.len() {
            assert!(open(&[3; 32], &file[..length]).is_err(), "cut to {length}");
        }
    }

    proptest! {
        #[test]
        fn gives_back_what_was_sealed(
            header in proptest::collection::vec(any::<u8>(), 0..200),
            names in proptest::collection::vec(any::<[u8; 32]>(), 0..20),
            secret in proptest::collection::vec(any::<u8>(), 0..2000),
        ) {
            let file = seal(&[3; 32], &header, &names, secret.clone());
            let (clear, opened) = open(&[3; 32], &file).expect("opens");
            prop_assert_eq!(clear.header, &header[..]);
            prop_assert_eq!(clear.names, names);
            prop_assert_eq!(opened, secret);
        }

        #[test]
        fn any_bytes_are_refused_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..4000)) {
            prop_assert!(open(&[3; 32], &bytes).is_err());
        }

        #[test]
        fn a_right_start_does_not_help(
            sizes in any::<[u32; 3]>(),
            rest in proptest::collection::vec(any::<u8>(), 0..4000),
        ) {
            let mut bytes = MAGIC.to_vec();
            bytes.extend_from_slice(&FORMAT.to_le_bytes());
            for size in sizes { bytes.extend_from_slice(&(size % 5000).to_le_bytes()); }
            bytes.extend_from_slice(&rest);
            prop_assert!(open(&[3; 32], &bytes).is_err());
        }
    }
}
