// The small clients of interop/, written from protocol/README.md alone, together in one room of the real server: Python,
// Node, tungstenite and a browser, in v1 and in v2, in JSON and in MessagePack.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { decode } from "@msgpack/msgpack";
import Ajv from "ajv/dist/2020.js";
import { chromium } from "playwright-core";
import WebSocket from "ws";
import { CHROMIUM, HANG_MS, QUIET, example, startProgram, startServer, within } from "./harness.js";
import * as messagepack from "./interop/node/messagepack.js";

const PYTHON = process.env.PYTHON || "/usr/bin/python3";
const ROOM = "lobby";
const HELLOS = 3;
/** A ping every second, so that all are asked while they are there. */
const SETTINGS = { TAUTLINE_HEARTBEAT_PING_EVERY: "1s" };

const ours = (path) => fileURLToPath(new URL(path, import.meta.url));
const json = (path) => JSON.parse(readFileSync(ours(path), "utf8"));
const PAGES = new Map(["/v1.html", "/v2.html"].map((path) => [path, readFileSync(ours(`interop/browser${path}`))]));

const missing = [
  spawnSync(PYTHON, ["-c", "import websockets, msgpack; from datetime import UTC"]).status !== 0
    && `${PYTHON} is no Python 3.11 with websockets and msgpack: \`apt-get install python3-websockets python3-msgpack\`, or set PYTHON`,
  !existsSync(CHROMIUM) && `no Chromium at ${CHROMIUM}: \`apt-get install chromium\`, or set CHROMIUM to its path`,
].filter(Boolean).join("; ");

if (missing) {
  test("small clients", { skip: process.env.TEST_ALL !== "1" && missing }, () => assert.fail(missing));
} else {
  describe("small clients", { timeout: 10 * HANG_MS }, smallClients);
  describe("their MessagePack", { timeout: HANG_MS }, vectors);
}

test("none of them has more than 59 lines, blank ones aside", () => {
  for (const folder of ["python", "node", "browser", "tungstenite"]) {
    for (const file of readdirSync(ours(`interop/${folder}`)).filter((name) => /\.\w+$/.test(name))) {
      const lines = readFileSync(ours(`interop/${folder}/${file}`), "utf8").split("\n").filter((line) => line.trim());
      assert.ok(lines.length < 60, `${folder}/${file} has ${lines.length}`);
    }
  }
});

/** What a client has shown: `{ sent }` and `{ heard }` messages in their order, and a way to wait for one. */
class Transcript {
  entries = [];
  #waiting = new Set();

