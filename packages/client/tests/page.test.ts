// A client through what pages live through: sleep, signs of the browser, timers that come late,
// over sockets that end at a model of the server and a clock that stands still.

import assert from "node:assert/strict";
import { test } from "node:test";
import { joined } from "./surroundings.js";

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
