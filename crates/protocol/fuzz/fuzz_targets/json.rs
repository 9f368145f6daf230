//! Arbitrary bytes as JSON: they are read or refused without a panic, and what is read stays what it is.
//!
//! With cargo-fuzz, from `crates/protocol`: `cargo +stable fuzz run json -s none -- -max_total_time=20`.
//! Without it: `cargo xtask fuzz`, which builds this package with the same coverage flags.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tautline_protocol::wire::v2::Encoding;
use tautline_protocol::wire::v1;

fuzz_target!(|data: &[u8]| {
    tautline_protocol_fuzz::check(Encoding::Json, data);
    if let Ok(text) = std::str::from_utf8(data) {
        let _command_or_refusal = v1::parse(text);
    }
});
