//! `MessagePack` as a sequence of tokens.

use rmp::Marker;

/// A scalar, or the head of a container. Lengths of containers are what the bytes declare: nothing is
/// allocated by them, and items that do not follow are found missing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token<'a> {
    Nil,
    Bool(bool),
    Unsigned(u64),
    Negative(i64),
    Float(f64),
    Text(&'a [u8]),
    Binary(&'a [u8]),
    Array(u32),
    Map(u32),
    Extension,
}

/// Reads tokens from bytes. It answers none at the end, at what is no `MessagePack`, and where less
/// follows than was declared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tokens<'a>(pub(super) &'a [u8]);

impl<'a> Tokens<'a> {
    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        let [marker] = self.take()?;
        Some(match Marker::from_u8(marker) {
            Marker::Null => Token::Nil,
            Marker::False => Token::Bool(false),
            Marker::True => Token::Bool(true),
            Marker::FixPos(number) => Token::Unsigned(number.into()),
            Marker::FixNeg(number) => signed(number.into()),
            Marker::U8 => Token::Unsigned(u8::from_be_bytes(self.take()?).into()),
            Marker::U16 => Token::Unsigned(u16::from_be_bytes(self.take()?).into()),
            Marker::U32 => Token::Unsigned(u32::from_be_bytes(self.take()?).into()),
            Marker::U64 => Token::Unsigned(u64::from_be_bytes(self.take()?)),
            Marker::I8 => signed(i8::from_be_bytes(self.take()?).into()),
            Marker::I16 => signed(i16::from_be_bytes(self.take()?).into()),
            Marker::I32 => signed(i32::from_be_bytes(self.take()?).into()),
            Marker::I64 => signed(i64::from_be_bytes(self.take()?)),
            Marker::F32 => Token::Float(f32::from_be_bytes(self.take()?).into()),
            Marker::F64 => Token::Float(f64::from_be_bytes(self.take()?)),
            Marker::FixStr(bytes) => Token::Text(self.bytes(bytes.into())?),
            Marker::Str8 => Token::Text(self.sized::<1>()?),
            Marker::Str16 => Token::Text(self.sized::<2>()?),
            Marker::Str32 => Token::Text(self.sized::<4>()?),
            Marker::Bin8 => Token::Binary(self.sized::<1>()?),
            Marker::Bin16 => Token::Binary(self.sized::<2>()?),
            Marker::Bin32 => Token::Binary(self.sized::<4>()?),
            Marker::FixArray(items) => Token::Array(items.into()),
            Marker::Array16 => Token::Array(self.length::<2>()?),
            Marker::Array32 => Token::Array(self.length::<4>()?),
            Marker::FixMap(entries) => Token::Map(entries.into()),
            Marker::Map16 => Token::Map(self.length::<2>()?),
            Marker::Map32 => Token::Map(self.length::<4>()?),
            Marker::FixExt1 => self.extension(1)?,
            Marker::FixExt2 => self.extension(2)?,
            Marker::FixExt4 => self.extension(4)?,
            Marker::FixExt8 => self.extension(8)?,
            Marker::FixExt16 => self.extension(16)?,
            Marker::Ext8 => self.sized_extension::<1>()?,
            Marker::Ext16 => self.sized_extension::<2>()?,
            Marker::Ext32 => self.sized_extension::<4>()?,
            Marker::Reserved => return None,
        })
    }

    /// The bytes of the next value, with everything in it. No nesting, however deep, costs stack.
    pub(super) fn next_value(&mut self) -> Option<&'a [u8]> {
        let start = self.0;
        let mut expected = 1_u64;
        while expected > 0 {
            let inside = match self.next()? {
                Token::Array(items) => u64::from(items),
                Token::Map(entries) => u64::from(entries) * 2,
                Token::Nil
                | Token::Bool(_)
                | Token::Unsigned(_)
                | Token::Negative(_)
                | Token::Float(_)
                | Token::Text(_)
                | Token::Binary(_)
                | Token::Extension => 0,
            };
            expected = (expected - 1).saturating_add(inside);
        }
        start.get(..start.len() - self.0.len())
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// A length of `N` bytes.
    fn length<const N: usize>(&mut self) -> Option<u32> {
        let bytes: [u8; N] = self.take()?;
        let next = |length: u32, byte: &u8| length << 8 | u32::from(*byte);
        Some(bytes.iter().fold(0, next))
    }

    fn sized<const N: usize>(&mut self) -> Option<&'a [u8]> {
        let length = self.length::<N>()?;
        self.bytes(length.try_into().ok()?)
    }

    /// An extension's type and its bytes.
    fn extension(&mut self, count: usize) -> Option<Token<'a>> {
        self.bytes(count + 1).map(|_unknown| Token::Extension)
    }

    fn sized_extension<const N: usize>(&mut self) -> Option<Token<'a>> {
        let length = self.length::<N>()?;
        self.take::<1>()?;
        self.bytes(length.try_into().ok()?)
            .map(|_unknown| Token::Extension)
    }
}

fn signed(number: i64) -> Token<'static> {
    u64::try_from(number).map_or(Token::Negative(number), Token::Unsigned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_ends_where_its_last_item_ends() {
        let bytes = [0x92, 0x81, 0xa1, b'a', 0xc0, 0xd1, 0xff, 0x00, 0x07];
        let mut tokens = Tokens(&bytes);
        assert_eq!(tokens.next_value(), Some(&bytes[..8]));
        assert_eq!(tokens.next(), Some(Token::Unsigned(7)));
        assert_eq!(tokens.next(), None);
        for end in 0..8 {
            assert_eq!(Tokens(&bytes[..end]).next_value(), None, "cut at {end}");
        }
    }

    #[test]
    fn a_declared_length_is_not_believed() {
        for bytes in [
            &[0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0][..],
            &[0xdf, 0xff, 0xff, 0xff, 0xff],
            &[0xdb, 0xff, 0xff, 0xff, 0xff, b'a'],
            &[0xc6, 0xff, 0xff, 0xff, 0xff],
            &[0xc9, 0xff, 0xff, 0xff, 0xff, 1],
            &[0xc1],
        ] {
            assert_eq!(Tokens(bytes).next_value(), None, "{bytes:x?}");
        }
    }

    #[test]
    fn nesting_costs_no_stack() {
        let mut bytes = vec![0x91; 1_000_000];
        assert_eq!(Tokens(&bytes).next_value(), None);
        bytes.push(0xc0);
        assert_eq!(
            Tokens(&bytes).next_value().map(<[u8]>::len),
            Some(1_000_001)
        );
    }

    #[test]
    fn a_number_is_the_same_in_every_form() {
        for bytes in [
            &[5][..],
            &[0xcc, 5],
            &[0xcd, 0, 5],
            &[0xd0, 5],
            &[0xd3, 0, 0, 0, 0, 0, 0, 0, 5],
        ] {
            assert_eq!(Tokens(bytes).next(), Some(Token::Unsigned(5)), "{bytes:x?}");
        }
        assert_eq!(Tokens(&[0xe0]).next(), Some(Token::Negative(-32)));
    }

    #[test]
    fn extensions_are_skipped_whole() {
        for bytes in [
            &[0xd4, 1, 0][..],
            &[0xd6, 0xff, 0, 0, 0, 0],
            &[0xc7, 2, 1, 0, 0],
            &[0xc8, 0, 1, 1, 0],
        ] {
            let mut tokens = Tokens(bytes);
            assert_eq!(tokens.next(), Some(Token::Extension), "{bytes:x?}");
            assert_eq!(tokens.next(), None, "{bytes:x?}");
        }
    }
}
