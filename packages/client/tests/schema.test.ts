// What a schema says is what the compiler holds an application to. The compiler is the test: each line below that it should refuse
// says so.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient, type Message, type Tautline, TautlineError } from "../src/index.js";

interface Doc {
  messages: { edit: { at: number }; comment: string };
  casts: { cursor: [number, number] };
  presence: { name: string };
}

interface App {
  rooms: { [room: `doc:${string}`]: Doc } & { lobby: { messages: { hi: string } } };
  requests: { rename: { data: { title: string }; result: { version: number } } };
}

/** Never called: the types are what is tested. */
export function typed(client: Tautline<App>, any: Tautline): void {
  const room = client.room("doc:42");
  room.on("edit", ({ data }) => data.at.toFixed());
  room.onMessage((message) => (message.event === "edit" ? message.data.at.toFixed() : message.data.trim()));
  room.onCast("cursor", ({ data: [x, y] }) => x + y);
  room.join({ presence: { name: "Ann" }, since: {} as Message });
  room.presence.view.me?.state?.name.trim();
  client.room("lobby").cast("hi", "without casts of its own, a room casts what it publishes");
  client.request("rename", { title: "Notes" }).then(({ version }) => version.toFixed());
  any.room("whatever").on("event", ({ data }) => typeof data === "string" && data.trim());
  // @ts-expect-error: no such room
  client.room("other");
  // @ts-expect-error: no such event
  room.on("cursor", () => {});
  // @ts-expect-error: other data
  room.publish("edit", { at: "7" });
  // @ts-expect-error: other presence
  room.join({ presence: { mood: "calm" } });
  // @ts-expect-error: no such method
  client.request("remove", {});
  // @ts-expect-error: a room whose members show nothing
  client.room("lobby").join({ presence: "Ann" });
  // @ts-expect-error: `messages` is written wrong
  createClient<{ rooms: { lobby: { message: { hi: string } } } }>({ url: "/ws" });
  // @ts-expect-error: `casts` is written wrong
  createClient<{ rooms: { lobby: { messages: { hi: string }; cast: object } } }>({ url: "/ws" });
  // @ts-expect-error: `result` is written wrong
  createClient<App & { requests: { list: { results: string[] } } }>({ url: "/ws" });
  // @ts-expect-error: data of which nothing is known
  any.room("whatever").on("event", ({ data }) => data.text);
}

test("what is exported can be made without a page, a socket or a schema", () => {
  assert.equal(createClient({ url: "/ws" }).state.status, "idle");
  assert.ok(new TautlineError("closed", "why") instanceof Error);
});
