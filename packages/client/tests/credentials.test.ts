// The token by itself: when the application is asked for one, and why.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Credentials } from "../src/session/credentials.js";

const draw = () => 0.5;

function accepted(ttl: number | undefined): Credentials {
  const credentials = new Credentials(undefined, true);
  const asked = credentials.fetch(0, 10_000);
  assert.deepEqual(asked, { fetch: 1, reason: "connect" });
  assert.ok(credentials.settle(1));
  credentials.hold("token-one");
  credentials.accept(0, ttl, draw);
  return credentials;
}

test("a token is renewed before it ends: 30 s, or a tenth of its life, and no sooner than at its half", () => {
  for (const [ttl, ahead] of [
    [3_600_000, 360_000],
    [120_000, 30_000],
    [20_000, 10_000],
  ] as const) {
    assert.equal(accepted(ttl).nextTimeout(), ttl - ahead * 1.1, `${ttl}`);
  }
  assert.equal(accepted(undefined).nextTimeout(), Infinity);
});

test("one question at a time, and an answer that comes too late is none", () => {
  const credentials = accepted(120_000);
  assert.deepEqual(credentials.fetch(90_000, 10_000), { fetch: 2, reason: "refresh" });
  assert.equal(credentials.fetch(90_001, 10_000), undefined);
  assert.equal(credentials.giveUpFetch(99_999), false);
  assert.equal(credentials.giveUpFetch(100_000), true);
  assert.equal(credentials.settle(2), false);
  credentials.refreshLater(100_000);
  assert.equal(credentials.nextTimeout(), 110_000, "at half of what is left");
  assert.deepEqual(credentials.fetch(119_000, 10_000), { fetch: 3, reason: "expired" });
});

test("a refresh that is refused leaves the connection its token, and the next one asks for another", () => {
  const credentials = accepted(120_000);
  credentials.fetch(90_000, 10_000);
  credentials.settle(2);
  credentials.renew("token-two", 7);
  credentials.refuseRefresh(91_000, 6);
  assert.equal(credentials.token, "token-two", "that was something else");
  credentials.refuseRefresh(91_000, 7);
  assert.equal(credentials.token, undefined);
  assert.equal(credentials.areReady(91_000), false);
  assert.equal(credentials.nextTimeout(), 91_000 + 14_500);
  assert.equal(credentials.fetch(105_500, 10_000)?.reason, "rejected");
});

test("two refusals in a row of tokens that were asked for are the end, and one token has no second", () => {
  const credentials = accepted(undefined);
  assert.equal(credentials.areHopeless(), false);
  credentials.reject();
  assert.equal(credentials.fetch(0, 10_000)?.reason, "expired", "it was good before");
  credentials.settle(2);
  credentials.hold("token-two");
  credentials.isFresh = true;
  assert.equal(credentials.areHopeless(), true);
  assert.equal(new Credentials("one", false).areHopeless(), true);
});

test("the server's word that the token ends is a reason to ask, where somebody can be asked", () => {
  const credentials = accepted(undefined);
  credentials.warn(5);
  assert.ok(credentials.isRefreshDue(5));
  const fixed = new Credentials("one", false);
  fixed.warn(5);
  assert.equal(fixed.nextTimeout(), Infinity);
});

test("who is closed asks anew", () => {
  const credentials = accepted(120_000);
  credentials.fetch(90_000, 10_000);
  credentials.forget();
  assert.equal(credentials.nextTimeout(), Infinity);
  assert.equal(credentials.settle(2), false);
  assert.deepEqual(credentials.fetch(0, 10_000), { fetch: 3, reason: "connect" });
});
