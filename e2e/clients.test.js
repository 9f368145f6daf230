// What articles about WebSocket print works against the real server as it is, but for an added
// `auth`. Node's ws is the independent implementation of the protocol underneath.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import WebSocket from "ws";
import { HANG_MS, startServer, within } from "./harness.js";

let server;
before(async () => {
  server = await startServer();
});
after(() => server?.kill());

const guarded = { timeout: HANG_MS };
const TOKEN = "dev-token";

/** Everything that arrives on `socket`, and a way to wait until what is wanted has. */
function listen(socket) {
  const frames = [];
  const ended = new Promise((_, reject) => {
    socket.on("close", (code, reason) => reject(new Error(`closed with ${code} ${reason}`)));
    socket.on("error", reject);
  });
  // A close that nobody waits upon is not a failure.
  ended.catch(() => {});
  return {
    frames,
    async until(what, wanted) {
      const seen = new Promise((resolve) => {
        const check = () => {
          const found = frames.find(wanted);
          if (!found) return;
          socket.off("message", check);
          resolve(found);
        };
        socket.on("message", check);
        check();
      });
      return within(Promise.race([seen, ended]), what);
    },
    receive: (data) => frames.push(JSON.parse(data)),
  };
}

/** A client that has authenticated and sends its `frames` back to back on open. */
function connect(...frames) {
  const socket = new WebSocket(server.socket);
  const heard = listen(socket);
  socket.prependListener("message", heard.receive);
  socket.on("open", () => {
    for (const frame of [{ type: "auth", token: TOKEN }, ...frames]) socket.send(JSON.stringify(frame));
  });
  return { socket, send: (frame) => socket.send(JSON.stringify(frame)), ...heard };
}

const typesOf = (frames) => frames.map(({ type }) => type);
const ofType = (type) => (frame) => frame.type === type;

test("a client that sends auth, join, chat and ping back to back on open is answered in order", guarded, async () => {
  const ws = new WebSocket(server.socket);
  const heard = listen(ws);

  ws.on("open", () => {
    ws.send(JSON.stringify({ type: "auth", token: "dev-token" }));
    ws.send(JSON.stringify({ type: "join", roomId: "general" }));
    ws.send(JSON.stringify({ type: "chat", roomId: "general", text: "Hello, everyone!" }));
    ws.send(JSON.stringify({ type: "ping" }));
  });
  ws.on("message", (data) => {
    const message = JSON.parse(data);
    heard.frames.push(message);
  });

  await heard.until("chat", ofType("chat"));
  await heard.until("pong", ofType("pong"));
  // The chat takes the way through the room, the pong does not: their order is not fixed.
  const types = typesOf(heard.frames);
  assert.deepEqual(types.filter((type) => type !== "pong"), ["auth_ok", "joined", "history", "userJoined", "chat"]);
  assert.ok(types.indexOf("pong") > types.indexOf("joined"));

  const [authOk] = heard.frames;
  const byType = Object.fromEntries(heard.frames.map((frame) => [frame.type, frame]));
  assert.match(authOk.userId, /^user-[0-9a-f]{8}$/);
  assert.equal(typeof authOk.connectionId, "string");
  assert.equal(byType.joined.roomId, "general");
  assert.deepEqual(byType.history.messages, []);
  assert.deepEqual(
    { userId: byType.userJoined.userId, memberCount: byType.userJoined.memberCount },
    { userId: authOk.userId, memberCount: 1 },
  );
  assert.equal(byType.chat.text, "Hello, everyone!");
  assert.equal(byType.chat.userId, authOk.userId);
  assert.equal(byType.chat.roomId, "general");
  assert.equal(typeof byType.chat.id, "string");
  assert.equal(typeof byType.chat.requestId, "string");
  assert.equal(new Date(byType.chat.sentAt).toISOString().slice(0, 19), byType.chat.sentAt.slice(0, 19));
  assert.ok(!Number.isNaN(Date.parse(byType.pong.sentAt)));
  ws.close();
});

test("a client with subscribe and numeric request ids gets its numbers back", guarded, async () => {
  const client = connect({ type: "subscribe", payload: { topics: ["prices", "news"], userId: "mallory" }, requestId: 1 });

  const authOk = await client.until("auth_ok", ofType("auth_ok"));
  const subscribed = await client.until("subscribed", ofType("subscribed"));
  assert.deepEqual(subscribed.topics, ["prices", "news"]);
  assert.strictEqual(subscribed.requestId, 1);
  for (const roomId of ["prices", "news"]) {
    const joined = await client.until(roomId, (frame) => frame.type === "userJoined" && frame.roomId === roomId);
    assert.equal(joined.userId, authOk.userId, "identity comes from the token, not from the body");
  }

  client.send({ type: "unsubscribe", payload: { topic: "news" }, requestId: 2 });
  const unsubscribed = await client.until("unsubscribed", ofType("unsubscribed"));
  assert.equal(unsubscribed.topic, "news");
  assert.strictEqual(unsubscribed.requestId, 2);

  const payload = { symbol: "TAUT", depth: [1, 2.5, null], nested: { ok: true } };
  client.send({ type: "request", method: "echo", payload, requestId: 3 });
  const response = await client.until("response", ofType("response"));
  assert.strictEqual(response.requestId, 3);
  assert.deepEqual(response.payload, payload);
  client.socket.close();
});

