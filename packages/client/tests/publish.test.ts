// What an application publishes and casts: until when it waits, what is known of it, what is refused,
// over sockets that end at a model of the server and a clock that stands still.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "../src/client.js";
import { json } from "../src/encoding.js";
import { messagePack } from "../src/msgpack/index.js";
import { failure, joined, Surroundings } from "./surroundings.js";

test("what is published is told to who listens, and acknowledged", async () => {
  const { here, room, client } = await joined();
  const heard: unknown[] = [];
  const off = room.on("said", (message) => heard.push(message.data));
  room.onMessage((message) => heard.push(message.offset));
  room.on("other", () => assert.fail("another event"));
  const acks = [room.publish("said", "one"), room.publish("said", undefined)];
  assert.equal(client.pending, 2);
  await here.pass(1_000);
  assert.deepEqual(
    (await Promise.all(acks)).map((ack) => [ack.offset, ack.duplicate]),
    [
      [1, false],
      [2, false],
    ],
  );
  off();
  room.publish("said", "three");
  await here.pass(1_000);
  assert.deepEqual(heard, ["one", 1, null, 2, 3]);
  assert.equal(client.pending, 0);
});

test("what has left once is given up as unknown before the server forgets its key", async () => {
  const here = new Surroundings();
  const client = createClient(here.options({ queue: { ttl: Number.POSITIVE_INFINITY } }));
  await Promise.all([client.connect(), here.pass(1_000)]);
  here.line.desk.part();
  const late = failure(client.room("a").publish("e", 1));
  await here.pass(10);
  here.isUp = false;
  here.line.end(1006);
  await here.pass(10 * 60_000);
  assert.deepEqual(await late.then(({ code, outcome }) => [code, outcome]), ["expired", "unknown"]);
});

test("of casts that may not leave yet, the newest of each word does", async () => {
  const { here, room } = await joined();
  here.line.bufferedAmount = 1 << 20;
  room.cast("other", 0);
  for (let at = 0; at < 5; at++) room.cast("cursor", at, { latest: true });
  await here.pass(100);
  here.line.bufferedAmount = 0;
  await here.pass(100);
  const casts = here.line.sent.map((frame) => JSON.parse(frame)).filter(({ type }) => type === "cast");
  assert.deepEqual(
    casts.map(({ payload }) => [payload.event, payload.data]),
    [
      ["other", 0],
      ["cursor", 4],
    ],
  );
});

test("data that JSON has no word for is refused wherever it is given", async () => {
  const { client, room } = await joined();
  const bad = [() => {}, Symbol("s"), 1n];
  for (const data of bad) {
    const gives = [room.publish("e", data), client.request("m", data), room.presence.set(data)];
    for (const given of gives) assert.equal((await failure(given)).code, "invalid_payload", String(data));
    assert.throws(() => room.cast("e", data), { code: "invalid_payload" });
    assert.throws(() => client.room("b").join({ presence: data }), { code: "invalid_payload" });
  }
  assert.throws(() => room.cast("e", "x".repeat(1 << 20)), { code: "too_large" });
  for (const encoding of [json, messagePack()]) {
    const cast = (data: unknown) => encoding.encode({ type: "cast", payload: { room: "a", event: "e", data } });
    assert.ok(cast({ whole: ["\u{1f600}"] }));
    for (const half of ["\ud83d", { "\ude00": 1 }]) assert.throws(() => cast(half), { code: "invalid_payload" });
  }
});

test("a signal ends a publication that has not left as not sent, and one that has as unknown", async () => {
  const { here, room } = await joined();
  const early = new AbortController();
  const late = new AbortController();
  const sent = room.publish("e", 1, { signal: late.signal });
  late.abort();
  assert.deepEqual(await failure(sent).then(({ code, outcome }) => [code, outcome]), ["aborted", "unknown"]);
  here.isUp = false;
  here.line.end(1006);
  await here.pass(100);
  const kept = room.publish("e", 2, { signal: early.signal });
  early.abort();
  assert.deepEqual(await failure(kept).then(({ code, outcome }) => [code, outcome]), ["aborted", "not-sent"]);
  assert.equal((await failure(room.publish("e", 3, { signal: AbortSignal.abort() }))).code, "aborted");
});

test("a publication has a time of its own", async () => {
  const here = new Surroundings();
  here.isUp = false;
  const client = createClient(here.options());
  const failed = failure(client.room("a").publish("e", 1, { timeout: 1_500 }));
  await here.pass(2_000);
  const { code, outcome, retryable, docs } = await failed;
  assert.deepEqual([code, outcome, retryable], ["expired", "not-sent", true]);
  assert.match(docs, /typescript\.md#errors/);
});

test("while much waits to be written nothing is added, and it goes on when that has left", async () => {
  const { here, room } = await joined();
  here.line.bufferedAmount = 70_000;
  const before = here.line.sent.length;
  const ack = room.publish("e", 1);
  await here.pass(500);
  const added = here.line.sent.slice(before).filter((text) => text.includes('"publish"'));
  assert.ok(added.length <= 1);
  const second = room.publish("e", 2);
  await here.pass(500);
  here.line.bufferedAmount = 0;
  await here.pass(500);
  assert.deepEqual([(await ack).offset, (await second).offset], [1, 2]);
});

test("a flush waits for what was published, takes nothing more in, and has a bound", async () => {
  const { here, client, room } = await joined();
  const ack = room.publish("e", 1);
  const closing = client.close({ flush: true });
  assert.equal((await failure(room.publish("e", 2))).code, "closed");
  await here.pass(500);
  await closing;
  assert.equal((await ack).offset, 1);
  const there = new Surroundings();
  there.isUp = false;
  const stuck = createClient(there.options());
  const lost = failure(stuck.room("a").publish("e", 1));
  const closed = stuck.close({ flush: true, timeout: 2_000 });
  await there.pass(2_100);
  await closed;
  assert.deepEqual(await lost.then(({ code, outcome }) => [code, outcome]), ["closed", "not-sent"]);
});
