//! Arbitrary bytes to the decoder, whole and split: it never panics, and both ways hear the same.
//!
//! With cargo-fuzz, from `crates/websocket`: `cargo +stable fuzz run decoder -s none -- -max_total_time=20`.
//! Without it: `cargo xtask fuzz`, which builds this package with the same coverage flags.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tautline_websocket::{Decoder, Deflate, Event, Inflater, Input, Limits, Role};

const LIMITS: Limits = Limits {
    frame_bytes_max: 300,
    message_bytes_max: 500,
    fragments_max: 5,
};

// The first byte chooses role, compression and the size of the pieces.
fuzz_target!(|data: &[u8]| {
    let Some((&choice, bytes)) = data.split_first() else {
        return;
    };
    let role = if choice & 1 == 0 {
        Role::Server
    } else {
        Role::Client
    };
    let deflate = Deflate::negotiate(Some(Deflate::OFFER)).filter(|_| choice & 2 == 0);
    let deflate = deflate.map(|(deflate, _)| deflate);
    let whole = hear(Decoder::new(role, LIMITS, deflate), [bytes]);
    let pieces = bytes.chunks(usize::from(choice >> 2) + 1);
    assert_eq!(hear(Decoder::new(role, LIMITS, deflate), pieces), whole);
});

/// Each event and violation, as words.
fn hear<'c>(mut decoder: Decoder, chunks: impl IntoIterator<Item = &'c [u8]>) -> Vec<String> {
    let (mut heard, mut inflater) = (Vec::new(), Inflater::default());
    for chunk in chunks {
        let mut chunk = chunk.to_vec();
        let mut input = Input::new(&mut chunk);
        loop {
            match decoder.next(&mut input, &mut inflater) {
                Ok(None) => break,
                Ok(Some(event)) => {
                    check_size(event);
                    heard.push(format!("{event:?}"));
                }
                Err(violation) => heard.push(format!("{violation:?}")),
            }
        }
        assert!(input.is_empty());
    }
    heard
}

fn check_size(event: Event<'_>) {
    let (size, limit) = match event {
        Event::Text(text) => (text.len(), LIMITS.message_bytes_max),
        Event::Binary(bytes) => (bytes.len(), LIMITS.message_bytes_max),
        Event::Ping(bytes) | Event::Pong(bytes) => (bytes.len(), 125),
        Event::Close { reason, .. } => (reason.len(), 123),
    };
    assert!(size <= limit);
}
