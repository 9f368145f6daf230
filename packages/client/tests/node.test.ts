// The client in Node, with the package ws, against the real server: what is published survives a kill -9, and what was missed
// comes after a lost connection. The server is that of `cargo build -p tautline`, or TAUTLINE_BIN.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createClient, type Tautline } from "../src/client.js";
import type { Encoding } from "../src/encoding.js";
import { json } from "../src/encoding.js";
import type { SocketConstructor } from "../src/env.js";
import { messagePack } from "../src/msgpack/index.js";

interface Server {
  readonly socket: string;
  readonly port: number;
  kill(): Promise<void>;
}

interface Harness {
  readonly HANG_MS: number;
  startServer(port?: number): Promise<Server>;
  within<T>(promise: Promise<T>, what: string): Promise<T>;
}

const { HANG_MS, startServer, within }: Harness = await import(
  new URL("../../../../e2e/harness.js", import.meta.url).href
);
const { default: Ws }: { default: SocketConstructor } = await import("ws" as string);

let server: Server = await startServer();
const clients: Tautline[] = [];
after(async () => {
  for (const client of clients) await client.close();
  await server.kill();
});

/** Sockets of the package ws that can be lost as cables are. */
const open = new Set<{ terminate(): void }>();
class WebSocket extends Ws {
  constructor(url: string, protocols: string[]) {
    super(url, protocols);
    const socket = this as unknown as { terminate(): void };
    open.add(socket);
  }
}

function connect(encoding: Encoding): Tautline {
  const client = createClient({ url: () => server.socket, token: "dev-token", encoding, env: { WebSocket } });
  clients.push(client);
  return client;
}

function span(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, nth) => from + nth);
}

/** Resolves when so many messages were heard. */
function hears(room: ReturnType<ReturnType<typeof connect>["room"]>, count: number): Promise<unknown[]> {
  const heard: unknown[] = [];
  return new Promise((resolve) => {
    room.onMessage(({ data }) => {
      heard.push(data);
      if (heard.length === count) resolve(heard);
    });
  });
}

for (const [name, encoding] of [
  ["JSON", json],
  ["MessagePack", messagePack()],
] as const) {
  test(`in ${name} what is published survives a kill -9 of the server`, { timeout: HANG_MS }, async () => {
    const client = connect(encoding);
    const room = client.room(`kill:${name}`);
    const gaps: string[] = [];
    room.onGap(({ reason }) => {
      gaps.push(reason);
    });
    room.join({ presence: { mood: "calm" } });
    const heard = hears(room, 2);
    assert.equal((await within(room.publish("said", { n: 1 }), "the first")).offset, 1);
    assert.equal(room.presence.view.complete, true);
    assert.equal([...room.presence.view.members.values()][0]?.user, room.presence.view.me?.user);
    assert.deepEqual(await within(client.request("echo", { x: [1, "ü"] }), "an answer"), { x: [1, "ü"] });
    const { port } = server;
    await server.kill();
    const late = room.publish("said", { n: 2 });
    server = await startServer(port);
    const ack = await within(late, "the second");
    assert.equal(ack.duplicate, false);
    assert.deepEqual(await within(heard, "both"), [{ n: 1 }, { n: 2 }]);
    assert.deepEqual(gaps, ["epoch-changed"]);
    const page = await within(room.history({ limit: 10 }), "history");
    assert.deepEqual(
      page.messages.map(({ data }) => data),
      [{ n: 2 }],
    );
    await within(client.close({ flush: true }), "the end");
  });

  test(`in ${name} what was missed comes after a lost connection, each once`, { timeout: HANG_MS }, async () => {
    const [client, other] = [connect(encoding), connect(encoding)];
    const room = client.room(`lost:${name}`);
    const heard = hears(room, 40);
    room.onGap(() => assert.fail("nothing is missing"));
    room.join();
    await within(room.joined(), "the join");
    await within(other.connect(), "the other");
    const mine = [...open][open.size - 2];
    for (let n = 0; n < 40; n++) {
      if (n === 10) mine?.terminate();
      await within(other.room(`lost:${name}`).publish("said", n), "a place");
    }
    assert.deepEqual(
      await within(heard, "all"),
      Array.from({ length: 40 }, (_, n) => n),
    );
    const first = await within(room.history({ before: 21, limit: 10 }), "a page before");
    assert.deepEqual([first.messages.map(({ offset }) => offset), first.more], [span(11, 20), true]);
    const [eleventh] = first.messages;
    assert.ok(eleventh);
    const next = await within(other.room(`lost:${name}`).history({ after: eleventh, limit: 100 }), "the page after");
    assert.deepEqual([next.messages.map(({ offset }) => offset), next.more], [span(12, 40), false]);
    assert.deepEqual(next.messages[0]?.epoch, eleventh.epoch);
    const members = await within(other.room(`lost:${name}`).members(), "the members");
    assert.ok(members.some(({ user }) => user === room.presence.view.me?.user));
    await Promise.all([client.close(), other.close()]);
  });
}
