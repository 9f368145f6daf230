//! Arbitrary bytes as MessagePack: they are read or refused without a panic, and what is read stays what it is.
//!
//! With cargo-fuzz, from `crates/protocol`: `cargo +stable fuzz run message_pack -s none -- -max_total_time=20`.
//! Without it: `cargo xtask fuzz`, which builds this package with the same coverage flags.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tautline_protocol::wire::v2::Encoding;

fuzz_target!(|data: &[u8]| {
    tautline_protocol_fuzz::check(Encoding::MessagePack, data);
});
