// One room by itself: what is acknowledged on which connection, and answers that come too late to be of use.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Membership } from "../src/session/membership.js";
import type { RoomEvent } from "../src/session/output.js";
import type { Joined, Message, Position } from "../src/wire.js";

const EPOCH = "0000000000000001";

function place(offset: number, epoch: string = EPOCH): Position {
  return { epoch, offset, id: `id${offset}` };
}

function message(offset: number): Message {
  return { room: "a", offset, id: `id${offset}`, event: "e", data: offset, sentAt: "" };
}

function joined(offset: number, more: Partial<Joined> = {}): Joined {
  return { room: "a", position: place(offset), recovered: false, messages: [], more: false, ...more };
}

function member(): { membership: Membership; told: string[]; tell: (event: RoomEvent) => void } {
  const told: string[] = [];
  const tell = (event: RoomEvent) => {
    if (event.kind === "message") told.push(`message ${event.value.offset}`);
    else if (event.kind === "gap") told.push(`gap ${event.value.from} to ${event.value.to}`);
    else told.push(event.kind);
  };
  return { membership: new Membership(1, {}, undefined, 0), told, tell };
}

test("a server hears on each connection anew what is handled, of what it was sent there", () => {
  const { membership, tell } = member();
  const ack = { timeoutMs: 1, inFlight: 9 };
  membership.handleJoined(joined(0, { ack }), tell);
  for (const offset of [1, 2, 3]) membership.handleMessage(message(offset), tell);
  membership.acknowledge(place(2));
  assert.deepEqual(membership.takeAck(), { epoch: EPOCH, offset: 2 });
  assert.equal(membership.takeAck(), undefined, "once");
  membership.lose();
  membership.handleJoined(joined(3, { ack }), tell);
  assert.equal(membership.takeAck(), undefined, "nothing was sent on this connection");
  membership.handleMessage(message(4), tell);
  assert.deepEqual(membership.takeAck(), { epoch: EPOCH, offset: 2 });
  membership.acknowledge(place(9));
  assert.equal(membership.takeAck(), undefined, "of what was never told");
});

test("what is sent again is not told again, and is acknowledged again", () => {
  const { membership, told, tell } = member();
  membership.handleJoined(joined(0, { ack: { timeoutMs: 1, inFlight: 9 } }), tell);
  membership.handleMessage(message(1), tell);
  membership.acknowledge(place(1));
  assert.ok(membership.takeAck());
  assert.ok(membership.handleMessage(message(1), tell));
  assert.deepEqual(membership.takeAck(), { epoch: EPOCH, offset: 1 });
  assert.deepEqual(told, ["status", "message 1"]);
});

test("a hole is no message", () => {
  const { membership, told, tell } = member();
  membership.handleJoined(joined(4), tell);
  assert.equal(membership.handleMessage(message(6), tell), false);
  assert.ok(membership.handleMessage(message(5), tell));
  assert.deepEqual(told, ["status", "message 5"]);
  assert.equal(membership.handleJoined(joined(9), tell), false, "a page that ends before it says it does");
  assert.equal(
    membership.handleJoined(joined(0, { position: place(0, "0000000000000002") }), tell),
    false,
    "not a word of it",
  );
});

test("a gap tells what did not come another way", () => {
  const { membership, told, tell } = member();
  membership.handleJoined(joined(4), tell);
  const gap = { room: "a", from: 3, to: 8, position: place(8), reason: "evicted" } as const;
  assert.ok(membership.handleGap(gap, tell));
  assert.ok(membership.handleGap(gap, tell), "nothing is missing any more");
  assert.equal(
    membership.handleGap({ ...gap, from: 11, to: 12, position: place(12) }, tell),
    false,
    "9 and 10 are missing",
  );
  assert.deepEqual(told, ["status", "gap 5 to 8"]);
});

test("an answer to where the room stood is of no use where it has moved into another order since", () => {
  const { membership, tell } = member();
  membership.handleJoined(joined(4), tell);
  const since = membership.position;
  const other = joined(0, { position: place(0, "0000000000000002"), gap: { from: 1, to: 0, reason: "epoch-changed" } });
  assert.equal(membership.isElsewhere(since, other), false, "it stands where it stood");
  membership.handleMessage(message(5), tell);
  assert.equal(membership.isElsewhere(since, joined(5)), false, "it has moved on in the same order");
  assert.equal(membership.isElsewhere(since, other), true);
  membership.handleGap(
    { room: "a", from: 1, to: 0, position: place(0, "0000000000000003"), reason: "epoch-changed" },
    tell,
  );
  assert.equal(membership.isElsewhere(since, joined(5)), true);
});
