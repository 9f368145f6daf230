// The client as an application holds it, over sockets that end at a model of the server and a clock that stands still.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createClient } from "../src/client.js";
import { POLICIES } from "../src/codes.js";
import { json } from "../src/encoding.js";
import { TautlineError } from "../src/errors.js";
import type { Message } from "../src/message.js";
import { messagePack } from "../src/msgpack/index.js";
import type { TokenProvider } from "../src/options.js";
import { Surroundings, settled } from "./surroundings.js";

/** A client that is connected and in room `a`. */
async function joined(here: Surroundings = new Surroundings()) {
  const client = createClient(here.options());
  const room = client.room("a");
  const leave = room.join();
  await here.pass(1_000);
  assert.equal(room.state.status, "live");
  return { here, client, room, leave };
}

async function failure(promise: Promise<unknown>): Promise<TautlineError> {
  return promise.then(
    () => assert.fail("it succeeded"),
    (error) => error,
  );
}

test("nothing is opened and nothing listens before the first need", async () => {
  const here = new Surroundings();
  const client = createClient(here.options());
  assert.equal(client.room("a"), client.room("a"));
  assert.deepEqual(client.state, { status: "idle" });
  assert.equal(client.room("a").state.status, "idle");
  assert.equal(client.room("a").presence.view.count, 0);
  assert.deepEqual([here.sockets.length, here.ears.size, here.timers.size], [0, 0, 0]);
  client.room("a").join();
  await here.pass(1_000);
  assert.equal(client.state.status, "connected");
  await client.close();
  assert.equal(here.line.closedWith, 1000);
  assert.deepEqual([here.open.length, here.ears.size, here.timers.size], [0, 0, 0]);
});

test("a server hears which version of the package this is", async () => {
  const { here } = await joined();
  const file = new URL("../../package.json", import.meta.url);
  const { name, version } = JSON.parse(readFileSync(file, "utf8"));
  assert.deepEqual(JSON.parse(here.line.sent[0] ?? "").payload.client, { name, version });
});

test("without a WebSocket the error says what to pass", async () => {
  const client = createClient({ url: "ws://example.test", env: { WebSocket: undefined } });
  const error = await failure(client.connect());
  assert.equal(error.code, "no_websocket");
  assert.match(error.message, /env: \{ WebSocket \}/);
  assert.equal((await failure(client.room("a").publish("e", 1))).code, "no_websocket");
  assert.throws(() => client.room("a").join(), { code: "no_websocket" });
});

test("without autoConnect a join waits for connect", async () => {
  const here = new Surroundings();
  const client = createClient(here.options({ autoConnect: false }));
  client.room("a").join();
  await here.pass(1_000);
  assert.equal(here.sockets.length, 0);
  client.connect();
  await here.pass(1_000);
  assert.equal(client.room("a").state.status, "live");
});

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

test("a listener that throws keeps nothing from the others, and is told of", async () => {
  const { here, room, client } = await joined();
  const errors: unknown[] = [];
  const heard: number[] = [];
  client.on("error", (error) => errors.push(error));
  room.onMessage(() => {
    throw new Error("mine");
  });
  room.onMessage((message) => heard.push(message.offset));
  client.subscribe(() => {
    throw new Error("mine, too");
  });
  room.publish("e", 1);
  room.publish("e", 2);
  await here.pass(1_000);
  here.line.end(1006);
  await here.pass(2_000);
  assert.deepEqual(heard, [1, 2]);
  assert.ok(errors.length >= 4 && errors.every((error) => /mine/.test(String(error))));
  assert.equal(client.state.status, "connected");
});

test("what a listener publishes does not change the order in which others hear", async () => {
  const { here, room } = await joined();
  const heard: string[] = [];
  room.onMessage((message) => {
    heard.push(`first ${message.offset}`);
    if (message.offset < 3) room.publish("e", 1);
  });
  room.onMessage((message) => heard.push(`second ${message.offset}`));
  room.publish("e", 1);
  await here.pass(2_000);
  assert.deepEqual(heard, ["first 1", "second 1", "first 2", "second 2", "first 3", "second 3"]);
});

