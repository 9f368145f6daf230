//! What the decoder makes of frames, whole and byte by byte, and what it keeps meanwhile.

use flate2::{Compress, Compression, FlushCompress};
use proptest::prelude::*;
use tautline_websocket::{
    Decoder, Deflate, Deflater, Event, Inflater, Input, Limits, Role, Violation, client_frame,
    frame,
};

/// An event with its own memory.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Heard {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
    Violation(Violation),
}

impl From<Event<'_>> for Heard {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Text(text) => Self::Text(text.to_owned()),
            Event::Binary(bytes) => Self::Binary(bytes.to_vec()),
            Event::Ping(bytes) => Self::Ping(bytes.to_vec()),
            Event::Pong(bytes) => Self::Pong(bytes.to_vec()),
            Event::Close { code, reason } => Self::Close(code, reason.to_owned()),
        }
    }
}

const LIMITS: Limits = Limits {
    frame_bytes_max: 1000,
    message_bytes_max: 2000,
    fragments_max: 4,
};

fn deflate() -> Deflate {
    Deflate::negotiate([Deflate::OFFER])
        .expect("our own offer")
        .0
}

/// A decoder that receives the unmasked frames of a server, so that tests can spell frames out.
fn decoder() -> Decoder {
    Decoder::new(Role::Client, LIMITS, Some(deflate()))
}

/// Everything that `decoder` hears in `chunks`.
fn hear<'c>(decoder: &mut Decoder, chunks: impl IntoIterator<Item = &'c [u8]>) -> Vec<Heard> {
    let (mut heard, mut inflater) = (Vec::new(), Inflater::default());
    for chunk in chunks {
        let mut chunk = chunk.to_vec();
        let mut input = Input::new(&mut chunk);
        loop {
            match decoder.next(&mut input, &mut inflater) {
                Ok(Some(event)) => heard.push(event.into()),
                Ok(None) => break,
                Err(violation) => heard.push(Heard::Violation(violation)),
            }
        }
        assert!(input.is_empty(), "None means that the input is used up");
    }
    heard
}

/// `bytes` are heard as `expected`, whole and byte by byte.
#[track_caller]
fn check(bytes: &[u8], expected: &[Heard]) {
    assert_eq!(hear(&mut decoder(), [bytes]), expected, "whole");
    assert_eq!(
        hear(&mut decoder(), bytes.chunks(1)),
        expected,
        "byte by byte"
    );
}

#[track_caller]
fn check_refused(bytes: &[u8], violation: Violation) {
    check(bytes, &[Heard::Violation(violation)]);
}

/// A frame as it is spelled: the first byte, then the payload with its length.
fn raw(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = frame::binary(payload).to_vec();
    *bytes.first_mut().expect("a frame has a header") = first;
    bytes
}

/// What a sender makes of `payload` with the given last flush, without the tail of a sync flush.
fn compress(payload: &[u8], flush: FlushCompress) -> Vec<u8> {
    let mut compressed = Vec::with_capacity(payload.len() + 1000);
    Compress::new(Compression::default(), false)
        .compress_vec(payload, &mut compressed, flush)
        .expect("valid use");
    match compressed.strip_suffix(&[0, 0, 0xff, 0xff]) {
        Some(stripped) if matches!(flush, FlushCompress::Sync) => stripped.to_vec(),
        _ => compressed,
    }
}

#[test]
fn every_kind_of_frame_is_heard() {
    let bytes = [
        frame::text("grüezi"),
        frame::binary([0; 300]),
        frame::ping("a"),
        frame::pong(""),
        frame::close(4001, "later"),
    ]
    .concat();
    let expected = [
        Heard::Text("grüezi".to_owned()),
        Heard::Binary(vec![0; 300]),
        Heard::Ping(b"a".to_vec()),
        Heard::Pong(Vec::new()),
        Heard::Close(Some(4001), "later".to_owned()),
    ];
    check(&bytes, &expected);
}

#[test]
fn control_frames_may_come_between_fragments() {
    let bytes = [
        raw(0x01, "ab\u{e4}".split_at(2).0.as_bytes()),
        raw(0x89, b"ping"),
        raw(0x00, &[0xc3]),
        raw(0x8a, b""),
        raw(0x80, &[0xa4]),
    ]
    .concat();
    let expected = [
        Heard::Ping(b"ping".to_vec()),
        Heard::Pong(Vec::new()),
        Heard::Text("abä".to_owned()),
    ];
    check(&bytes, &expected);
}

