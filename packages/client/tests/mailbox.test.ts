// What a room's listeners have not heard yet, by itself: order, bound, and the one gap for what is beyond it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Mailbox } from "../src/mailbox.js";
import type { GapReason } from "../src/message.js";
import type { RoomEvent } from "../src/session/output.js";

function message(epoch: string, offset: number): RoomEvent {
  const value = { room: "a", event: "e", data: 1, sentAt: "", epoch, offset, id: `${epoch} ${offset}` };
  return { kind: "message", value };
}

function gap(from: number, epoch: string, to: number, reason: GapReason): RoomEvent {
  return { kind: "gap", value: { from, to, position: { epoch, offset: to, id: `${epoch} ${to}` }, reason } };
}

function taken(mailbox: Mailbox): RoomEvent[] {
  const events: RoomEvent[] = [];
  for (let event = mailbox.shift(); event; event = mailbox.shift()) events.push(event);
  return events;
}

test("what does not fit becomes one gap, and no message overtakes it", () => {
  const mailbox = new Mailbox(2);
  for (let offset = 1; offset <= 9; offset++) mailbox.push(message("1", offset));
  assert.deepEqual(taken(mailbox), [message("1", 1), message("1", 2), gap(3, "1", 9, "client-overflow")]);
  mailbox.push(message("1", 10));
  assert.deepEqual(taken(mailbox), [message("1", 10)]);
});

test("while a gap waits nothing comes before it", () => {
  const mailbox = new Mailbox(1);
  mailbox.push(message("1", 1));
  mailbox.push(message("1", 2));
  assert.deepEqual(mailbox.shift(), message("1", 1));
  mailbox.push(message("1", 3));
  assert.deepEqual(taken(mailbox), [gap(2, "1", 3, "client-overflow")]);
});

test("a new order among what does not fit is told", () => {
  const mailbox = new Mailbox(1);
  mailbox.push(message("1", 7));
  mailbox.push(message("1", 8));
  mailbox.push(gap(1, "2", 3, "epoch-changed"));
  mailbox.push(message("2", 4));
  assert.deepEqual(taken(mailbox), [message("1", 7), gap(1, "2", 4, "epoch-changed")]);
});

test("a gap among what does not fit is part of the one gap", () => {
  const mailbox = new Mailbox(1);
  mailbox.push(message("1", 1));
  mailbox.push(gap(2, "1", 5, "evicted"));
  mailbox.push(message("1", 6));
  assert.deepEqual(taken(mailbox), [message("1", 1), gap(2, "1", 6, "client-overflow")]);
});

test("the last status survives", () => {
  const mailbox = new Mailbox(1);
  const joining: RoomEvent = { kind: "status", value: { status: "joining" } };
  mailbox.push(message("1", 1));
  mailbox.push({ kind: "status", value: { status: "denied", code: "forbidden", message: "m" } });
  mailbox.push(joining);
  mailbox.push(message("1", 2));
  assert.deepEqual(taken(mailbox), [message("1", 1), gap(2, "1", 2, "client-overflow"), joining]);
  mailbox.push(joining);
  mailbox.clear();
  assert.deepEqual(taken(mailbox), []);
});