  add(line) {
    if (line.startsWith("> ")) this.entries.push({ sent: JSON.parse(line.slice(2)) });
    if (line.startsWith("< ")) this.entries.push({ heard: JSON.parse(line.slice(2)) });
    for (const check of this.#waiting) check();
  }

  get sent() {
    return this.entries.flatMap(({ sent }) => sent ?? []);
  }

  get heard() {
    return this.entries.flatMap(({ heard }) => heard ?? []);
  }

  async until(what, happened) {
    let check;
    const seen = new Promise((resolve) => {
      check = () => happened(this) && resolve();
      this.#waiting.add(check);
      check();
    });
    await within(seen, what).finally(() => this.#waiting.delete(check));
  }
}

function smallClients() {
  let server;
  let browser;
  let pages;
  let host;
  let clients;
  const speaking = (wanted) => clients.filter(({ version }) => version === wanted);

  before(async () => {
    server = await startServer(0, SETTINGS);
    browser = await chromium.launch({ executablePath: CHROMIUM, args: QUIET });
    pages = createServer(({ url }, response) => {
      response.setHeader("Content-Type", "text/html");
      response.end(PAGES.get(url.split("?")[0]));
    });
    await once(pages.listen(0, "127.0.0.1"), "listening");
    host = await openHost();
    clients = await openClients();
    await Promise.all([meet(), ...clients.map(({ ended }) => ended)]);
  }, { timeout: 5 * HANG_MS });

  after(async () => {
    host?.socket.terminate();
    await browser?.close();
    pages?.close();
    await server?.kill();
  });

  /** All are there, and are asked whether they still are; they greet, go away, come back, and leave. */
  async function meet() {
    await host.transcript.until("everybody", ({ heard }) => heard.some((each) => each.memberCount === clients.length + 1));
    for (const { name, transcript } of speaking(2)) {
      await transcript.until(`${name} to answer a ping`, ({ sent }) => sent.some(ofType("pong")));
    }
    for (let each = 0; each < HELLOS; each += 1) host.say("hello");
    const greetings = ({ heard }) => heard.filter(({ text }) => text?.startsWith("hello from"));
    await host.transcript.until("all greetings", (all) => greetings(all).length >= HELLOS * clients.length);
    for (const text of ["goodbye", "are they gone?", "they are"]) host.say(text);
    for (const { name, transcript } of speaking(2)) {
      await transcript.until(`${name} to be back`, ({ heard }) => heard.filter(ofType("welcome")).length === 2);
    }
    host.say("the end");
    await host.transcript.until("the end", ({ heard }) => heard.some(({ text }) => text === "the end"));
  }

  /** Who speaks to the clients, in v1. It is there before them, and hears all. */
  async function openHost() {
    const socket = new WebSocket(server.socket);
    const transcript = new Transcript();
    socket.on("message", (data) => transcript.add(`< ${data}`));
    await within(once(socket, "open"), "the host's connection");
    const send = (message) => socket.send(JSON.stringify(message));
    const say = (text) => send({ type: "chat", roomId: ROOM, text });
    send({ type: "auth", token: "dev-token" });
    send({ type: "join", roomId: ROOM });
    say("nobody is here yet");
    await transcript.until("its own words", ({ heard }) => heard.some(ofType("chat")));
    return { socket, transcript, say };
  }

  async function openClients() {
    const python = (file) => [PYTHON, ours(`interop/python/${file}`)];
    const node = (file) => [process.execPath, ours(`interop/node/${file}`)];
    return [
      run("Python in v1", 1, python("v1.py")),
      run("Python in v2", 2, python("v2.py"), "json"),
      run("Python in MessagePack", 2, python("v2.py"), "msgpack"),
      run("Node in v1", 1, node("v1.js")),
      run("Node in v2", 2, node("v2.js"), "json"),
      run("Node in MessagePack", 2, node("v2.js"), "msgpack"),
      run("tungstenite in v1", 1, [example("tungstenite-v1")]),
      run("tungstenite in v2", 2, [example("tungstenite-v2")]),
      await browse("a browser in v1", 1, "v1.html"),
      await browse("a browser in v2", 2, "v2.html"),
    ];
  }

  /** Starts one of the programs. It has ended well when it exits with 0. */
  function run(name, version, [program, ...before], ...behind) {
    const { child, exited } = startProgram(program, [...before, server.socket, ROOM, ...behind], {
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
    });
    const transcript = new Transcript();
    const errors = [];
    createInterface({ input: child.stdout }).on("line", (line) => transcript.add(line));
    createInterface({ input: child.stderr }).on("line", (line) => errors.push(line));
    const closed = once(child, "close");
    const ended = within(exited, `${name} to end`).then(async ([code, signal]) => {
      await closed;
      assert.equal(code ?? signal, 0, `${name} failed:\n${errors.join("\n")}`);
    });
    // A client that fails while the others are still opened is not overlooked: all are awaited below.
    ended.catch(() => {});
    return { name, version, transcript, ended };
  }

  /** Opens one of the pages. It has ended well when it says so. */
  async function browse(name, version, file) {
    const page = await (await browser.newContext()).newPage();
    const transcript = new Transcript();
    const ended = within(new Promise((resolve, reject) => {
      page.on("pageerror", reject);
      page.on("console", (message) => {
        const text = message.text();
        transcript.add(text);
        if (text.startsWith("closed")) resolve(text);
      });
    }), `${name} to end`).then((text) => assert.equal(text, "closed 1000", name));
    ended.catch(() => {});
    const { port } = pages.address();
    await page.goto(`http://127.0.0.1:${port}/${file}?${new URLSearchParams({ url: server.socket, room: ROOM })}`);
    return { name, version, transcript, ended };
  }

  test("all of them hear the same publications in the same order", () => {
    const order = host.transcript.heard.filter(ofType("chat")).map(({ id }) => id);
    assert.equal(order.length, 1 + HELLOS + HELLOS * clients.length + 4);
    for (const { name, transcript } of speaking(1)) {
      const ids = transcript.heard.flatMap((each) => each.messages ?? (each.type === "chat" ? [each] : [])).map(({ id }) => id);
      assert.deepEqual(ids, order, name);
    }
    for (const { name, transcript } of speaking(2)) {
      const expected = order.map((id, at) => ({ offset: at + 1, id })).slice(1);
      assert.deepEqual(publications(transcript).map(({ offset, id }) => ({ offset, id })), expected, name);
    }
  });

  test("in one version they hear it word for word", () => {
    const [first, ...others] = speaking(2);
    for (const { name, transcript } of others) {
      assert.deepEqual(publications(transcript), publications(first.transcript), name);
    }
    const chats = host.transcript.heard.filter(ofType("chat"));
    for (const { name, transcript } of speaking(1)) {
      assert.deepEqual(transcript.heard.filter(ofType("chat")), chats.slice(1), name);
    }
  });

  test("each greets once for each hello, although those of v2 say it twice", () => {
    const greetings = host.transcript.heard.filter(({ text }) => text?.startsWith("hello from"));
    for (const { name, version, transcript } of clients) {
      const { userId, payload } = transcript.heard.find(ofType(version === 1 ? "auth_ok" : "welcome"));
      const mine = greetings.filter((each) => each.userId === (userId ?? payload.user));
      assert.equal(mine.length, HELLOS, name);
    }
    for (const { name, transcript } of speaking(2)) {
      const published = transcript.heard.filter(ofType("published"));
      const first = published.filter(({ requestId }) => requestId === 5).map(({ payload }) => payload);
      const again = published.filter(({ requestId }) => requestId === 6).map(({ payload }) => payload);
      assert.equal(first.length, HELLOS, name);
      assert.ok(first.every(({ duplicate }) => !duplicate), name);
      assert.deepEqual(again, first.map((each) => ({ ...each, duplicate: true })), name);
    }
  });

  test("those of v2 come back to where they were, and miss nothing", () => {
    const goodbye = host.transcript.heard.find(({ text }) => text === "goodbye");
    for (const { name, transcript } of speaking(2)) {
      const [first, second] = transcript.sent.filter(ofType("hello")).map(({ payload }) => payload.rooms[0].since ?? null);
      const [came, back] = transcript.heard.filter(ofType("welcome")).map(({ payload }) => payload.rooms[0].payload);
      assert.equal(first, null, name);
      assert.deepEqual([came.recovered, came.position.offset], [false, 1], name);
      assert.deepEqual([second.epoch, second.id], [came.position.epoch, goodbye.id], name);
      assert.deepEqual([back.recovered, back.gap], [true, undefined], name);
    }
  });

  test("those of v1 are told the past, and who comes", () => {
    const past = host.transcript.heard.filter(ofType("chat")).slice(0, 1);
    for (const { name, transcript } of speaking(1)) {
      const beginning = transcript.heard.filter(({ type }) => ["auth_ok", "joined", "history", "userJoined"].includes(type));
      const [authOk, joined, history] = beginning;
      assert.deepEqual(beginning.slice(0, 4).map(({ type }) => type), ["auth_ok", "joined", "history", "userJoined"], name);
      // All of them come at the same time, and others may be told of before.
      const userJoined = beginning.find(({ type, userId }) => type === "userJoined" && userId === authOk.userId);
      assert.equal(joined.roomId, ROOM, name);
      assert.deepEqual(history.messages, past, name);
      assert.ok(userJoined?.memberCount > 1, name);
    }
  });

  test("requests, pings, errors and leaving are answered", () => {
    for (const { name, transcript } of speaking(1)) {
      const [echo, error, pong, left] = [1, 2, 3, 4].map((id) => answerTo(transcript, id));
      const asked = transcript.sent.find(({ requestId }) => requestId === 1);
      assert.deepEqual([echo.type, echo.payload], ["response", asked.payload], name);
      assert.deepEqual([error.type, error.code], ["error", "unknown_method"], name);
      assert.deepEqual([pong.type, left.type, left.roomId], ["pong", "left", ROOM], name);
    }
    for (const { name, transcript } of speaking(2)) {
      const [echo, error, pong, left] = [2, 3, 4, 7].map((id) => answerTo(transcript, id));
      const asked = transcript.sent.find(({ requestId }) => requestId === 2);
      assert.deepEqual([echo.type, echo.payload.data], ["response", asked.payload.data], name);
      assert.deepEqual([error.payload.code, error.payload.details.path], ["bad_request", "payload.room"], name);
      assert.deepEqual([pong.type, left.type, left.payload.room], ["pong", "left", ROOM], name);
    }
  });

  test("the server's pings are answered", () => {
    for (const { name, transcript } of speaking(2)) {
      const pings = transcript.heard.filter(ofType("ping")).length;
      assert.ok(pings > 0, name);
      assert.equal(transcript.sent.filter(ofType("pong")).length, pings, name);
    }
  });

  test("the schema holds for all that those of v2 heard and sent, but for what is wrong on purpose", () => {
    const { client, server: servers } = validators();
    for (const { name, transcript } of speaking(2)) {
      for (const message of transcript.heard) assert.deepEqual(servers(message), [], `${name} heard ${JSON.stringify(message)}`);
      const wrong = transcript.sent.filter((message) => client(message).length > 0);
      assert.deepEqual(wrong.map(({ type, requestId }) => [type, requestId]), [["join", 3], ["join", 3]], name);
    }
  });

  test("the clients closed every connection, tungstenite's without a code and all others with 1000", async () => {
    const silent = clients.filter(({ name }) => name.startsWith("tungstenite"));
    const [codeless, all] = [silent, clients].map((some) => some.reduce((sum, { version }) => sum + version, 0));
    assert.deepEqual(await within(untilEnded(all), "the server to count the endings"), {
      "client none": codeless,
      "client normal": all - codeless,
    });
  });

  /** How the connections ended, once so many have: one of v1, and two of v2, for each client. */
  async function untilEnded(count) {
    for (;;) {
      const text = await (await fetch(server.metrics)).text();
      const lines = text.matchAll(/^tautline_endings_total\{by="(\w+)",code="(\w+)"\} (\d+)$/gm);
      const endings = Object.fromEntries([...lines].map(([, by, code, ended]) => [`${by} ${code}`, Number(ended)]));
      if (Object.values(endings).reduce((sum, ended) => sum + ended, 0) >= count) return endings;
    }
  }
}

/** Both programs that speak it agree with every message of the vectors: they read what servers say, and write what clients do. */
function vectors() {
  const [client, server] = ["client", "server"].map((side) => json(`../protocol/vectors/v2/${side}.json`).vectors);
  const bytes = (digits) => new Uint8Array(Buffer.from(digits, "hex"));

  test("Node's reads what servers say", () => {
    for (const { name, json, msgpack } of server) assert.deepEqual(messagepack.parse(bytes(msgpack)), JSON.parse(json), name);
  });

  test("Node's writes what clients say", () => {
    for (const { name, json, msgpack } of client) {
      assert.deepEqual(decode(new Uint8Array(messagepack.stringify(JSON.parse(json)))), decode(bytes(msgpack)), name);
    }
  });

  test("Python's does both", () => {
    const script = "import json, messagepack, sys\nclient, server = json.load(sys.stdin)\nprint(json.dumps("
      + "[[messagepack.dumps(json.loads(each['json'])).hex() for each in client],"
      + " [messagepack.loads(bytes.fromhex(each['msgpack'])) for each in server]]))";
    const input = JSON.stringify([client, server]);
    const env = { ...process.env, PYTHONPATH: ours("interop/python"), PYTHONDONTWRITEBYTECODE: "1" };
    const { stdout, stderr } = spawnSync(PYTHON, ["-c", script], { input, env, encoding: "utf8" });
    assert.notEqual(stdout, "", stderr);
    const [written, read] = JSON.parse(stdout);
    client.forEach(({ name, msgpack }, at) => assert.deepEqual(decode(bytes(written[at])), decode(bytes(msgpack)), name));
    server.forEach(({ name, json }, at) => assert.deepEqual(read[at], JSON.parse(json), name));
  });
}

const ofType = (wanted) => ({ type }) => type === wanted;
const answerTo = ({ heard }, id) => heard.find(({ requestId }) => requestId === id);

/** The publications that a client of v2 was given, in the order in which it got them. */
function publications({ heard }) {
  return heard.flatMap(({ type, payload }) => {
    if (type === "welcome") return payload.rooms[0].payload.messages;
    return type === "message" ? [payload] : [];
  });
}

/** What is wrong with a message of a client, or of the server, by the schema and somebody else's reading of it. */
function validators() {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.addSchema(json("../protocol/schema/v2.json"), "v2");
  return Object.fromEntries(Object.entries({ client: "ClientMessage", server: "ServerMessage" }).map(([side, name]) => {
    const validate = ajv.compile({ $ref: `v2#/$defs/${name}` });
    return [side, (message) => (validate(message) ? [] : validate.errors)];
  }));
}