#[test]
fn reserved_bits_and_opcodes_are_refused() {
    check_refused(&raw(0xa1, b""), Violation::ReservedBits);
    check_refused(&raw(0x91, b""), Violation::ReservedBits);
    check_refused(&raw(0xc9, b""), Violation::ReservedBits); // a compressed ping
    check_refused(
        &[raw(0x41, b"\0"), raw(0xc0, b"\0")].concat(),
        Violation::ReservedBits,
    );
    for opcode in [3, 7, 11, 15] {
        check_refused(&raw(0x80 | opcode, b""), Violation::UnknownOpcode);
    }
    let mut without_deflate = Decoder::new(Role::Client, LIMITS, None);
    let heard = hear(&mut without_deflate, [&raw(0xc1, b"\0")[..]]);
    assert_eq!(heard, [Heard::Violation(Violation::ReservedBits)]);
}

#[test]
fn the_mask_must_fit_the_role() {
    check_refused(
        &client_frame::text("x", [1, 2, 3, 4]),
        Violation::MaskUnexpected,
    );
    let mut server = Decoder::new(Role::Server, LIMITS, None);
    let heard = hear(&mut server, [&frame::text("x")[..]]);
    assert_eq!(heard, [Heard::Violation(Violation::MaskMissing)]);

    let mut server = Decoder::new(Role::Server, LIMITS, None);
    let heard = hear(
        &mut server,
        client_frame::text("masked text", [1, 2, 3, 4]).chunks(3),
    );
    assert_eq!(heard, [Heard::Text("masked text".to_owned())]);
}

#[test]
fn lengths_must_be_minimal_and_below_the_highest_bit() {
    check_refused(&[0x82, 126, 0, 125], Violation::LengthNotMinimal);
    check_refused(
        &[0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff],
        Violation::LengthNotMinimal,
    );
    check_refused(
        &[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0],
        Violation::LengthOverflow,
    );
}

#[test]
fn limits_hold_for_what_is_declared() {
    check_refused(
        &[0x82, 127, 0x7f, 255, 255, 255, 255, 255, 255, 255],
        Violation::FrameTooBig,
    );
    check_refused(&[0x82, 126, 3, 233], Violation::FrameTooBig);
    check(&raw(0x82, &[1; 1000]), &[Heard::Binary(vec![1; 1000])]);

    let full = [raw(0x02, &[1; 1000]), raw(0x00, &[1; 1000])].concat();
    check(
        &[&full[..], &[0x80, 0]].concat(),
        &[Heard::Binary(vec![1; 2000])],
    );
    check_refused(&[&full[..], &[0x80, 1]].concat(), Violation::MessageTooBig);
}

#[test]
fn empty_fragments_count() {
    let four = [
        raw(0x02, b""),
        raw(0x00, b""),
        raw(0x00, b""),
        raw(0x80, b""),
    ]
    .concat();
    check(&four, &[Heard::Binary(Vec::new())]);
    let five = [raw(0x02, b""), raw(0x00, b"").repeat(3), raw(0x80, b"")].concat();
    check_refused(&five, Violation::TooManyFragments);
}

#[test]
fn control_frames_are_short_and_whole() {
    check_refused(&raw(0x89, &[0; 126]), Violation::ControlTooLong);
    check_refused(&raw(0x08, b""), Violation::ControlFragmented);
    check(&raw(0x89, &[7; 125]), &[Heard::Ping(vec![7; 125])]);
}

#[test]
fn messages_do_not_nest_and_fragments_need_one() {
    check_refused(&raw(0x80, b"x"), Violation::NothingToContinue);
    check_refused(
        &[raw(0x01, b""), raw(0x81, b"")].concat(),
        Violation::MessageUnfinished,
    );
    let message = Heard::Binary(Vec::new());
    let done = [raw(0x02, b""), raw(0x80, b""), raw(0x80, b"")].concat();
    check(
        &done,
        &[message, Heard::Violation(Violation::NothingToContinue)],
    );
}

#[test]
fn close_payloads_are_checked() {
    check(&raw(0x88, b""), &[Heard::Close(None, String::new())]);
    check_refused(&raw(0x88, b"\x03"), Violation::CloseTruncated);
    check_refused(
        &raw(0x88, &1005_u16.to_be_bytes()),
        Violation::CloseCodeInvalid,
    );
    check_refused(&raw(0x88, b"\x03\xe8\xff"), Violation::NotUtf8);
}

