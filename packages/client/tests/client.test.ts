// The client as an application holds it: connections, tokens, addresses, requests and errors,
// over sockets that end at a model of the server and a clock that stands still.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createClient } from "../src/client.js";
import { POLICIES } from "../src/codes.js";
import { TautlineError } from "../src/errors.js";
import type { TokenProvider } from "../src/options.js";
import { failure, joined, Surroundings, settled } from "./surroundings.js";

test("nothing is opened and nothing listens before the first need", async () => {
  const here = new Surroundings();
  const client = createClient(here.options());
  assert.equal(client.room("a"), client.room("a"));
  assert.deepEqual(client.state, { status: "idle" });
  assert.equal(client.room("a").state.status, "idle");
  assert.equal(client.room("a").presence.view.count, 0);
  assert.deepEqual([here.sockets.length, here.ears.size, here.timers.size], [0, 0, 0]);
  client.room("a").join();
  await here.pass(1_000);
  assert.equal(client.state.status, "connected");
  await client.close();
  assert.equal(here.line.closedWith, 1000);
  assert.deepEqual([here.open.length, here.ears.size, here.timers.size], [0, 0, 0]);
});

test("a server hears which version of the package this is", async () => {
  const { here } = await joined();
  const file = new URL("../../package.json", import.meta.url);
  const { name, version } = JSON.parse(readFileSync(file, "utf8"));
  assert.deepEqual(JSON.parse(here.line.sent[0] ?? "").payload.client, { name, version });
});

test("without a WebSocket the error says what to pass", async () => {
  const client = createClient({ url: "ws://example.test", env: { WebSocket: undefined } });
  const error = await failure(client.connect());
  assert.equal(error.code, "no_websocket");
  assert.match(error.message, /env: \{ WebSocket \}/);
  assert.equal((await failure(client.room("a").publish("e", 1))).code, "no_websocket");
  assert.throws(() => client.room("a").join(), { code: "no_websocket" });
});

test("without autoConnect a join waits for connect", async () => {
  const here = new Surroundings();
  const client = createClient(here.options({ autoConnect: false }));
  client.room("a").join();
  await here.pass(1_000);
  assert.equal(here.sockets.length, 0);
  client.connect();
  await here.pass(1_000);
  assert.equal(client.room("a").state.status, "live");
});

test("a listener that throws keeps nothing from the others, and is told of", async () => {
  const { here, room, client } = await joined();
  const errors: unknown[] = [];
  const heard: number[] = [];
  client.on("error", (error) => errors.push(error));
  room.onMessage(() => {
    throw new Error("mine");
  });
  room.onMessage((message) => heard.push(message.offset));
  client.subscribe(() => {
    throw new Error("mine, too");
  });
  room.publish("e", 1);
  room.publish("e", 2);
  await here.pass(1_000);
  here.line.end(1006);
  await here.pass(2_000);
  assert.deepEqual(heard, [1, 2]);
  assert.ok(errors.length >= 4 && errors.every((error) => /mine/.test(String(error))));
  assert.equal(client.state.status, "connected");
});

test("a request that is not answered in time is taken back", async () => {
  const { here, client } = await joined();
  here.line.desk.part();
  const late = failure(client.request("m", 1, { timeout: 100 }));
  await here.pass(500);
  assert.deepEqual(await late.then(({ code, outcome }) => [code, outcome]), ["expired", "unknown"]);
  const [asked, taken] = here.line.sent.slice(-2).map((frame) => JSON.parse(frame));
  assert.deepEqual([asked.type, taken.type, taken.requestId], ["request", "cancel", asked.requestId]);
});

test("who asks for an attempt has it at once, whatever the clock does", async () => {
  const here = new Surroundings();
  here.isUp = false;
  const client = createClient(here.options());
  client.room("a").join();
  await here.pass(2_000);
  const { length } = here.sockets;
  client.retryNow();
  await settled();
  assert.equal(here.sockets.length, length + 1);
});

test("attempts end where the application wants that, and the last reason is told", async () => {
  const here = new Surroundings();
  here.isUp = false;
  const client = createClient(here.options({ retry: { giveUpAfter: 3 } }));
  const error = await Promise.all([failure(client.connect()), here.pass(60_000)]).then(([it]) => it);
  assert.equal(here.sockets.length, 3);
  assert.match(error.message, /as many attempts failed.*no connection could be opened/);
});