test("a page of messages is told in order to everybody, whatever a listener does meanwhile", async () => {
  const { here, client, room } = await joined();
  for (let nth = 0; nth < 3; nth++) room.publish("e", nth);
  await here.pass(500);
  const other = createClient(here.options());
  const heard: string[] = [];
  const same = other.room("a");
  same.onMessage(({ offset }) => {
    heard.push(`first ${offset}`);
    other.room("b").cast("e", offset);
  });
  same.onMessage(({ offset }) => heard.push(`second ${offset}`));
  same.join({ last: 3 });
  await here.pass(500);
  assert.deepEqual(heard, ["first 1", "second 1", "first 2", "second 2", "first 3", "second 3"]);
  await Promise.all([client.close(), other.close()]);
});

test("a gap that is being dealt with holds the room, and its messages come after", async () => {
  const { here, room } = await joined();
  const told: string[] = [];
  let done = () => {};
  room.onMessage(({ offset }) => told.push(`message ${offset}`));
  room.onGap(({ from, to, reason }) => {
    told.push(`gap ${from} to ${to} ${reason}`);
    return new Promise<void>((resolve) => {
      done = resolve;
    });
  });
  here.line.end(1006);
  const other = createClient(here.options());
  for (let nth = 0; nth < 6; nth++) other.room("a").publish("e", nth);
  await here.pass(4_000);
  assert.deepEqual(told, ["gap 1 to 3 evicted"]);
  assert.equal(room.state.status, "joining", "who deals with a gap is not live yet");
  done();
  await here.pass(10);
  assert.deepEqual(told.slice(1), ["message 4", "message 5", "message 6"]);
  assert.equal(room.state.status, "live");
});

test("a gap that nobody deals with in time holds nothing any longer", async () => {
  const { here, room } = await joined();
  const heard: number[] = [];
  room.onMessage(({ offset }) => heard.push(offset));
  room.onGap(() => new Promise(() => {}));
  here.house.hall("a").begin();
  room.publish("e", 1);
  await here.pass(5_000);
  assert.deepEqual(heard, []);
  await here.pass(6_000);
  assert.deepEqual(heard, [1]);
});

test("a gap of an earlier membership holds and frees nothing in a later one", async () => {
  const { here, room, leave } = await joined();
  const dealtWith: (() => void)[] = [];
  const heard: number[] = [];
  room.onMessage(({ offset }) => heard.push(offset));
  room.onGap(() => new Promise((resolve) => dealtWith.push(resolve)));
  here.house.hall("a").begin();
  await here.pass(100);
  leave();
  await here.pass(100);
  room.join();
  await here.pass(1_000);
  here.house.hall("a").begin();
  room.publish("e", 1);
  await here.pass(100);
  assert.equal(dealtWith.length, 2);
  dealtWith[0]?.();
  await here.pass(100);
  assert.deepEqual(heard, []);
  dealtWith[1]?.();
  await here.pass(100);
  assert.deepEqual(heard, [1]);
});

test("what comes beyond the bound while the room is held becomes one gap", async () => {
  const here = new Surroundings();
  const client = createClient(here.options({ maxEvents: 2 }));
  const room = client.room("a");
  const told: unknown[] = [];
  room.join();
  await here.pass(1_000);
  room.onMessage(({ offset }) => told.push(offset));
  let isFirst = true;
  room.onGap(({ from, to, reason }) => {
    told.push(`${from} to ${to} ${reason}`);
    if (!isFirst) return undefined;
    isFirst = false;
    return new Promise((resolve) => here.agenda.after(5_000, () => resolve()));
  });
  here.house.hall("a").begin();
  await here.pass(100);
  for (let nth = 0; nth < 5; nth++) room.publish("e", nth);
  await here.pass(8_000);
  assert.deepEqual(told, ["1 to 0 epoch-changed", 1, 2, "3 to 5 client-overflow"]);
});

