//! The tables of codes as a page of the documentation.

use std::fmt::Write;

use super::{CloseCode, ErrorCode};

const HEAD: &str = "\
<!-- Generated from crates/protocol/src/wire/code.rs. To renew:
     UPDATE_GENERATED=1 cargo test -p tautline-protocol --test codes -->

# Codes

Every code that Tautline can send.

## Close codes

Sent in the close frame, always with a reason. Codes below 4000 are those of RFC 6455.

| code | name | means | client |
|---|---|---|---|
";

const ERRORS: &str = "
## Error codes

Sent in an `error`; the connection goes on. A retryable one may succeed when the same message is sent
again later.

| code | means | retryable |
|---|---|---|
";

const WRITES: &str = "writing to a string cannot fail";

/// The text of `docs/reference/codes.md`.
pub fn reference() -> String {
    let mut page = HEAD.to_owned();
    for code in CloseCode::all() {
        let (number, name) = (code.number(), code.name());
        let (meaning, client) = (code.meaning(), code.client());
        writeln!(page, "| {number} | `{name}` | {meaning} | {client} |").expect(WRITES);
    }
    page.push_str(ERRORS);
    for code in ErrorCode::all() {
        let (name, meaning) = (code.name(), code.meaning());
        let retryable = if code.retryable() { "yes" } else { "no" };
        writeln!(page, "| `{name}` | {meaning} | {retryable} |").expect(WRITES);
    }
    page
}
