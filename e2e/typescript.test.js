// The TypeScript client in Node against the real server, where a server is bad company: it stands still, says nothing, or goes away.
// What is lost, repeated or out of order under faults and kills is looked for by `cargo xtask prove --typescript`.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createClient } from "@tautline/client";
import { messagePack } from "@tautline/client/msgpack";
import { WebSocket, WebSocketServer } from "ws";
import { HANG_MS, startServer, within } from "./harness.js";

const guarded = { timeout: 3 * HANG_MS };
const servers = new Set();
const clients = new Set();
after(async () => {
  for (const client of clients) client.close();
  await Promise.all([...servers].map((server) => server.kill()));
});

async function start(...args) {
  const server = await startServer(...args);
  servers.add(server);
  return server;
}

function connect(url, options) {
  const client = createClient({ url, token: "dev-token", env: { WebSocket }, ...options });
  clients.add(client);
  return client;
}

/** Resolves when the client's state is one that is wanted. */
function until(client, what, wanted) {
  const reached = new Promise((resolve) => {
    const stop = client.subscribe(check);
    check();
    function check() {
      if (!wanted(client.state)) return;
      stop();
      resolve(client.state);
    }
  });
  return within(reached, what);
}

/** Resolves when a room was heard to say as much as is wanted. */
function hears(room, what, wanted) {
  const heard = [];
  const all = new Promise((resolve) => {
    room.onMessage(({ data }) => {
      heard.push(data);
      if (wanted(heard)) resolve(heard);
    });
  });
  return within(all, what);
}

test("a server that stands still is found out, and what was published meanwhile comes once", guarded, async () => {
  const server = await start(0, { TAUTLINE_HEARTBEAT_PING_EVERY: "1s" });
  const client = connect(server.socket, { timeouts: { silence: 1_000 } });
  const room = client.room("still");
  room.join();
  await within(room.publish("said", 1), "the first");
  server.freeze();
  const cause = await until(client, "the client to notice", ({ status }) => status === "reconnecting");
  assert.equal(cause.cause.kind, "silent");
  const heard = hears(room, "all three", (said) => said.includes(3));
  const late = [room.publish("said", 2), room.publish("said", 3)];
  server.thaw();
  const offsets = (await within(Promise.all(late), "the others")).map(({ offset }) => offset);
  assert.deepEqual(offsets, [2, 3]);
  assert.deepEqual(await heard, [2, 3]);
});

test("who lets clients in and says nothing is left, and asked again later", guarded, async () => {
  const silent = createServer().listen(0, "127.0.0.1");
  await once(silent, "listening");
  const server = await start();
  let attempts = 0;
  const url = () => (++attempts < 3 ? `ws://127.0.0.1:${silent.address().port}/` : server.socket);
  const client = connect(url, { timeouts: { dial: 200 }, retry: { base: 250, cap: 250 } });
  const causes = [];
  client.subscribe(() => client.state.cause && causes.push(client.state.cause.kind));
  await within(client.connect(), "a server that speaks");
  assert.equal(attempts, 3);
  assert.deepEqual([...new Set(causes)], ["unreachable"]);
  silent.close();
});

test("who accepts the upgrade and says nothing is left, and asked again later", guarded, async () => {
  const silent = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  after(() => silent.close());
  await once(silent, "listening");
  const greetings = [];
  const left = [];
  silent.on("connection", (socket) => {
    socket.once("message", (frame) => greetings.push(JSON.parse(frame).type));
    left.push(once(socket, "close"));
  });
  const server = await start();
  let attempts = 0;
  const url = () => (++attempts < 3 ? `ws://127.0.0.1:${silent.address().port}/` : server.socket);
  const client = connect(url, { timeouts: { hello: 200 }, retry: { base: 250, cap: 250 } });
  const causes = new Set();
  client.subscribe(() => client.state.cause && causes.add(client.state.cause.reason));
  const { offset, duplicate } = await within(client.room("silent").publish("said", 1), "a server that speaks");
  assert.deepEqual({ offset, duplicate }, { offset: 1, duplicate: false });
  assert.deepEqual(greetings, ["hello", "hello"]);
  assert.deepEqual([...causes], ["the server did not answer the greeting in time"]);
  await within(Promise.all(left), "the silent connections to be closed");
});

/** Writes down what somebody hears of a room, from where it stands now. */
function listen(room) {
  const story = { began: room.state.position, heard: [], gaps: [] };
  room.onMessage(({ epoch, offset, data }) => story.heard.push({ epoch, offset, data }));
  room.onGap((gap) => {
    story.gaps.push(gap);
    story.heard.push({ gap });
  });
  return story;
}

/** What nobody may hear: a message that is not the next one, a gap that does not begin there, another order without a word. */
function faultsOf({ began, heard }) {
  const faults = [];
  let stands = began;
  for (const one of heard) {
    const { gap } = one;
    const goesOn = gap?.position ?? one;
    const isNewOrder = goesOn.epoch !== stands.epoch;
    const isRight = gap
      ? gap.to === goesOn.offset &&
        (isNewOrder ? gap.reason === "epoch-changed" && gap.from === 1 : gap.from === stands.offset + 1)
      : !isNewOrder && one.offset === stands.offset + 1;
    if (!isRight) faults.push({ stands, came: one });
    stands = goesOn;
  }
  return faults;
}

