// protocol/vectors/v2, the same that the server is tested with: what a client writes and reads, in both encodings.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { json } from "../src/encoding.js";
import { decode, encode, type Said } from "../src/msgpack/codec.js";
import { messagePack } from "../src/msgpack/index.js";
import { CLIENT, type Messages, SERVER } from "../src/msgpack/layout.js";
import type { ClientMessage, ServerMessage } from "../src/wire.js";

interface Vector {
  name: string;
  json?: string;
  msgpack?: string;
  means?: string;
  steps?: { text?: string; out: { send?: string }[] }[];
}

const FOLDER = new URL("../../../../protocol/vectors/v2/", import.meta.url);

function vectors(file: string): Vector[] {
  return JSON.parse(readFileSync(new URL(`${file}.json`, FOLDER), "utf8")).vectors;
}

function ofHex(digits: string): ArrayBuffer {
  return new Uint8Array(Buffer.from(digits, "hex")).buffer;
}

function toHex(bytes: string | Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

test("a client's messages are written byte for byte as the vectors say", () => {
  let beyond = 0;
  for (const { name, json: text = "", msgpack } of vectors("client")) {
    const message: ClientMessage = JSON.parse(text);
    // One has a number of 64 bits, which JavaScript cannot say.
    if (text.includes("18446744073709551615")) {
      beyond++;
      continue;
    }
    assert.equal(json.encode(message), text, name);
    assert.equal(toHex(messagePack().encode(withPayload(message))), msgpack, name);
  }
  assert.equal(beyond, 1);
});

test("the server's messages are read as the same from both encodings", () => {
  for (const { name, json: text = "", msgpack = "" } of vectors("server")) {
    const message = json.decode(text);
    assert.deepEqual(message, JSON.parse(text), name);
    assert.deepEqual(messagePack().decode(ofHex(msgpack)), withPayload(message as ServerMessage), name);
  }
});

test("the server's messages are written as the vectors say, by the tables that read them", () => {
  for (const { name, json: text = "", msgpack } of vectors("server")) {
    assert.equal(toHex(encode(SERVER, withPayload(JSON.parse(text)))), msgpack, name);
  }
});

test("other ways to write a message in MessagePack are read as the same", () => {
  let seen = 0;
  for (const { name, msgpack, means = "" } of vectors("accepted")) {
    if (msgpack === undefined) continue;
    seen++;
    assert.deepEqual(decode(CLIENT, ofHex(msgpack)), withPayload(JSON.parse(means)), name);
  }
  assert.ok(seen > 5);
});

test("whatever is said in the transcripts survives both encodings", () => {
  let seen = 0;
  const check = (messages: Messages, text: string, name: string) => {
    const message = withPayload(JSON.parse(text));
    assert.deepEqual(decode(messages, encode(messages, message).buffer), message, name);
    seen++;
  };
  for (const { name, steps = [] } of vectors("sessions")) {
    for (const { out } of steps) {
      for (const { send } of out) if (send !== undefined) check(SERVER, send, name);
    }
  }
  assert.ok(seen > 100);
});

test("bytes that are no message throw, and nothing else happens", () => {
  for (const digits of [
    "",
    "c0",
    "90",
    "93",
    "9200",
    "92cd",
    "9201c1",
    "920181",
    "92a16190",
    "92019100ff",
    "d4",
    "c4ff00",
  ]) {
    assert.throws(() => messagePack().decode(ofHex(digits)), digits);
  }
  assert.throws(() => messagePack().decode("text"));
  for (const text of ["", "1", "null", "[]", "{}", '{"type":1}']) assert.throws(() => json.decode(text), text);
});

test("a type of a later server is passed over", () => {
  assert.equal(messagePack().decode(ofHex("92cc8090")), undefined);
});

test("data is written as JSON would say it", () => {
  const data = {
    text: "ü🙂",
    numbers: [0, -1, 127, 128, -33, 255, 65_535, 65_536, 2 ** 32, 2 ** 53, -(2 ** 40), 0.5, 0.1, 1e300, -0.25],
    odd: [undefined, Number.NaN, Number.POSITIVE_INFINITY, () => 1],
    date: new Date(0),
    absent: undefined,
    method() {},
    nested: { list: Array.from({ length: 70_000 }, (_, at) => at % 3), long: "x".repeat(70_000) },
  };
  Object.defineProperty(data, "__proto__", { value: { evil: 1 }, enumerable: true });
  const message: ClientMessage = { type: "publish", payload: { room: "r", event: "e", data }, requestId: 7 };
  const read = decode(CLIENT, encode(CLIENT, message).buffer);
  assert.deepEqual(read, JSON.parse(json.encode(message) as string));
});

test("what is no JSON is refused before it is sent", () => {
  const loop: unknown[] = [];
  loop.push(loop);
  const refused = (data: unknown) => {
    const message: ClientMessage = { type: "publish", payload: { room: "r", event: "e", data } };
    for (const encoding of [json, messagePack()]) {
      assert.throws(() => encoding.encode(message), { code: "invalid_payload", outcome: "not-sent" });
    }
  };
  refused(loop);
  refused(1n);
  const half: ClientMessage = { type: "publish", payload: { room: "r", event: "e", data: "\ud83d" } };
  assert.throws(() => json.encode(half), { code: "invalid_payload" });
  json.encode({ ...half, payload: { ...half.payload, data: "\\ud83d as it is written" } });
});

/** Messages that say all by their type may have no payload. */
function withPayload<M extends Said>(message: M): M {
  return { ...message, payload: message.payload ?? {} };
}