test("a refusal that answers nothing is told, and takes the token from nobody", async () => {
  const { here, client } = await joined();
  const errors: unknown[] = [];
  client.on("error", (error) => errors.push(error));
  const payload = { code: "forbidden", message: "no", retryable: false } as const;
  here.line.desk.say({ type: "error", payload });
  await here.pass(100);
  assert.deepEqual(
    errors.map((error) => (error as TautlineError).code),
    ["forbidden"],
  );
  here.line.end(1006);
  await here.pass(5_000);
  assert.equal(client.state.status, "connected");
  assert.equal(JSON.parse(here.line.sent[0] ?? "").payload.token, "token|ann|");
});

test("a listener's promise that fails is told of", async () => {
  const { here, client, room } = await joined();
  const errors: unknown[] = [];
  client.on("error", (error) => errors.push(error));
  const failure = new Error("no disk");
  room.on("e", async () => {
    throw failure;
  });
  room.publish("e", 1);
  await here.pass(500);
  assert.deepEqual(errors, [failure]);
});

test("what waits for a client that does not connect fails in time, and then no timer runs", async () => {
  const here = new Surroundings();
  const client = createClient(here.options({ autoConnect: false }));
  const waits = [client.room("a").publish("e", 1, { timeout: 100 }), client.request("m", 1, { timeout: 200 })];
  const codes = Promise.all(waits.map((wait) => failure(wait).then(({ code }) => code)));
  await here.pass(1_000);
  assert.deepEqual(await codes, ["expired", "expired"]);
  assert.deepEqual([here.sockets.length, here.timers.size], [0, 0]);
});

test("an address where no server can be is said to be none", async () => {
  const here = new Surroundings();
  for (const url of ["nonsense", "/ws", "ftp://example.test/"]) {
    const client = createClient(here.options({ url }));
    const error = await failure(client.connect());
    assert.equal(error.code, "bad_url");
    assert.ok(error.message.includes(url), error.message);
  }
  assert.equal(here.sockets.length, 0);
});

test("connect resolves when there is a connection, and rejects when there will be none", async () => {
  const here = new Surroundings();
  const client = createClient(here.options());
  const connecting = client.connect();
  await here.pass(1_000);
  await connecting;
  here.line.desk.end(4403);
  await here.pass(100);
  assert.equal(client.state.status, "closed");
  const waiting = createClient(here.options({ token: () => null }));
  const error = await failure(waiting.connect());
  assert.deepEqual([error.code, waiting.state.status], ["closed", "closed"]);
});

test("a signal ends the wait for a connection and for a room, and nothing else", async () => {
  const here = new Surroundings();
  here.isUp = false;
  const client = createClient(here.options());
  const { signal } = new AbortController();
  const controller = new AbortController();
  const waits = [client.connect({ signal: controller.signal }), client.room("a").joined({ signal: controller.signal })];
  client.room("a").joined({ signal });
  await here.pass(100);
  controller.abort();
  for (const wait of waits) assert.equal((await failure(wait)).code, "aborted");
  assert.equal(client.state.status, "reconnecting");
});

test("only a connection of ten seconds has what failed before it forgotten", async () => {
  const { here, client } = await joined();
  const lose = async () => {
    here.line.end(1006);
    await here.pass(10);
    const { state } = client;
    return state.status === "reconnecting" ? state.attempt : state.status;
  };
  assert.equal(await lose(), 2, "it lived for a second");
  await here.pass(4_000);
  assert.equal(await lose(), 3, "it was let in and sent away");
  await here.pass(20_000);
  assert.equal(await lose(), 1);
});

test("a signal is left alone by what has ended", async () => {
  const { here, room } = await joined();
  const signal = new AbortController().signal;
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...all: Parameters<typeof addEventListener>) => {
    listeners++;
    addEventListener.apply(signal, all);
  };
  signal.removeEventListener = (...all: Parameters<typeof removeEventListener>) => {
    listeners--;
    removeEventListener.apply(signal, all);
  };
  const acks = [1, 2, 3].map((nth) => room.publish("e", nth, { signal }));
  assert.equal(listeners, 3);
  await here.pass(500);
  await Promise.all(acks);
  assert.equal(listeners, 0);
});

