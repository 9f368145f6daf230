// The queue of publications by itself: what leaves, in which order, and what is known of what failed.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { TautlineError } from "../src/errors.js";
import { type Draft, Publications } from "../src/session/publications.js";
import { QUEUE } from "../src/session/settings.js";
import type { Failure } from "../src/wire.js";

const LIMITED: Failure = { code: "rate_limited", message: "m", retryable: true };
const FORBIDDEN: Failure = { code: "forbidden", message: "m", retryable: false };

function queue(...rooms: string[]): { publications: Publications; settled: [number, TautlineError | undefined][] } {
  const settled: [number, TautlineError | undefined][] = [];
  const publications = new Publications(QUEUE, (ticket, error) => settled.push([ticket, error]));
  for (const [at, room] of rooms.entries()) publications.push(draft(at + 1, room));
  return { publications, settled };
}

function draft(ticket: number, room: string): Draft {
  return { ticket, room, frame: "1", bytes: 1, until: Number.POSITIVE_INFINITY };
}

/** Sends all that may be sent now. */
function send(publications: Publications, now: number): number[] {
  const sent: number[] = [];
  for (let next = publications.next(now); next; next = publications.next(now)) {
    publications.sent(next, now);
    sent.push(next.ticket);
  }
  return sent;
}

test("nothing overtakes what is put off but what had left", () => {
  const { publications } = queue("a", "a");
  assert.deepEqual(send(publications, 0), [1, 2]);
  publications.push(draft(3, "b"));
  publications.push(draft(4, "a"));
  assert.ok(publications.refused(0, 1, LIMITED, 1_000));
  assert.deepEqual(send(publications, 0), [3], "another room goes on");
  assert.deepEqual(send(publications, 1_000), [], "2 may be refused too");
  assert.ok(publications.refused(0, 2, LIMITED, 0));
  assert.deepEqual(send(publications, 0), [], "2 is behind 1");
  assert.equal(publications.nextDeferred(0), 1_000);
  assert.deepEqual(send(publications, 1_000), [1, 2, 4]);
});

test("what can never fit is refused, and nothing makes room for it", () => {
  const settled: number[] = [];
  const bounds = { ...QUEUE, maxBytes: 10, overflow: "drop-oldest" } as const;
  const publications = new Publications(bounds, (ticket) => settled.push(ticket));
  publications.push(draft(1, "a"));
  assert.throws(() => publications.push({ ...draft(2, "a"), bytes: 11 }), { code: "too_large", retryable: false });
  assert.deepEqual([publications.size, settled], [1, []]);
});

test("what waits has so many bytes at most together", () => {
  const publications = new Publications({ ...QUEUE, maxBytes: 10 }, () => {});
  publications.push({ ...draft(1, "a"), bytes: 6 });
  assert.throws(() => publications.push({ ...draft(2, "a"), bytes: 5 }), { code: "queue_full", retryable: true });
  publications.push({ ...draft(3, "a"), bytes: 4 });
});

test("nothing is sent again when the server may have forgotten its key", () => {
  const bounds = { ...QUEUE, ttl: Number.POSITIVE_INFINITY };
  const settled: unknown[] = [];
  const publications = new Publications(bounds, (_, error) => settled.push(error?.outcome));
  publications.push(draft(1, "a"));
  publications.expire(3_600_000);
  assert.deepEqual(send(publications, 3_600_000), [1], "it never left");
  publications.lose(false);
  publications.expire(3_600_000 + 8 * 60_000);
  assert.deepEqual(settled, []);
  publications.expire(3_600_000 + 9 * 60_000);
  assert.deepEqual(settled, ["unknown"]);
});

test("what was on its way is sent again in order, and nobody knows of it", () => {
  const { publications, settled } = queue("a", "a", "a");
  assert.deepEqual(send(publications, 0), [1, 2, 3]);
  assert.ok(publications.refused(0, 1, LIMITED, 9_000));
  publications.lose(false);
  assert.equal(settled.length, 0);
  assert.deepEqual(send(publications, 0), [1, 2, 3]);
  publications.lose(false);
  publications.end();
  assert.deepEqual(
    settled.map(([ticket, error]) => [ticket, error?.outcome]),
    [
      [1, "unknown"],
      [2, "unknown"],
      [3, "unknown"],
    ],
  );
});

test("what the server has put off was not sent, and what it refuses the second time may have been published", () => {
  const { publications, settled } = queue("a", "b");
  send(publications, 0);
  publications.refused(0, 1, LIMITED, 0);
  const first = publications.find(1);
  if (first) publications.fail(first, "aborted", "why");
  publications.lose(false);
  send(publications, 0);
  publications.refused(0, 2, FORBIDDEN, 0);
  assert.deepEqual(
    settled.map(([, error]) => [error?.code, error?.outcome]),
    [
      ["aborted", "not-sent"],
      ["forbidden", "unknown"],
    ],
  );
});

test("what the server fails at twice in a row is given up", () => {
  const { publications, settled } = queue("a");
  for (const [isCrash, count] of [
    [true, 0],
    [false, 0],
    [true, 0],
    [true, 1],
  ] as const) {
    assert.deepEqual(send(publications, 0), [1]);
    publications.lose(isCrash);
    assert.equal(settled.length, count);
  }
  assert.equal(settled[0]?.[1]?.code, "poisoned");
  assert.equal(publications.size, 0);
});

test("sixteen are on their way at most", () => {
  const { publications } = queue(...Array.from({ length: 20 }, () => "a"));
  assert.equal(send(publications, 0).length, 16);
  publications.placed(1, {});
  assert.deepEqual(send(publications, 0), [17]);
});

test("what an acknowledgement that nobody waits for says is nothing", () => {
  const { publications, settled } = queue("a");
  publications.placed(1, {});
  assert.equal(settled.length, 0, "it has not left");
  send(publications, 0);
  publications.placed(2, {});
  publications.placed(1, {});
  publications.placed(1, {});
  assert.deepEqual(settled, [[1, undefined]]);
});
