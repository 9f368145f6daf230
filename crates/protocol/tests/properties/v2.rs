//! Messages of v2: any bytes are decoded or refused, and both encodings say the same.
//!
//! Messages are made from a description of their fields, written from `protocol/README.md`, not from the code.

use std::fmt::Debug;

use proptest::prelude::*;
use proptest::sample::select;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tautline_protocol::wire::v2::{ClientMessage, Encoding, Envelope, ServerMessage};

/// What a field may hold.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Token,
    Room,
    Event,
    Data,
    Flag,
    Number(u64),
    Epoch,
    Id,
    Connection,
    Time,
    OneOf(&'static [&'static str]),
    CloseCode,
    Struct(Fields),
    List(&'static Self),
    /// A list that is absent where it is empty.
    Several(&'static Self),
    Union(&'static [(&'static str, Fields)]),
    Maybe(&'static Self),
}

type Fields = &'static [(&'static str, Kind)];

use Kind::{
    CloseCode, Connection, Data, Epoch, Event, Flag, Id, List, Maybe, Number, OneOf, Room, Several,
    Struct, Text, Time, Token, Union,
};

const COUNT: Kind = Number(u32::MAX as u64);
const LONG: Kind = Number(u64::MAX);
const POSITION: Kind = Struct(&[("epoch", Epoch), ("offset", LONG), ("id", Id)]);
const RATE: Kind = Struct(&[("perSecond", COUNT), ("burst", COUNT)]);
const WANTED: Kind = Struct(&[
    ("room", Room),
    ("since", Maybe(&POSITION)),
    ("presence", Maybe(&Data)),
]);
const REPORT: Kind = Struct(&[
    ("code", Number(65_535)),
    ("clean", Flag),
    ("errorFirst", Flag),
    ("ageMs", LONG),
    ("idleMs", LONG),
    ("asleepMs", LONG),
    ("hidden", Flag),
    ("bfcache", Flag),
    ("offline", Flag),
    ("attempts", COUNT),
]);
const MEMBER: Kind = Struct(&[
    ("connection", Connection),
    ("user", Text),
    ("name", Text),
    ("state", Maybe(&Data)),
]);
const MESSAGE: Fields = &[
    ("room", Room),
    ("offset", LONG),
    ("id", Id),
    ("event", Event),
    ("data", Data),
    ("user", Maybe(&Text)),
    ("sentAt", Time),
    ("producer", Maybe(&Text)),
];
const MESSAGES: Kind = List(&Struct(MESSAGE));
const GAP_REASON: Kind = OneOf(&["evicted", "epoch-changed", "limit", "slow-consumer"]);
const MISSING: Kind = Struct(&[("from", LONG), ("to", LONG), ("reason", GAP_REASON)]);
const JOINED: Fields = &[
    ("room", Room),
    ("position", POSITION),
    ("recovered", Flag),
    ("messages", MESSAGES),
    ("more", Flag),
    ("members", Maybe(&List(&MEMBER))),
    ("gap", Maybe(&MISSING)),
    (
        "ack",
        Maybe(&Struct(&[("timeoutMs", LONG), ("inFlight", COUNT)])),
    ),
];
const ERROR_CODE: Kind = OneOf(&["unauthorized", "bad_request", "rate_limited", "internal"]);
const DETAILS: Kind = Struct(&[("path", Maybe(&Text)), ("room", Maybe(&Room))]);
const FAILURE: Fields = &[
    ("code", ERROR_CODE),
    ("message", Text),
    ("retryable", Flag),
    ("retryAfterMs", Maybe(&LONG)),
    ("details", Maybe(&DETAILS)),
];
const LIMITS: Kind = Struct(&[
    ("messageBytes", LONG),
    ("rooms", COUNT),
    ("publish", Maybe(&RATE)),
    ("join", Maybe(&RATE)),
    ("request", Maybe(&RATE)),
]);
const RETRY: Kind = Struct(&[("firstWindowMs", LONG), ("capMs", LONG)]);
const ONLY_ROOM: Fields = &[("room", Room)];
const ONE_MEMBER: Fields = &[("room", Room), ("member", MEMBER)];

const CLIENT: [(&str, Fields); 14] = [
    (
        "hello",
        &[
            ("token", Maybe(&Token)),
            ("client", Struct(&[("name", Text), ("version", Text)])),
            ("producer", Text),
            ("report", Maybe(&REPORT)),
            ("rooms", Maybe(&Several(&WANTED))),
        ],
    ),
    ("refresh", &[("token", Token)]),
    (
        "join",
        &[
            ("room", Room),
            ("since", Maybe(&POSITION)),
            ("last", Maybe(&COUNT)),
            ("presence", Maybe(&Data)),
        ],
    ),
    ("leave", ONLY_ROOM),
    (
        "publish",
        &[
            ("room", Room),
            ("event", Event),
            ("data", Data),
            ("key", Maybe(&Text)),
        ],
    ),
    (
        "cast",
        &[
            ("room", Room),
            ("event", Event),
            ("data", Data),
            ("conflate", Maybe(&Text)),
        ],
    ),
    ("ack", &[("room", Room), ("epoch", Epoch), ("offset", LONG)]),
    (
        "history",
        &[
            ("room", Room),
            ("before", Maybe(&LONG)),
            ("after", Maybe(&POSITION)),
            ("limit", COUNT),
        ],
    ),
    ("members", ONLY_ROOM),
    ("presence", &[("room", Room), ("state", Data)]),
    ("request", &[("method", Text), ("data", Maybe(&Data))]),
    ("ping", &[]),
    ("pong", &[]),
    ("cancel", &[]),
];

