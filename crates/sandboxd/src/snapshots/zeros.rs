//! Zeros that need no place: they become holes of a file.

/// Calls `each` with the stretches of `bytes` that hold something, and their places in the file. Blocks of the file of
/// that size which hold nothing but zeros are left out. `at`: the place of `bytes`.
pub fn for_each_filled<E>(
    bytes: &[u8],
    at: u64,
    block_size_bytes: usize,
    mut each: impl FnMut(u64, &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let (mut from, mut to) = (0, 0);
    while to < bytes.len() {
        let into_block = ((at + to as u64) % block_size_bytes as u64) as usize;
        let end = bytes.len().min(to + block_size_bytes - into_block);
        if is_zero(&bytes[to..end]) {
            if from < to {
                each(at + from as u64, &bytes[from..to])?;
            }
            from = end;
        }
        to = end;
    }
    if from < to {
        each(at + from as u64, &bytes[from..to])?;
    }
    Ok(())
}

pub fn is_zero(bytes: &[u8]) -> bool {
    // SAFETY: every bit pattern is a valid u64.
    let (head, words, tail) = unsafe { bytes.align_to::<u64>() };
    words.iter().all(|word| *word == 0) && head.iter().chain(tail).all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(bytes: &[u8], at: u64) -> Vec<(u64, Vec<u8>)> {
        let mut found = Vec::new();
        let done: Result<(), ()> = for_each_filled(bytes, at, 4, |at, bytes| {
            found.push((at, bytes.to_vec()));
            Ok(())
        });
        assert!(done.is_ok());
        found
    }

    #[test]
    fn blocks_of_zeros_are_left_out_wherever_the_bytes_begin() {
        assert_eq!(filled(&[], 0), []);
        assert_eq!(filled(&[0; 9], 0), []);
        assert_eq!(filled(&[1, 0, 0, 0, 0, 0, 0, 0, 2], 0), [(0, vec![1, 0, 0, 0]), (8, vec![2])]);
        // The zeros are in two blocks, neither of them whole.
        assert_eq!(filled(&[1, 0, 0, 0, 0, 2], 1), [(1, vec![1, 0, 0, 0, 0, 2])]);
        assert_eq!(filled(&[0, 0, 7, 7, 7, 7, 0, 0], 2), [(4, vec![7, 7, 7, 7])]);
    }
}
