//! Arbitrary bytes as a compressed message: never more than the limit comes out, in text only UTF-8, and
//! the same as from zlib itself. What the deflater makes of the same bytes inflates to them.
//!
//! With cargo-fuzz, from `crates/websocket`: `cargo +stable fuzz run inflater -s none -- -max_total_time=20`.
//! Without it: `cargo xtask fuzz`, which builds this package with the same coverage flags.

#![no_main]

use flate2::{Decompress, FlushDecompress};
use libfuzzer_sys::fuzz_target;
use tautline_websocket::{
    Decoder, Deflate, Deflater, Event, Inflater, Input, Limits, Role, Violation, frame,
};

const LIMITS: Limits = Limits {
    frame_bytes_max: 64 * 1024,
    message_bytes_max: 64 * 1024,
    fragments_max: 1,
};

// The first byte is that of a whole, compressed text or binary frame; the rest is its payload.
fuzz_target!(|data: &[u8]| {
    let Some((&choice, payload)) = data.split_first() else {
        return;
    };
    if payload.len() > LIMITS.frame_bytes_max {
        return;
    }
    let mut compressed = frame::binary(payload).to_vec();
    compressed[0] = if choice & 1 == 0 { 0xc1 } else { 0xc2 };
    match decode(&mut compressed) {
        Ok(message) => assert!(message.starts_with(&inflate(payload))),
        Err(violation) => assert!(matches!(violation.close_code(), 1007 | 1009)),
    }

    let window = format!(
        "permessage-deflate; server_max_window_bits={}",
        9 + choice % 7
    );
    let (deflate, _) = Deflate::negotiate([window.as_str()]).expect("9 to 15 bits");
    let mut ours = Deflater::with_threshold(0)
        .binary(payload, deflate)
        .to_vec();
    assert_eq!(decode(&mut ours).as_deref(), Ok(payload));
});

/// The message that a client hears.
fn decode(bytes: &mut [u8]) -> Result<Vec<u8>, Violation> {
    let deflate = Deflate::negotiate([Deflate::OFFER]).map(|(deflate, _)| deflate);
    let mut decoder = Decoder::new(Role::Client, LIMITS, deflate);
    let mut inflater = Inflater::default();
    match decoder.next(&mut Input::new(bytes), &mut inflater)? {
        Some(Event::Text(text)) => Ok(text.as_bytes().to_vec()),
        Some(Event::Binary(bytes)) => Ok(bytes.to_vec()),
        event => panic!("one whole message, but {event:?}"),
    }
}

/// What zlib makes of the first stream in `payload`, in one step.
fn inflate(payload: &[u8]) -> Vec<u8> {
    let mut output = Vec::with_capacity(2 * LIMITS.message_bytes_max);
    // An error says only that no more can be inflated.
    Decompress::new(false)
        .decompress_vec(payload, &mut output, FlushDecompress::Sync)
        .ok();
    output
}