test("joins are counted, and each leaves once", async () => {
  const { here, room, leave } = await joined();
  const again = room.join();
  leave();
  leave();
  await here.pass(100);
  assert.equal(room.state.status, "live");
  again();
  assert.equal(room.state.status, "idle");
  await here.pass(100);
  assert.ok(!here.house.hall("a").has(here.line.desk));
});

test("rooms go on where they stood after a close and a connect", async () => {
  const { here, client, room } = await joined();
  const heard: number[] = [];
  room.onMessage(({ offset }) => heard.push(offset));
  room.publish("e", 1);
  await here.pass(500);
  await client.close();
  assert.equal(room.state.status, "idle");
  const other = createClient(here.options());
  other.room("a").publish("e", 2);
  await here.pass(500);
  client.connect();
  await here.pass(1_000);
  assert.equal(room.state.status, "live");
  assert.deepEqual(heard, [1, 2]);
});

test("what was heard and not acknowledged stays so over a close and a connect", async () => {
  const { here, client } = await joined();
  const room = client.room("acked");
  const heard: Message[] = [];
  room.onMessage((message) => heard.push(message));
  room.join();
  room.publish("e", "done");
  room.publish("e", "failed");
  await here.pass(500);
  room.acknowledge(heard[0] as Message);
  await client.close();
  client.connect();
  await here.pass(1_000);
  for (const payload of here.house.hall("acked").kept) here.line.desk.say({ type: "message", payload });
  await here.pass(500);
  const acks = here.line.sent.map((frame) => JSON.parse(frame)).filter(({ type }) => type === "ack");
  assert.ok(acks.length);
  for (const { payload } of acks) assert.equal(payload.offset, 1, "what failed was not handled");
  assert.equal(heard.length, 2);
});

test("what others see of a client outlives a close and a connect, and no leave", async () => {
  const { here, client, leave } = await joined();
  const room = client.room("b");
  const out = room.join({ presence: "first" });
  await here.pass(500);
  const set = room.presence.set("second");
  await here.pass(100);
  const { requestId } = JSON.parse(here.line.sent.at(-1) ?? "");
  here.line.desk.say({ type: "presenceSet", payload: { room: "b" }, requestId });
  await here.pass(100);
  await set;
  const refused = failure(room.presence.set("never"));
  await here.pass(100);
  const asked = JSON.parse(here.line.sent.at(-1) ?? "").requestId;
  const payload = { code: "forbidden", message: "no", retryable: false } as const;
  here.line.desk.say({ type: "error", payload, requestId: asked });
  await here.pass(100);
  assert.equal((await refused).outcome, "refused");
  await client.close();
  client.connect();
  await here.pass(1_000);
  const hello = JSON.parse(here.line.sent[0] ?? "").payload;
  assert.equal(hello.rooms.find((wanted: { room: string }) => wanted.room === "b").presence, "second");
  out();
  leave();
  room.join();
  await here.pass(500);
  assert.deepEqual(JSON.parse(here.line.sent.at(-1) ?? "").payload, { room: "b" });
  await client.close();
  client.connect();
  await here.pass(1_000);
  const { rooms } = JSON.parse(here.line.sent[0] ?? "").payload;
  assert.equal(rooms.find(({ room: name }: { room: string }) => name === "b").presence, undefined);
});

test("what the server refuses to show is not shown by the next connection either", async () => {
  const { here, client } = await joined();
  const room = client.room("b");
  room.join({ presence: "first" });
  await here.pass(500);
  const refused = failure(room.presence.set("never"));
  await here.pass(100);
  const { requestId } = JSON.parse(here.line.sent.at(-1) ?? "");
  const payload = { code: "forbidden", message: "no", retryable: false } as const;
  here.line.desk.say({ type: "error", payload, requestId });
  await here.pass(100);
  assert.equal((await refused).code, "forbidden");
  here.line.end(1006);
  await here.pass(5_000);
  const { rooms } = JSON.parse(here.line.sent[0] ?? "").payload;
  assert.equal(rooms.find(({ room: name }: { room: string }) => name === "b").presence, "first");
});