test("what is thrown by a socket stops nothing but itself", async () => {
  const { here, client, room } = await joined();
  here.line.send = () => {
    throw new Error("of the socket");
  };
  await failure(room.publish("e", 1, { timeout: 60_000, signal: AbortSignal.timeout(1) }));
  here.line.end(1006);
  await here.pass(2_000);
  assert.equal(client.state.status, "connected");
  const ack = room.publish("e", 2);
  await here.pass(500);
  assert.equal((await ack).duplicate, false);
});

test("a token is asked for with the reason, and again when it was refused", async () => {
  const here = new Surroundings();
  const reasons: string[] = [];
  const client = createClient(
    here.options({
      token: async ({ reason }) => {
        reasons.push(reason);
        if (reasons.length === 1) throw new Error("no network");
        return reasons.length === 2 ? "token|ann|1" : "token|ann|";
      },
    }),
  );
  client.connect();
  await here.pass(10_000);
  assert.equal(client.state.status, "connected");
  assert.deepEqual(reasons, ["connect", "connect", "rejected"]);
});

test("who is asked for a token hears when nobody waits for it any more", async () => {
  const here = new Surroundings();
  let asked: AbortSignal | undefined;
  const token: TokenProvider = ({ signal }) => {
    asked = signal;
    return new Promise(() => {});
  };
  const client = createClient(here.options({ token }));
  client.room("a").join();
  await here.pass(100);
  assert.equal(asked?.aborted, false);
  client.close();
  assert.equal(asked?.aborted, true);
});

test("an address that is not known yet is asked for before each attempt", async () => {
  const here = new Surroundings();
  let asked = 0;
  const url = async () => {
    if (++asked === 1) throw new Error("not known");
    return "https://example.test/ws";
  };
  const client = createClient(here.options({ url }));
  client.connect();
  await here.pass(5_000);
  assert.equal(here.line.url, "wss://example.test/ws");
  assert.deepEqual(here.line.protocols, ["tautline.v2.json"]);
  assert.equal(client.state.status, "connected");
});

test("a server that goes away is followed without a pause", async () => {
  const { here, client, room } = await joined();
  const first = here.line;
  const states: string[] = [];
  client.subscribe(() => states.push(client.state.status));
  first.desk.drain(500, 5_000);
  await here.pass(3_000);
  assert.notEqual(here.line, first);
  assert.equal(first.closedWith, 1000);
  assert.deepEqual(new Set(states), new Set(["connected"]));
  assert.equal(room.state.status, "live");
});

test("a server may send its clients elsewhere, for that time alone, and not out of TLS", async () => {
  const { here } = await joined();
  const goaway = (url: string) => {
    here.line.desk.isGoing = true;
    here.line.desk.say({ type: "goaway", payload: { reason: "r", deadlineMs: 9_000, windowMs: 10, url } });
  };
  goaway("ws://other.test/ws");
  await here.pass(1_000);
  assert.equal(here.line.url, "ws://other.test/ws");
  here.line.end(1006);
  await here.pass(2_000);
  assert.equal(here.line.url, "ws://example.test/ws");
  const there = new Surroundings();
  const client = createClient(there.options({ url: "wss://example.test/ws" }));
  client.connect();
  await there.pass(1_000);
  there.line.desk.say({
    type: "goaway",
    payload: { reason: "r", deadlineMs: 9_000, windowMs: 10, url: "ws://evil.test" },
  });
  await there.pass(1_000);
  assert.deepEqual([there.sockets.length, there.line.url], [2, "wss://example.test/ws"]);
});

test("what a report says is told to the application", async () => {
  const { here, client } = await joined();
  const reports: number[] = [];
  client.on("report", (report) => reports.push(report.code));
  here.line.end(1001);
  await here.pass(100);
  assert.deepEqual(reports, [1001]);
  await settled();
});

test("the guide has the page that errors name, and says of each close code what a client does", () => {
  const { docs } = new TautlineError("closed", "why");
  const [path, anchor] = docs.split("#");
  const guide = readFileSync(new URL(`../../../../${path}`, import.meta.url), "utf8");
  assert.match(guide, new RegExp(`^## ${anchor}$`, "im"));
  const table = guide.slice(guide.indexOf("## What happens when a connection ends"));
  const words = { final: /final/, threeTimes: /third time/, newToken: /another token/, later: /after 5 s/ };
  for (const [code, policy] of Object.entries(POLICIES)) {
    const row = table.split("\n").find((line) => line.startsWith("| ") && line.includes(code));
    assert.match(row ?? "", words[policy], code);
  }
});