/** What is where in a room, as far as anybody knows: one message at each place, and one place of each order for a message. */
function contradictionsOf(placed) {
  const [places, messages, wrong] = [new Map(), new Map(), []];
  for (const { epoch, offset, data } of placed) {
    const [place, message] = [`${epoch}:${offset}`, `${epoch}:${data}`];
    if ((places.get(place) ?? data) !== data || (messages.get(message) ?? offset) !== offset) wrong.push({ place, data });
    places.set(place, data);
    messages.set(message, offset);
  }
  return wrong;
}

test("five hundred clients move from a server that goes away: none is ever without a connection, none misses or repeats a word untold", guarded, async () => {
  const settings = {
    // Fifteen seconds to begin to move, and five more to arrive, for all of them on one thread.
    TAUTLINE_DRAIN_WINDOW: "40s",
    TAUTLINE_DRAIN_DEADLINE: "60s",
    TAUTLINE_LIMITS_CONNECTIONS_PER_USER: "0",
    // What the server announces is how often its clients publish.
    TAUTLINE_LIMITS_PUBLISH_RATE: "1/s burst 1",
  };
  const [old, next] = [await start(0, settings), await start(0, settings)];
  let address = old.socket;
  const crowd = Array.from({ length: 500 }, (_, nth) =>
    connect(() => address, nth % 2 ? { encoding: messagePack() } : {}),
  );
  const rooms = crowd.map((client) => client.room("moving"));
  for (const room of rooms) room.join();
  await within(Promise.all(rooms.map((room) => room.joined())), "everybody to join");
  const stories = rooms.map(listen);
  const publishers = rooms.filter((_, nth) => nth % 100 === 0);
  const placed = [];
  async function publish(room, data) {
    placed.push({ data, ...(await room.publish("said", data)) });
  }
  const lost = [];
  const moved = crowd.map((client) => {
    const { connection } = client.state;
    client.subscribe(() => client.state.status !== "connected" && lost.push(client.state));
    return until(client, "a move", (state) => state.status === "connected" && state.connection !== connection);
  });
  let isMoving = true;
  address = next.socket;
  const gone = old.stop();
  // Each publication is acknowledged once, by whichever server has it.
  const published = publishers.map(async (room, who) => {
    for (let nth = 0; isMoving; nth++) await publish(room, `${who}: ${nth}`);
  });
  await Promise.all(moved);
  const epochs = new Set(placed.map(({ epoch }) => epoch));
  isMoving = false;
  await within(Promise.all(published), "acknowledgements");
  await within(gone, "the end of the old server");
  const last = publishers.map((_, who) => `${who}: the last`);
  const ends = rooms.map((room) => hears(room, "the last", (said) => last.every((one) => said.includes(one))));
  await within(Promise.all(publishers.map((room, who) => publish(room, last[who]))), "acknowledgements");
  await Promise.all(ends);
  assert.deepEqual([...lost], []);
  assert.equal(epochs.size, 2, "while they move, something is published on either server");
  assert.deepEqual(stories.flatMap(faultsOf), []);
  const heard = stories.flatMap((story) => story.heard.filter(({ gap }) => !gap));
  assert.deepEqual(contradictionsOf([...placed, ...heard]), []);
  // Each server has a memory of its own: who moves is told so once, and of nothing else.
  for (const { gaps } of stories) assert.deepEqual(gaps.map(({ reason }) => reason), ["epoch-changed"]);
});

test("two hundred members of durable rooms miss nothing when the only server is replaced", guarded, async () => {
  const directory = mkdtempSync(join(tmpdir(), "tautline-"));
  after(() => rmSync(directory, { recursive: true }));
  const config = join(directory, "tautline.toml");
  writeFileSync(config, '[drain]\nwindow = "2s"\n[limits]\nconnections_per_user = 0\n[[room]]\nmatch = "*"\neveryone = ["join", "publish", "history"]\nhistory = 100\ndurable = true\n');
  const args = ["--config", config, "--data", join(directory, "data")];
  let server = await start(0, {}, args);
  const crowd = Array.from({ length: 200 }, () => connect(server.socket));
  const rooms = crowd.map((client, nth) => client.room(`kept:${nth % 20}`));
  const gaps = [];
  for (const room of rooms) {
    room.join();
    room.onGap((gap) => gaps.push(gap));
  }
  await within(Promise.all(rooms.map((room) => room.joined())), "everybody to join");
  // One member of each room publishes, before, while and after there is a server.
  const wanted = Array.from({ length: 30 }, (_, nth) => nth);
  const all = rooms.map((room) => hears(room, "everything", (said) => said.length === wanted.length));
  const publish = (from) =>
    rooms.slice(0, 20).flatMap((room) => wanted.slice(from, from + 10).map((nth) => room.publish("said", nth)));
  const published = [...publish(0)];
  const { port } = server;
  const gone = server.stop();
  published.push(...publish(10));
  await within(gone, "the end of the server");
  published.push(...publish(20));
  server = await start(port, {}, args);
  await within(Promise.all(published), "acknowledgements");
  for (const heard of await Promise.all(all)) assert.deepEqual(heard, wanted);
  assert.deepEqual(gaps, []);
});