test("an unsubscribed topic stays silent and the others go on", guarded, async () => {
  const reader = connect({ type: "subscribe", payload: { topics: ["sport", "weather"] }, requestId: 1 });
  await reader.until("subscribed", ofType("subscribed"));
  reader.send({ type: "unsubscribe", payload: { topic: "sport" }, requestId: 2 });
  await reader.until("unsubscribed", ofType("unsubscribed"));

  const writer = connect({ type: "subscribe", payload: { topics: ["sport", "weather"] } });
  await writer.until("subscribed", ofType("subscribed"));
  writer.send({ type: "chat", roomId: "sport", text: "goal" });
  await writer.until("goal", ({ text }) => text === "goal");
  writer.send({ type: "chat", roomId: "weather", text: "rain" });

  await reader.until("rain", ({ text }) => text === "rain");
  // One connection has one order, and the answer to this ping comes after all that was before it.
  reader.send({ type: "ping", requestId: 3 });
  await reader.until("pong", ofType("pong"));
  assert.deepEqual(reader.frames.filter(({ text }) => text === "goal"), []);
  reader.socket.close();
  writer.socket.close();
});

test("members are counted on join, leave and disconnect", guarded, async () => {
  const roomId = "counted";
  const stays = connect({ type: "join", roomId });
  await stays.until("its own join", ofType("userJoined"));
  const goes = connect({ type: "join", roomId, requestId: "j" });
  const { userId } = await goes.until("auth_ok", ofType("auth_ok"));
  const presence = (nth) => stays.until(`presence ${nth}`, () => presenceOf(stays)[nth] !== undefined);
  const presenceOf = ({ frames }) => frames
    .filter(({ type }) => type === "userJoined" || type === "userLeft")
    .map((frame) => [frame.type, frame.userId === userId, frame.memberCount]);

  await presence(1);
  goes.send({ type: "leave", roomId, requestId: "l" });
  const left = await goes.until("left", ofType("left"));
  assert.deepEqual([left.roomId, left.requestId], [roomId, "l"]);
  await presence(2);
  goes.send({ type: "join", roomId });
  await presence(3);
  goes.socket.terminate();
  await presence(4);

  assert.deepEqual(presenceOf(stays), [
    ["userJoined", false, 1],
    ["userJoined", true, 2],
    ["userLeft", true, 1],
    ["userJoined", true, 2],
    ["userLeft", true, 1],
  ]);
  stays.socket.close();
});

test("history is exactly what members received live", guarded, async () => {
  const roomId = "remembered";
  const first = connect({ type: "join", roomId });
  await first.until("its own join", ofType("userJoined"));
  for (const text of ["one", "two", "three"]) first.send({ type: "chat", roomId, text, requestId: text });
  await first.until("three", ({ text }) => text === "three");

  const second = connect({ type: "join", roomId });
  const history = await second.until("history", ofType("history"));
  assert.deepEqual(history.messages, first.frames.filter(ofType("chat")));
  assert.deepEqual(history.messages.map(({ requestId }) => requestId), ["one", "two", "three"]);
  first.socket.close();
  second.socket.close();
});

test("the answer to the upgrade names tautline.v1.json", guarded, async () => {
  const socket = new WebSocket(server.socket, ["tautline.v1.json"]);
  await within(once(socket, "open"), "open");
  assert.equal(socket.protocol, "tautline.v1.json");
  socket.close();
});

test("a right bearer subprotocol authenticates and is not echoed", guarded, async () => {
  const socket = new WebSocket(server.socket, ["tautline.v1.json", `bearer.${TOKEN}`]);
  const heard = listen(socket);
  socket.prependListener("message", heard.receive);
  await heard.until("auth_ok", ofType("auth_ok"));
  assert.equal(heard.frames[0].type, "auth_ok");
  assert.equal(socket.protocol, "tautline.v1.json");
  socket.close();
});

test("an unknown version is refused with 400 and the list of the supported ones", guarded, async () => {
  const { status, type, problem } = await refusal(["tautline.v9.json"]);
  assert.equal(status, 400);
  assert.match(type, /^application\/problem\+json/);
  assert.match(JSON.stringify(problem), /"tautline\.v1\.json"/);
});

test("a wrong bearer subprotocol is refused with 401", guarded, async () => {
  const { status, type, problem } = await refusal(["tautline.v1.json", "bearer.not-the-token"]);
  assert.equal(status, 401);
  assert.match(type, /^application\/problem\+json/);
  assert.ok(!JSON.stringify(problem).includes("not-the-token"), "a token is never repeated");
});

/** The HTTP answer to an upgrade that is not accepted. */
async function refusal(protocols) {
  const socket = new WebSocket(server.socket, protocols);
  const [, response] = await within(
    Promise.race([
      once(socket, "unexpected-response"),
      once(socket, "open").then(() => assert.fail("the upgrade was accepted")),
    ]),
    "a refusal",
  );
  const chunks = await within(response.toArray(), "the body");
  const problem = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  return { status: response.statusCode, type: response.headers["content-type"], problem };
}