test("a room that was left and joined anew begins anew, also where the client closes in between", async () => {
  const { here, client, room, leave } = await joined();
  room.publish("e", 1);
  await here.pass(500);
  leave();
  await here.pass(500);
  here.isUp = false;
  here.line.end(1006);
  room.join({ last: 1 });
  await client.close();
  here.isUp = true;
  client.connect();
  await here.pass(1_000);
  assert.equal(room.state.status, "live");
  const join = here.line.sent.map((frame) => JSON.parse(frame)).find(({ type }) => type === "join");
  assert.deepEqual(join.payload, { room: "a", last: 1 });
});

test("what others are to see is shown by the next connection, however long that takes", async () => {
  const { here, client, room } = await joined();
  here.isUp = false;
  here.line.end(1006);
  await here.pass(100);
  const late = failure(room.presence.set("in a tunnel"));
  await here.pass(20_000);
  assert.equal((await late).code, "expired");
  here.isUp = true;
  await here.pass(40_000);
  const shown = () => JSON.parse(here.line.sent[0] ?? "").payload.rooms[0].presence;
  assert.equal(shown(), "in a tunnel");
  await client.close();
  client.connect();
  await here.pass(1_000);
  assert.equal(room.state.status, "live");
  assert.equal(shown(), "in a tunnel");
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

test("both clocks going on while nothing was called is a sleep, but for the rare timers of a hidden page", async () => {
  const slept = async (hidden: boolean, gap: number) => {
    const { here } = await joined();
    const before = here.line;
    const { length } = before.sent;
    here.lifecycle.hidden = hidden;
    before.desk.part();
    here.throttle = gap;
    await here.pass(6_000);
    await here.pass(gap);
    return before.closedWith ?? before.sent.slice(length).map((frame) => JSON.parse(frame).type);
  };
  assert.deepEqual(await slept(false, 20_000), ["ping"]);
  assert.deepEqual(await slept(true, 20_000), []);
  assert.equal(await slept(false, 40_000), 4408);
  assert.equal(await slept(true, 40_000), 4408);
});

test("a request that is not answered in time is taken back", async () => {
  const { here, client } = await joined();
  here.line.desk.part();
  const late = failure(client.request("m", 1, { timeout: 100 }));
  await here.pass(500);
  assert.deepEqual(await late.then(({ code, outcome }) => [code, outcome]), ["expired", "unknown"]);
  const [asked, taken] = here.line.sent.slice(-2).map((frame) => JSON.parse(frame));
  assert.deepEqual([asked.type, taken.type, taken.requestId], ["request", "cancel", asked.requestId]);
});

test("a client that closes while a gap is dealt with leaves no timer", async () => {
  const { here, client, room } = await joined();
  room.onGap(() => new Promise(() => {}));
  const position = { epoch: here.house.hall("a").epoch, offset: 9, id: "00000000-0000-0000-0000-000000000009" };
  here.line.desk.say({ type: "gap", payload: { room: "a", from: 1, to: 9, reason: "slow-consumer", position } });
  await here.pass(100);
  assert.equal(here.timers.size, 2);
  await client.close();
  assert.equal(here.timers.size, 0);
});

test("who asks for an attempt has it at once, whatever the clock does", async () => {
  const here = new Surroundings();
  here.isUp = false;
  const client = createClient(here.options());
  client.room("a").join();
  await here.pass(2_000);
  const { length } = here.sockets;
  client.retryNow();
  await settled();
  assert.equal(here.sockets.length, length + 1);
});

test("attempts end where the application wants that, and the last reason is told", async () => {
  const here = new Surroundings();
  here.isUp = false;
  const client = createClient(here.options({ retry: { giveUpAfter: 3 } }));
  const error = await Promise.all([failure(client.connect()), here.pass(60_000)]).then(([it]) => it);
  assert.equal(here.sockets.length, 3);
  assert.match(error.message, /as many attempts failed.*no connection could be opened/);
});

test("a refusal that answers nothing is told, and takes the token from nobody", async () => {
  const { here, client } = await joined();
  const errors: unknown[] = [];
  client.on("error", (error) => errors.push(error));
  const payload = { code: "forbidden", message: "no", retryable: false } as const;
  here.line.desk.say({ type: "error", payload });
  await here.pass(100);
  assert.deepEqual(
    errors.map((error) => (error as TautlineError).code),
    ["forbidden"],
  );
  here.line.end(1006);
  await here.pass(5_000);
  assert.equal(client.state.status, "connected");
  assert.equal(JSON.parse(here.line.sent[0] ?? "").payload.token, "token|ann|");
});

test("a listener's promise that fails is told of", async () => {
  const { here, client, room } = await joined();
  const errors: unknown[] = [];
  client.on("error", (error) => errors.push(error));
  const failure = new Error("no disk");
  room.on("e", async () => {
    throw failure;
  });
  room.publish("e", 1);
  await here.pass(500);
  assert.deepEqual(errors, [failure]);
});

test("who waits for a room or its messages hears that it was left, or the client closed", async () => {
  const here = new Surroundings();
  here.isUp = false;
  const client = createClient(here.options());
  const leave = client.room("a").join();
  const [left, never, messages] = [client.room("a").joined(), client.room("b").joined(), client.room("b").messages()];
  await here.pass(100);
  leave();
  assert.equal((await failure(left)).code, "aborted");
  const next = messages.next();
  await client.close();
  assert.equal((await failure(never)).code, "closed");
  assert.deepEqual(await next, { value: undefined, done: true });
  assert.equal((await client.room("b").messages().next()).done, true);
});

test("what waits for a client that does not connect fails in time, and then no timer runs", async () => {
  const here = new Surroundings();
  const client = createClient(here.options({ autoConnect: false }));
  const waits = [client.room("a").publish("e", 1, { timeout: 100 }), client.request("m", 1, { timeout: 200 })];
  const codes = Promise.all(waits.map((wait) => failure(wait).then(({ code }) => code)));
  await here.pass(1_000);
  assert.deepEqual(await codes, ["expired", "expired"]);
  assert.deepEqual([here.sockets.length, here.timers.size], [0, 0]);
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

test("an address where no server can be is said to be none", async () => {
  const here = new Surroundings();
  for (const url of ["nonsense", "/ws", "ftp://example.test/"]) {
    const client = createClient(here.options({ url }));
    const error = await failure(client.connect());
    assert.equal(error.code, "bad_url");
    assert.ok(error.message.includes(url), error.message);
  }
  assert.equal(here.sockets.length, 0);
});

test("who joins a client that is closed is in the room when it is connected again", async () => {
  const { here, client } = await joined();
  const waiting = failure(client.room("b").joined());
  client.room("b").join();
  await client.close();
  assert.equal((await waiting).code, "closed", "and who waits for it hears that it is closed");
  client.room("b").join();
  assert.equal(client.room("b").state.status, "idle");
  client.connect();
  await here.pass(1_000);
  assert.equal(client.room("b").state.status, "live");
});

test("a room that is refused says why, and is asked for again by who leaves and joins", async () => {
  const { here, room, leave } = await joined();
  const states: string[] = [];
  room.onStatus(({ status }) => states.push(status));
  here.line.desk.say({ type: "removed", payload: { room: "a", code: "forbidden", message: "not you" } });
  await here.pass(100);
  assert.deepEqual(room.state, { status: "denied", code: "forbidden", message: "not you" });
  assert.deepEqual(await failure(room.joined()).then(({ code, outcome }) => [code, outcome]), ["forbidden", "refused"]);
  here.line.end(1006);
  await here.pass(2_000);
  assert.equal(room.state.status, "denied", "it is not asked for again by itself");
  leave();
  room.join();
  await here.pass(500);
  assert.deepEqual(states, ["denied", "idle", "joining", "live"]);
});

test("what no room can be called is refused at once, and ends nothing", async () => {
  const { here, client } = await joined();
  for (const name of ["", "two words", "x".repeat(129), "größe", "a\n"]) {
    assert.throws(() => client.room(name), { code: "bad_request", outcome: "not-sent" }, JSON.stringify(name));
  }
  for (const name of ["A-Z_a.z:0/9@b|c~d+e", "x".repeat(128)]) assert.equal(client.room(name).name, name);
  await here.pass(1_000);
  assert.equal(client.state.status, "connected");
});

test("presence is an immutable view that is another one when somebody comes", async () => {
  const { here, client, room } = await joined();
  assert.equal(client.room("b").presence.view.complete, false, "nobody has told who is there");
  let calls = 0;
  room.presence.subscribe(() => calls++);
  const before = room.presence.view;
  assert.equal(room.presence.view, before);
  const member = { connection: "c1", user: "bob", name: "Bob", state: { typing: true } };
  here.line.desk.say({ type: "memberJoined", payload: { room: "a", member } });
  await here.pass(10);
  assert.deepEqual([room.presence.view.count, before.count, calls], [1, 0, 1]);
  assert.equal(room.presence.view.complete, true);
  assert.deepEqual(room.presence.view.members.get("c1"), member);
  here.line.desk.say({
    type: "memberChanged",
    payload: { room: "a", member: { ...member, connection: "c2" }, was: "c1" },
  });
  await here.pass(10);
  assert.deepEqual([...room.presence.view.members.keys()], ["c2"]);
  here.line.desk.say({ type: "memberCount", payload: { room: "a", count: 900 } });
  await here.pass(10);
  assert.deepEqual([room.presence.view.count, room.presence.view.complete], [900, false]);
});

test("who goes is not there any more, and nobody is in a room that was left", async () => {
  const { here, room, leave } = await joined();
  const [ann, bob] = ["ann", "bob"].map((user) => ({ connection: `of ${user}`, user, name: user }));
  assert.ok(ann && bob);
  for (const member of [ann, bob]) here.line.desk.say({ type: "memberJoined", payload: { room: "a", member } });
  here.line.desk.say({ type: "memberLeft", payload: { room: "a", member: ann } });
  await here.pass(10);
  assert.deepEqual([...room.presence.view.members.values()], [bob]);
  leave();
  assert.deepEqual([room.presence.view.count, room.presence.view.complete], [0, false]);
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

test("messages are an iterator that ends when the room is left", async () => {
  const { here, room, leave } = await joined();
  const taken: number[] = [];
  const loop = (async () => {
    for await (const message of room.messages()) taken.push(message.offset);
  })();
  room.publish("e", 1);
  room.publish("e", 2);
  await here.pass(500);
  leave();
  await loop;
  assert.deepEqual(taken, [1, 2]);
});

test("an iterator that falls behind fails, and nothing else does", async () => {
  const here = new Surroundings();
  const client = createClient(here.options({ maxEvents: 2 }));
  const room = client.room("a");
  room.join();
  await here.pass(500);
  const messages = room.messages();
  for (let nth = 0; nth < 4; nth++) room.publish("e", nth);
  await here.pass(500);
  assert.equal((await messages.next()).value?.offset, 1);
  assert.equal((await messages.next()).value?.offset, 2);
  assert.equal((await failure(messages.next())).code, "overflow");
  assert.equal((await messages.next()).done, true);
});

test("breaking out of the loop ends the iterator", async () => {
  const { here, room } = await joined();
  const signal = new AbortController();
  const other = room.messages({ signal: signal.signal });
  const pending = other.next();
  signal.abort();
  assert.equal((await pending).done, true);
  assert.equal((await room.messages({ signal: signal.signal }).next()).done, true);
  room.publish("e", 1);
  room.publish("e", 2);
  const loop = (async () => {
    for await (const message of room.messages()) return message.offset;
    return 0;
  })();
  await here.pass(500);
  assert.equal(await loop, 1);
});

test("connect resolves when there is a connection, and rejects when there will be none", async () => {
  const here = new Surroundings();
  const client = createClient(here.options());
  const connecting = client.connect();
  await here.pass(1_000);
  await connecting;
  here.line.desk.end(4403);
  await here.pass(100);
  assert.equal(client.state.status, "closed");
  const waiting = createClient(here.options({ token: () => null }));
  const error = await failure(waiting.connect());
  assert.deepEqual([error.code, waiting.state.status], ["closed", "closed"]);
});

test("a signal ends the wait for a connection and for a room, and nothing else", async () => {
  const here = new Surroundings();
  here.isUp = false;
  const client = createClient(here.options());
  const { signal } = new AbortController();
  const controller = new AbortController();
  const waits = [client.connect({ signal: controller.signal }), client.room("a").joined({ signal: controller.signal })];
  client.room("a").joined({ signal });
  await here.pass(100);
  controller.abort();
  for (const wait of waits) assert.equal((await failure(wait)).code, "aborted");
  assert.equal(client.state.status, "reconnecting");
});

test("only a connection of ten seconds has what failed before it forgotten", async () => {
  const { here, client } = await joined();
  const lose = async () => {
    here.line.end(1006);
    await here.pass(10);
    const { state } = client;
    return state.status === "reconnecting" ? state.attempt : state.status;
  };
  assert.equal(await lose(), 2, "it lived for a second");
  await here.pass(4_000);
  assert.equal(await lose(), 3, "it was let in and sent away");
  await here.pass(20_000);
  assert.equal(await lose(), 1);
});

test("a signal is left alone by what has ended", async () => {
  const { here, room } = await joined();
  const signal = new AbortController().signal;
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...all: Parameters<typeof addEventListener>) => {
    listeners++;
    addEventListener.apply(signal, all);
  };
  signal.removeEventListener = (...all: Parameters<typeof removeEventListener>) => {
    listeners--;
    removeEventListener.apply(signal, all);
  };
  const acks = [1, 2, 3].map((nth) => room.publish("e", nth, { signal }));
  assert.equal(listeners, 3);
  await here.pass(500);
  await Promise.all(acks);
  assert.equal(listeners, 0);
});

test("what is thrown by a socket stops nothing but itself", async () => {
  const { here, client, room } = await joined();
  here.line.send = () => {
    throw new Error("of the socket");
  };
  await failure(room.publish("e", 1, { timeout: 60_000, signal: AbortSignal.timeout(1) }));
  here.line.end(1006);
  await here.pass(2_000);
  assert.equal(client.state.status, "connected");
  const ack = room.publish("e", 2);
  await here.pass(500);
  assert.equal((await ack).duplicate, false);
});

test("a token is asked for with the reason, and again when it was refused", async () => {
  const here = new Surroundings();
  const reasons: string[] = [];
  const client = createClient(
    here.options({
      token: async ({ reason }) => {
        reasons.push(reason);
        if (reasons.length === 1) throw new Error("no network");
        return reasons.length === 2 ? "token|ann|1" : "token|ann|";
      },
    }),
  );
  client.connect();
  await here.pass(10_000);
  assert.equal(client.state.status, "connected");
  assert.deepEqual(reasons, ["connect", "connect", "rejected"]);
});

test("who is asked for a token hears when nobody waits for it any more", async () => {
  const here = new Surroundings();
  let asked: AbortSignal | undefined;
  const token: TokenProvider = ({ signal }) => {
    asked = signal;
    return new Promise(() => {});
  };
  const client = createClient(here.options({ token }));
  client.room("a").join();
  await here.pass(100);
  assert.equal(asked?.aborted, false);
  client.close();
  assert.equal(asked?.aborted, true);
});

test("a wake of the page probes, and a page that comes back opens another connection at once", async () => {
  const { here, client } = await joined();
  const before = here.line;
  const sent = before.sent.length;
  here.sign("wake");
  assert.match(before.sent[sent] ?? "", /"ping"/);
  await here.pass(500);
  here.lifecycle.hidden = true;
  here.sign("suspend");
  assert.equal(client.state.status, "suspended");
  assert.equal(before.closedWith, 4000);
  await here.pass(3_000);
  assert.equal(here.open.length, 0);
  here.lifecycle.hidden = false;
  here.sign("restored");
  await here.pass(1_000);
  assert.equal(client.state.status, "connected");
  assert.equal(here.open.length, 1);
});

test("a machine that slept is noticed by its clock alone", async () => {
  const { here, client } = await joined();
  const before = here.line;
  const states: string[] = [];
  client.subscribe(() => states.push(client.state.status));
  here.ahead += 60_000;
  await here.pass(6_000);
  assert.notEqual(here.line, before);
  assert.equal(client.state.status, "connected");
  here.ahead -= 3_600_000;
  const second = here.line;
  await here.pass(60_000);
  assert.equal(here.line, second, "a clock that is set back says nothing");
});

test("timers that are called once a minute in a hidden page lose no connection", async () => {
  const { here, client } = await joined();
  const line = here.line;
  here.lifecycle.hidden = true;
  here.sign("look");
  here.throttle = 60_000;
  await here.pass(600_000);
  assert.equal(here.line, line);
  assert.equal(client.state.status, "connected");
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

test("five hundred lost connections leave no listener and no timer behind", async () => {
  const { here, client, room } = await joined();
  for (let nth = 0; nth < 500; nth++) {
    here.line.end(1006);
    await here.pass(50);
    client.retryNow();
    await here.pass(1_200);
  }
  assert.equal(room.state.status, "live");
  assert.deepEqual([here.ears.size, here.timers.size, here.open.length], [1, 1, 1]);
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

test("an address that is not known yet is asked for before each attempt", async () => {
  const here = new Surroundings();
  let asked = 0;
  const url = async () => {
    if (++asked === 1) throw new Error("not known");
    return "https://example.test/ws";
  };
  const client = createClient(here.options({ url }));
  client.connect();
  await here.pass(5_000);
  assert.equal(here.line.url, "wss://example.test/ws");
  assert.deepEqual(here.line.protocols, ["tautline.v2.json"]);
  assert.equal(client.state.status, "connected");
});

test("a server that goes away is followed without a pause", async () => {
  const { here, client, room } = await joined();
  const first = here.line;
  const states: string[] = [];
  client.subscribe(() => states.push(client.state.status));
  first.desk.drain(500, 5_000);
  await here.pass(3_000);
  assert.notEqual(here.line, first);
  assert.equal(first.closedWith, 1000);
  assert.deepEqual(new Set(states), new Set(["connected"]));
  assert.equal(room.state.status, "live");
});

test("a server may send its clients elsewhere, for that time alone, and not out of TLS", async () => {
  const { here } = await joined();
  const goaway = (url: string) => {
    here.line.desk.isGoing = true;
    here.line.desk.say({ type: "goaway", payload: { reason: "r", deadlineMs: 9_000, windowMs: 10, url } });
  };
  goaway("ws://other.test/ws");
  await here.pass(1_000);
  assert.equal(here.line.url, "ws://other.test/ws");
  here.line.end(1006);
  await here.pass(2_000);
  assert.equal(here.line.url, "ws://example.test/ws");
  const there = new Surroundings();
  const client = createClient(there.options({ url: "wss://example.test/ws" }));
  client.connect();
  await there.pass(1_000);
  there.line.desk.say({
    type: "goaway",
    payload: { reason: "r", deadlineMs: 9_000, windowMs: 10, url: "ws://evil.test" },
  });
  await there.pass(1_000);
  assert.deepEqual([there.sockets.length, there.line.url], [2, "wss://example.test/ws"]);
});

test("what a report says is told to the application", async () => {
  const { here, client } = await joined();
  const reports: number[] = [];
  client.on("report", (report) => reports.push(report.code));
  here.line.end(1001);
  await here.pass(100);
  assert.deepEqual(reports, [1001]);
  await settled();
});

test("the guide has the page that errors name, and says of each close code what a client does", () => {
  const { docs } = new TautlineError("closed", "why");
  const [path, anchor] = docs.split("#");
  const guide = readFileSync(new URL(`../../../../${path}`, import.meta.url), "utf8");
  assert.match(guide, new RegExp(`^## ${anchor}$`, "im"));
  const table = guide.slice(guide.indexOf("## What happens when a connection ends"));
  const words = { final: /final/, threeTimes: /third time/, newToken: /another token/, later: /after 5 s/ };
  for (const [code, policy] of Object.entries(POLICIES)) {
    const row = table.split("\n").find((line) => line.startsWith("| ") && line.includes(code));
    assert.match(row ?? "", words[policy], code);
  }
});