#[test]
fn nothing_is_heard_after_a_close_or_a_violation() {
    let closed = [raw(0x88, b""), raw(0x81, b"late"), vec![0xff; 20]].concat();
    check(&closed, &[Heard::Close(None, String::new())]);
    let refused = [raw(0x83, b""), raw(0x81, b"late")].concat();
    check_refused(&refused, Violation::UnknownOpcode);
}

#[test]
fn text_fails_at_the_first_bad_byte_of_an_unfinished_frame() {
    let mut decoder = decoder();
    let begun = [0x81, 100, b'o', b'k', 0xf4];
    assert_eq!(hear(&mut decoder, begun.chunks(1)), []);
    assert!(decoder.is_partial());
    let heard = hear(&mut decoder, [&[0x90][..]]);
    assert_eq!(heard, [Heard::Violation(Violation::NotUtf8)]);
    assert!(!decoder.is_partial());
}

#[test]
fn text_that_ends_inside_a_character_is_refused() {
    check_refused(&raw(0x81, b"a\xc3"), Violation::NotUtf8);
    check_refused(
        &[raw(0x01, b"a\xc3"), raw(0x80, b"")].concat(),
        Violation::NotUtf8,
    );
}

#[test]
fn compressed_messages_inflate_whole_or_fragmented() {
    let text = "compress me, ".repeat(50);
    let compressed = compress(text.as_bytes(), FlushCompress::Sync);
    let (head, tail) = compressed.split_at(5);
    let bytes = [raw(0xc1, &compressed), raw(0x41, head), raw(0x80, tail)].concat();
    check(&bytes, &[Heard::Text(text.clone()), Heard::Text(text)]);
}