const SERVER: [(&str, Fields); 23] = [
    (
        "welcome",
        &[
            ("connection", Connection),
            ("user", Text),
            ("serverTime", Time),
            ("pingEveryMs", LONG),
            ("limits", LIMITS),
            ("retry", RETRY),
            ("tokenTtlMs", Maybe(&LONG)),
            (
                "rooms",
                Maybe(&Several(&Union(&[("joined", JOINED), ("error", FAILURE)]))),
            ),
        ],
    ),
    ("refreshed", &[("tokenTtlMs", Maybe(&LONG))]),
    ("joined", JOINED),
    ("left", ONLY_ROOM),
    ("message", MESSAGE),
    (
        "cast",
        &[
            ("room", Room),
            ("event", Event),
            ("data", Data),
            ("user", Maybe(&Text)),
        ],
    ),
    (
        "published",
        &[
            ("epoch", Epoch),
            ("offset", LONG),
            ("id", Id),
            ("duplicate", Flag),
            ("level", OneOf(&["memory", "broker", "disk"])),
        ],
    ),
    (
        "history",
        &[
            ("room", Room),
            ("position", POSITION),
            ("messages", MESSAGES),
            ("more", Flag),
        ],
    ),
    ("members", &[("room", Room), ("members", List(&MEMBER))]),
    ("memberJoined", ONE_MEMBER),
    ("memberLeft", ONE_MEMBER),
    (
        "memberChanged",
        &[
            ("room", Room),
            ("member", MEMBER),
            ("was", Maybe(&Connection)),
        ],
    ),
    ("memberCount", &[("room", Room), ("count", COUNT)]),
    ("presenceSet", ONLY_ROOM),
    ("response", &[("data", Data)]),
    (
        "gap",
        &[
            ("room", Room),
            ("from", LONG),
            ("to", LONG),
            ("position", POSITION),
            ("reason", GAP_REASON),
        ],
    ),
    ("expiring", &[("inMs", LONG)]),
    (
        "goaway",
        &[
            ("reason", Text),
            ("deadlineMs", LONG),
            ("windowMs", LONG),
            ("url", Maybe(&Text)),
        ],
    ),
    (
        "removed",
        &[("room", Room), ("code", ERROR_CODE), ("message", Text)],
    ),
    (
        "bye",
        &[
            ("code", CloseCode),
            ("retry", Flag),
            ("afterMs", Maybe(&LONG)),
        ],
    ),
    ("error", FAILURE),
    ("ping", &[]),
    ("pong", &[]),
];

fn any_of(kind: Kind) -> BoxedStrategy<Value> {
    match kind {
        Text => "\\PC{1,64}|[\"\\\\\n\u{1}a]{1,9}"
            .prop_map(|text| short(&text))
            .boxed(),
        Token => "[!-~]{8,40}".prop_map(Value::from).boxed(),
        Room => "[A-Za-z0-9_.:/@|~+-]{1,128}".prop_map(Value::from).boxed(),
        Event => "[A-Z][A-Za-z0-9._-]{0,63}".prop_map(Value::from).boxed(),
        Data => any_data().boxed(),
        Flag => any::<bool>().prop_map(Value::from).boxed(),
        Number(max) => prop_oneof![0..=max, 0..=max.min(300)]
            .prop_map(Value::from)
            .boxed(),
        Epoch => "[0-9a-f]{16}".prop_map(Value::from).boxed(),
        Id => "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
            .prop_map(Value::from)
            .boxed(),
        Connection => "[0-9a-f]{28}".prop_map(Value::from).boxed(),
        Time => "[2-9][0-9]{3}-0[1-9]-[01][1-9]T0[0-9]:[0-5][0-9]:[0-5][0-9]\\.[0-9]{3}Z"
            .prop_map(Value::from)
            .boxed(),
        OneOf(names) => select(names).prop_map(Value::from).boxed(),
        CloseCode => select(&[1000, 1013, 4408, 4429][..])
            .prop_map(Value::from)
            .boxed(),
        Struct(fields) => any_struct(fields),
        List(kind) => prop::collection::vec(any_of(*kind), 0..4)
            .prop_map(Value::from)
            .boxed(),
        Several(kind) => prop::collection::vec(any_of(*kind), 1..4)
            .prop_map(Value::from)
            .boxed(),
        Union(kinds) => select(kinds)
            .prop_flat_map(|(name, fields)| {
                any_struct(fields).prop_map(move |it| json!({ "type": name, "payload": it }))
            })
            .boxed(),
        Maybe(kind) => prop_oneof![Just(Value::Null), any_of(*kind)].boxed(),
    }
}

