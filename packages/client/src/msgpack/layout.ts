// The order of fields in MessagePack, as the tables of protocol/README.md have it: names of types, and of fields, are their
// place.

/** How a value is written. */
export type Layout =
  /** A text, a number or a boolean, as it is. */
  | "plain"
  /** The application's data, and the same where it may be absent. */
  | "data"
  | "data?"
  /** Hexadecimal digits as bytes; those of a UUID. */
  | "hex"
  | "uuid"
  /** A time, as milliseconds since 1970. */
  | "time"
  /** A list of one layout. */
  | { readonly list: Layout }
  /** A name of a closed set, as its number. */
  | { readonly names: readonly string[] }
  /** An object: a list of its fields. */
  | { readonly fields: Fields }
  /** A message: a list of its type's number and its payload. */
  | { readonly messages: Messages };

/** Fields in their order. */
export type Fields = readonly (readonly [name: string, layout: Layout])[];

/** Types in their order, each with its payload. */
export type Messages = readonly (readonly [type: string, payload: Layout])[];

/** An object of these fields; those that are only named are plain. */
function of(...fields: (string | readonly [string, Layout])[]): Layout {
  return { fields: fields.map((field) => (typeof field === "string" ? ([field, "plain"] as const) : field)) };
}

const ERROR_CODES = [
  "unauthorized",
  "forbidden",
  "bad_request",
  "invalid_payload",
  "not_joined",
  "unknown_method",
  "too_large",
  "rate_limited",
  "limit_exceeded",
  "conflict",
  "timeout",
  "unavailable",
  "unsupported",
  "internal",
];

const code = ["code", { names: ERROR_CODES }] as const;
const data = ["data", "data"] as const;
const epoch = ["epoch", "hex"] as const;
const id = ["id", "uuid"] as const;
const presence = ["presence", "data?"] as const;
const reason = ["reason", { names: ["evicted", "epoch-changed", "limit", "slow-consumer"] }] as const;
const EMPTY = of();
const POSITION = of(epoch, "offset", id);
const position = ["position", POSITION] as const;
const since = ["since", POSITION] as const;
const RATE = of("perSecond", "burst");
const MESSAGE = of("room", "offset", id, "event", data, "user", ["sentAt", "time"], "producer");
const messages = ["messages", { list: MESSAGE }] as const;
const MEMBER = of(["connection", "hex"], "user", "name", ["state", "data?"]);
const member = ["member", MEMBER] as const;
const members = ["members", { list: MEMBER }] as const;
const REPORT = of(
  "code",
  "clean",
  "errorFirst",
  "ageMs",
  "idleMs",
  "asleepMs",
  "hidden",
  "bfcache",
  "offline",
  "attempts",
);
const JOINED = of(
  "room",
  position,
  "recovered",
  messages,
  "more",
  members,
  ["gap", of("from", "to", reason)],
  ["ack", of("timeoutMs", "inFlight")],
);
const FAILURE = of(code, "message", "retryable", "retryAfterMs", ["details", of("path", "room")]);

/** What a client says. */
export const CLIENT: Messages = [
  [
    "hello",
    of(
      "token",
      ["client", of("name", "version")],
      "producer",
      ["report", REPORT],
      ["rooms", { list: of("room", since, presence) }],
    ),
  ],
  ["refresh", of("token")],
  ["join", of("room", since, "last", presence)],
  ["leave", of("room")],
  ["publish", of("room", "event", data, "key")],
  ["cast", of("room", "event", data, "conflate")],
  ["ack", of("room", epoch, "offset")],
  ["history", of("room", "before", ["after", POSITION], "limit")],
  ["members", of("room")],
  ["presence", of("room", ["state", "data"])],
  ["request", of("method", ["data", "data?"])],
  ["ping", EMPTY],
  ["pong", EMPTY],
  ["cancel", EMPTY],
];

/** What the server says. */
export const SERVER: Messages = [
  [
    "welcome",
    of(
      ["connection", "hex"],
      "user",
      ["serverTime", "time"],
      "pingEveryMs",
      ["limits", of("messageBytes", "rooms", ["publish", RATE], ["join", RATE], ["request", RATE])],
      ["retry", of("firstWindowMs", "capMs")],
      "tokenTtlMs",
      [
        "rooms",
        {
          list: {
            messages: [
              ["joined", JOINED],
              ["error", FAILURE],
            ],
          },
        },
      ],
    ),
  ],
  ["refreshed", of("tokenTtlMs")],
  ["joined", JOINED],
  ["left", of("room")],
  ["message", MESSAGE],
  ["cast", of("room", "event", data, "user")],
  ["published", of(epoch, "offset", id, "duplicate", ["level", { names: ["memory", "broker", "disk"] }])],
  ["history", of("room", position, messages, "more")],
  ["members", of("room", members)],
  ["memberJoined", of("room", member)],
  ["memberLeft", of("room", member)],
  ["memberChanged", of("room", member, ["was", "hex"])],
  ["memberCount", of("room", "count")],
  ["presenceSet", of("room")],
  ["response", of(data)],
  ["gap", of("room", "from", "to", position, reason)],
  ["expiring", of("inMs")],
  ["goaway", of("reason", "deadlineMs", "windowMs", "url")],
  ["removed", of("room", code, "message")],
  ["bye", of("code", "retry", "afterMs")],
  ["error", FAILURE],
  ["ping", EMPTY],
  ["pong", EMPTY],
];
