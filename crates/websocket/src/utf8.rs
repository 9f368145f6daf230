//! UTF-8, checked while it arrives.

use crate::Violation;

/// Checks `bytes`, of which the first `valid` are known to be whole characters, and returns how many
/// are so now. A character that is cut off at the end may still become valid; a byte that no
/// continuation can make valid is a violation at once.
pub(crate) fn advance(bytes: &[u8], valid: usize) -> Result<usize, Violation> {
    let unchecked = bytes.get(valid..).unwrap_or_default();
    match str::from_utf8(unchecked) {
        Ok(_) => Ok(bytes.len()),
        Err(error) if error.error_len().is_none() => Ok(valid + error.valid_up_to()),
        Err(_) => Err(Violation::NotUtf8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_fails_at(bytes: &[u8], at: usize) {
        let mut valid = 0;
        for end in 1..=at {
            valid = advance(&bytes[..end], valid).expect("valid so far");
        }
        assert_eq!(advance(&bytes[..=at], valid), Err(Violation::NotUtf8));
    }

    #[test]
    fn the_first_bad_byte_is_refused() {
        check_fails_at(b"\xce\xba\xf4\x90\x80\x80", 3); // above U+10FFFF
        check_fails_at(b"\xed\xa0\x80", 1); // a surrogate
        check_fails_at(b"a\xc0\xaf", 1); // overlong
        check_fails_at(b"\xf0\x9f\x98a", 3); // a cut-off character
        check_fails_at(b"\x80", 0); // a continuation byte alone
    }

    #[test]
    fn a_character_may_arrive_byte_by_byte() {
        let mut valid = 0;
        for end in 0..=4 {
            valid = advance(&"😀".as_bytes()[..end], valid).expect("valid so far");
            assert_eq!(valid, if end == 4 { 4 } else { 0 });
        }
    }
}