/// A text of at most 64 UTF-16 units.
fn short(text: &str) -> Value {
    let mut units = 0;
    let kept = text.chars().take_while(|character| {
        units += character.len_utf16();
        units <= 64
    });
    Value::from(kept.collect::<String>())
}

fn any_data() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<f32>().prop_map(|it| Value::from(f64::from(it))),
        "\\PC{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Value::from),
            prop::collection::btree_map("\\PC{0,5}", inner, 0..20)
                .prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

fn any_struct(fields: Fields) -> BoxedStrategy<Value> {
    let values: Vec<_> = fields.iter().map(|(_, kind)| any_of(*kind)).collect();
    let named = move |values: Vec<Value>| {
        let names = fields.iter().map(|(name, _)| (*name).to_owned());
        Value::Object(names.zip(values).collect::<Map<String, Value>>())
    };
    values.prop_map(named).boxed()
}

fn any_message(kinds: &'static [(&'static str, Fields)]) -> impl Strategy<Value = Value> {
    let request = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,9}".prop_map(Value::from),
    ];
    (select(kinds), request).prop_flat_map(|((kind, fields), request)| {
        any_struct(fields).prop_map(
            move |payload| json!({ "type": kind, "requestId": request, "payload": payload }),
        )
    })
}

/// A message without what is absent.
fn meant(value: &Value) -> Value {
    if let Some(fields) = value.as_object() {
        let there = fields.iter().filter(|(_, value)| !value.is_null());
        there
            .map(|(name, value)| (name.clone(), meant(value)))
            .collect()
    } else if let Some(items) = value.as_array() {
        items.iter().map(meant).collect()
    } else {
        value.clone()
    }
}

/// Text, message, bytes, message and text: nothing is lost on the way.
fn check_round<'t, M>(text: &'t str) -> Vec<u8>
where
    M: Serialize + Deserialize<'t> + PartialEq + Debug,
{
    let message = Envelope::<M>::decode(Encoding::Json, text.as_bytes());
    let message = message.unwrap_or_else(|error| panic!("{error:?}: {text}"));
    let written = String::from_utf8(message.encode(Encoding::Json)).unwrap();
    let [given, back] = [text, &written].map(|text| serde_json::from_str::<Value>(text).unwrap());
    assert_eq!(meant(&back), meant(&given));
    message.encode(Encoding::MessagePack)
}

/// The bytes are read as the same message that the text says.
fn check_packed<'b, M>(packed: &'b [u8], text: &str)
where
    M: Serialize + Deserialize<'b> + PartialEq + Debug,
{
    let message = Envelope::<M>::decode(Encoding::MessagePack, packed).unwrap();
    assert_eq!(message.encode(Encoding::MessagePack), packed);
    let back: Value = serde_json::from_slice(&message.encode(Encoding::Json)).unwrap();
    let given: Value = serde_json::from_str(text).unwrap();
    assert_eq!(meant(&back), meant(&given));
}

/// Whatever comes is decoded or refused in words that can be shown.
fn check_any(bytes: &[u8]) {
    for encoding in [Encoding::Json, Encoding::MessagePack] {
        let client = Envelope::<ClientMessage<'_>>::decode(encoding, bytes).map(drop);
        let server = Envelope::<ServerMessage<'_>>::decode(encoding, bytes).map(drop);
        for refused in [client, server].into_iter().filter_map(Result::err) {
            let reason = refused.fault.to_string();
            assert!((1..=250).contains(&reason.len()), "{reason}");
            assert!(!reason.chars().any(char::is_control), "{reason}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_clients_message_is_the_same_in_both_encodings(message in any_message(&CLIENT)) {
        let text = message.to_string();
        let packed = check_round::<ClientMessage<'_>>(&text);
        check_packed::<ClientMessage<'_>>(&packed, &text);
    }

    #[test]
    fn a_servers_message_is_the_same_in_both_encodings(message in any_message(&SERVER)) {
        let text = message.to_string();
        let packed = check_round::<ServerMessage<'_>>(&text);
        check_packed::<ServerMessage<'_>>(&packed, &text);
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check_any(&bytes);
    }

    #[test]
    fn a_message_with_a_flaw_is_decoded_or_refused(message in any_message(&CLIENT), at: prop::sample::Index, flaw: u8) {
        let text = message.to_string();
        let packed = check_round::<ClientMessage<'_>>(&text);
        for mut bytes in [text.into_bytes(), packed] {
            let at = at.index(bytes.len());
            bytes[at] = flaw;
            check_any(&bytes);
            check_any(&bytes[..at]);
        }
    }
}
