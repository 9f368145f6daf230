//! The XOR mask of client frames.

/// Applies or removes `key`, whose first byte belongs to the first of `bytes`.
///
/// Eight bytes at a time, in a loop that the compiler turns into vector instructions.
pub(crate) fn apply(bytes: &mut [u8], key: [u8; 4]) {
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(wide.to_ne_bytes()) {
        *byte ^= key;
    }
}

/// The key as it applies `count` bytes further on.
pub(crate) fn rotate(mut key: [u8; 4], count: usize) -> [u8; 4] {
    key.rotate_left(count % 4);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_equals_the_bytewise_definition() {
        for length in 0..67 {
            let mut bytes: Vec<u8> = (0..length).collect();
            apply(&mut bytes, [1, 2, 250, 77]);
            for (i, byte) in bytes.iter().enumerate() {
                assert_eq!(usize::from(byte ^ [1, 2, 250, 77][i % 4]), i);
            }
        }
    }

    #[test]
    fn a_rotated_key_continues_where_the_first_part_ended() {
        for split in 0..20 {
            let mut whole = *b"twenty bytes of text";
            let mut parts = whole;
            apply(&mut whole, [9, 8, 7, 6]);
            let (head, tail) = parts.split_at_mut(split);
            apply(head, [9, 8, 7, 6]);
            apply(tail, rotate([9, 8, 7, 6], split));
            assert_eq!(parts, whole);
        }
    }
}
