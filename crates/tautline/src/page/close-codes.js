// What the close codes of a connection mean, and what a client does after each.
//
// "retry"    come back with backoff
// "strikes"  come back, but give up after STRIKES_MAX of them in a row: the same frame would fail again
// "final"    stay away until a person decides otherwise

export const STRIKES_MAX = 3;

const SLOW_CONSUMER_PAUSE_MS = 5_000;

const CLOSE_CODES = new Map([
  [1000, { meaning: "closed normally", then: "retry" }],
  [1001, { meaning: "the server is going away: drain or restart", then: "retry" }],
  [1002, { meaning: "WebSocket protocol error", then: "strikes" }],
  [1003, { meaning: "binary frame, where only text is spoken", then: "strikes" }],
  [1005, { meaning: "closed without a code", then: "retry" }],
  [1006, { meaning: "lost, with no goodbye from the server", then: "retry" }],
  [1007, { meaning: "text that is not UTF-8", then: "strikes" }],
  [1008, { meaning: "a message the server does not accept", then: "strikes" }],
  [1009, { meaning: "message too big", then: "retry" }],
  [1011, { meaning: "server error", then: "retry" }],
  [1013, { meaning: "this client read too slowly", then: "retry", pauseMs: SLOW_CONSUMER_PAUSE_MS }],
  [4400, { meaning: "bad request", then: "final" }],
  [4401, { meaning: "authentication required, or the token has expired", then: "final" }],
  [4403, { meaning: "authentication failed, or forbidden", then: "final" }],
  [4408, { meaning: "no heartbeat in time", then: "retry" }],
  [4409, { meaning: "replaced by a newer connection", then: "final" }],
  [4410, { meaning: "disconnected by the application", then: "final" }],
  [4426, { meaning: "this protocol version is no longer served", then: "final" }],
  [4429, { meaning: "a limit is reached", then: "retry" }],
]);

/** The entry for `code`: `{ meaning, then, pauseMs? }`. A code that is not in the table is worth a retry. */
export function closeCode(code) {
  return CLOSE_CODES.get(code) ?? { meaning: "unknown close code", then: "retry" };
}
