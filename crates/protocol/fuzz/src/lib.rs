//! What must hold for any bytes of a message, whichever encoding they are read in.

use tautline_protocol::wire::v2::{ClientMessage, Encoding, Envelope, ServerMessage};

/// Reads the bytes as what a client says and as what the server says.
pub fn check(encoding: Encoding, bytes: &[u8]) {
    if let Ok(message) = Envelope::<ClientMessage<'_>>::decode(encoding, bytes) {
        check_written(|to| message.encode(to), rewritten_client);
    }
    if let Ok(message) = Envelope::<ServerMessage<'_>>::decode(encoding, bytes) {
        check_written(|to| message.encode(to), rewritten_server);
    }
}

/// What was read can be written in both encodings, and reading that changes nothing any more.
fn check_written(
    write: impl Fn(Encoding) -> Vec<u8>,
    rewrite: impl Fn(Encoding, &[u8]) -> [Vec<u8>; 2],
) {
    let (json, packed) = (write(Encoding::Json), write(Encoding::MessagePack));
    let [same_json, packed_again] = rewrite(Encoding::Json, &json);
    assert_eq!(same_json, json);
    assert_eq!(packed_again, packed);
    let [plain_json, same_packed] = rewrite(Encoding::MessagePack, &packed);
    assert_eq!(same_packed, packed);
    // Data is plain when it comes from MessagePack, and then it is the same in both.
    assert_eq!(rewrite(Encoding::Json, &plain_json), [plain_json, packed]);
}

fn rewritten_client(encoding: Encoding, bytes: &[u8]) -> [Vec<u8>; 2] {
    let message = Envelope::<ClientMessage<'_>>::decode(encoding, bytes);
    let message = message.expect("what is written can be read");
    [Encoding::Json, Encoding::MessagePack].map(|to| message.encode(to))
}

fn rewritten_server(encoding: Encoding, bytes: &[u8]) -> [Vec<u8>; 2] {
    let message = Envelope::<ServerMessage<'_>>::decode(encoding, bytes);
    let message = message.expect("what is written can be read");
    [Encoding::Json, Encoding::MessagePack].map(|to| message.encode(to))
}
