// Who is present, and what others see of a client, over whatever becomes of its connections,
// over sockets that end at a model of the server and a clock that stands still.

import assert from "node:assert/strict";
import { test } from "node:test";
import { failure, joined } from "./surroundings.js";

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