#[test]
fn compressed_messages_may_be_empty_or_end_their_blocks() {
    check(&raw(0xc1, b"\0"), &[Heard::Text(String::new())]);
    check(&raw(0xc1, b""), &[Heard::Text(String::new())]);
    // The examples of RFC 7692, sections 7.2.3.2 to 7.2.3.5.
    let hello = [Heard::Text("Hello".to_owned())];
    check(&raw(0xc1, b"\xf2\x48\xcd\xc9\xc9\x07\x00"), &hello);
    check(
        &raw(0xc1, b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"),
        &hello,
    );
    check(&raw(0xc1, b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), &hello);
    check(&raw(0xc1, b"\xf3\x48\xcd\xc9\xc9\x07\x00"), &hello);
    check(
        &raw(
            0xc1,
            b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
        ),
        &hello,
    );
}

#[test]
fn corrupt_and_truncated_compressed_data_are_refused() {
    let compressed = compress("truncate me, ".repeat(50).as_bytes(), FlushCompress::Sync);
    for end in 1..compressed.len() {
        check_refused(&raw(0xc2, &compressed[..end]), Violation::CorruptDeflate);
    }
    check_refused(&raw(0xc2, &[0xff; 20]), Violation::CorruptDeflate);
}

#[test]
fn compressed_text_must_be_utf8() {
    check_refused(
        &raw(0xc1, &compress(b"a\xff", FlushCompress::Sync)),
        Violation::NotUtf8,
    );
    check_refused(
        &raw(0xc1, &compress(b"a\xc3", FlushCompress::Sync)),
        Violation::NotUtf8,
    );
}

#[test]
fn inflating_stops_at_the_limit() {
    let exact = compress(&[b'x'; 2000], FlushCompress::Sync);
    check(&raw(0xc2, &exact), &[Heard::Binary(vec![b'x'; 2000])]);
    let above = compress(&[b'x'; 2001], FlushCompress::Sync);
    check_refused(&raw(0xc2, &above), Violation::MessageTooBig);
    let bomb = compress(&vec![0; 900_000], FlushCompress::Sync);
    check_refused(&raw(0xc2, &bomb), Violation::MessageTooBig);
}

#[test]
fn a_partial_message_is_partial_until_it_is_heard() {
    let mut decoder = decoder();
    assert!(!decoder.is_partial());
    let bytes = raw(0x82, b"payload");
    for byte in bytes.chunks(1) {
        assert!(!decoder.is_partial() || byte != &bytes[..1]);
        hear(&mut decoder, [byte]);
    }
    assert!(!decoder.is_partial());
    hear(&mut decoder, [&raw(0x02, b"")[..]]);
    assert!(decoder.is_partial(), "a fragment");
    hear(&mut decoder, [&raw(0x89, b"ping")[..]]);
    assert!(decoder.is_partial(), "a fragment and a ping");
    hear(&mut decoder, [&raw(0x80, b"")[..]]);
    assert!(!decoder.is_partial());
    hear(&mut decoder, [&[0x82][..]]);
    assert!(decoder.is_partial(), "half a header");
}

#[test]
fn a_decoder_is_small() {
    assert!(size_of::<Decoder>() <= 96, "{}", size_of::<Decoder>());
}

#[test]
fn every_reason_fits_into_a_close_frame() {
    for violation in [
        Violation::MaskMissing,
        Violation::MessageUnfinished,
        Violation::NotUtf8,
    ] {
        assert!(
            frame::close(violation.close_code(), violation.reason())
                .ends_with(violation.to_string().as_bytes())
        );
    }
}

#[test]
fn a_deflater_compresses_what_pays() {
    let mut deflater = Deflater::default();
    let long = "pays ".repeat(300);
    let compressed = deflater.text(&long, deflate());
    assert!(compressed.len() < long.len() / 10);
    check(&compressed, &[Heard::Text(long.clone())]);
    assert_eq!(deflater.text("too short ".repeat(9), deflate())[0], 0x81);
    assert_eq!(
        deflater.text(&long, deflate()),
        compressed,
        "no context is taken over"
    );
    let noise: Vec<u8> = noise().take(2000).collect();
    assert!(
        deflater.binary(&noise, deflate()) == frame::binary(&noise),
        "nothing to gain"
    );
}

/// Bytes without a pattern (xorshift).
fn noise() -> impl Iterator<Item = u8> {
    let next = |x: &u32| {
        let x = x ^ (x << 13);
        let x = x ^ (x >> 17);
        Some(x ^ (x << 5))
    };
    std::iter::successors(Some(1), next).map(|x| x.to_be_bytes()[0])
}

#[test]
fn every_window_size_is_compressed_within_it() {
    let mut deflater = Deflater::with_threshold(0);
    let text = (0..300)
        .map(|i| (i * i).to_string())
        .collect::<Vec<_>>()
        .join(" ");
    for bits in 9..=15 {
        let offer = format!("permessage-deflate; server_max_window_bits={bits}");
        let (deflate, _) = Deflate::negotiate([offer.as_str()]).expect("in range");
        let compressed = deflater.text(&text, deflate);
        assert_eq!(compressed[0], 0xc1);
        check(&compressed, &[Heard::Text(text.clone())]);

        let mut narrow = flate2::Decompress::new_with_window_bits(false, bits);
        let mut output = Vec::with_capacity(1);
        for byte in compressed.get(4..).expect("a header of 4 bytes").chunks(1) {
            output.reserve(1000);
            narrow
                .decompress_vec(byte, &mut output, flate2::FlushDecompress::Sync)
                .expect("distances within the window");
        }
        assert_eq!(output, text.as_bytes());
    }
}

/// A frame, right or slightly wrong, of the kinds whose interplay matters.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![
        "[a-zé😀]{0,40}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..300),
        "[a-c]{0,300}".prop_map(|text| compress(text.as_bytes(), FlushCompress::Sync)),
    ];
    let first = prop_oneof![
        8 => prop::sample::select(vec![0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8a, 0xc1, 0xc2]),
        1 => prop::sample::select(vec![0x41, 0x42, 0x88, 0x09]),
        1 => any::<u8>(),
    ];
    (first, payload).prop_map(|(first, payload)| raw(first, &payload))
}

proptest! {
    #[test]
    fn a_split_changes_nothing(
        frames in prop::collection::vec(any_frame(), 1..12),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let bytes = frames.concat();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let chunks = cuts.windows(2).map(|ends| &bytes[ends[0]..ends[1]]);
        let whole = hear(&mut decoder(), [&bytes[..]]);
        prop_assert_eq!(&hear(&mut decoder(), chunks), &whole);
        prop_assert_eq!(&hear(&mut decoder(), bytes.chunks(1)), &whole);
    }

    #[test]
    fn arbitrary_bytes_are_survived_and_split_alike(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        at in any::<prop::sample::Index>(),
    ) {
        let (head, tail) = bytes.split_at(at.index(bytes.len() + 1));
        prop_assert_eq!(hear(&mut decoder(), [head, tail]), hear(&mut decoder(), [&bytes[..]]));
    }

    #[test]
    fn what_is_compressed_inflates_to_the_same(text in "[a-zé😀 ]{0,400}") {
        let compressed = Deflater::with_threshold(0).text(&text, deflate());
        prop_assert_eq!(hear(&mut decoder(), [&compressed[..]]), [Heard::Text(text)]);
    }
}
