//! What is the same for all sessions of v2, beyond what v1 has too.

use std::time::Duration;

/// What is the same for all sessions of v2, beyond what v1 has too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// The largest message, in bytes; the codec is told the same.
    pub message_bytes_max: usize,
    /// How many commands may wait for their answers; no frame is taken beyond that.
    pub in_flight_max: usize,
    /// How many requests of a client may wait for the application's answers; one more is refused.
    pub requests_max: usize,
    /// A request that is not answered within this is answered with `timeout`.
    pub request_timeout: Duration,
    /// The most data of a page of history or of the first page of a join, in bytes; the rooms of a `hello` share them.
    pub page_bytes_max: usize,
    /// The most messages of a page of history.
    pub history_messages_max: u32,
    /// The most that `last` of a join gets.
    pub last_messages_max: u32,
    /// The most members that are listed.
    pub members_max: usize,
    /// The largest state of a member, in bytes of its JSON.
    pub presence_bytes_max: usize,
    /// How long before its end a token is said to expire; half its time if that is shorter.
    pub expiry_warning: Duration,
    /// A client that is told to come back later waits at least so long.
    pub come_back_after: Duration,
    /// No attempt to come back waits longer.
    pub retry_cap: Duration,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            message_bytes_max: 64 * 1024,
            in_flight_max: 32,
            requests_max: 32,
            request_timeout: Duration::from_secs(10),
            page_bytes_max: 64 * 1024,
            history_messages_max: 300,
            last_messages_max: 1000,
            members_max: 200,
            presence_bytes_max: 2048,
            expiry_warning: Duration::from_mins(1),
            come_back_after: Duration::from_secs(5),
            retry_cap: Duration::from_secs(30),
        }
    }
}
