// A room as an application holds it: messages in order, gaps that hold it, joins that are counted,
// over sockets that end at a model of the server and a clock that stands still.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "../src/client.js";
import type { Message } from "../src/message.js";
import { failure, joined, Surroundings } from "./surroundings.js";

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
