// The session under random events, watched by a small model of its driver; and what each sign of a browser does.

import assert from "node:assert/strict";
import { test } from "node:test";
import { aborted } from "../src/abort.js";
import { json } from "../src/encoding.js";
import { verdictOf, withoutCode } from "../src/session/ending.js";
import type { Output } from "../src/session/output.js";
import { delay, RETRY_FLOOR, type Wait } from "../src/session/retry.js";
import { Session } from "../src/session/session.js";
import { QUEUE, RETRY, TIMEOUTS } from "../src/session/settings.js";
import type { ConnectionState } from "../src/state.js";
import type { ClientMessage, Hello, Position, Report, ServerMessage } from "../src/wire.js";
import { Dice } from "./pair/dice.js";

const ROOMS = ["a", "b", "c"];
const MESSAGES_MAX = 5;
const RUNS = Number(process.env.SESSION_RUNS ?? 1_000);

function newSession(dice: Dice, hasProvider: boolean = true): Session {
  return new Session({
    program: { name: "test", version: "1" },
    producer: "producer",
    encoding: json,
    random: dice.draw,
    token: hasProvider ? undefined : "dev-token",
    hasProvider,
    retry: RETRY,
    queue: { ...QUEUE, maxMessages: MESSAGES_MAX },
    timeouts: TIMEOUTS,
  });
}

interface Known {
  isOpen: boolean;
  isGoing: boolean;
  greeted: string[];
  asked: ClientMessage[];
}

/** Drives a session as a page would, and checks every output. */
class Watcher {
  readonly dice: Dice;
  readonly session: Session;
  now = 0;
  state: ConnectionState = { status: "idle" };
  readonly lines = new Map<number, Known>();
  readonly over = new Set<number>();
  live = 0;
  welcomes = 0;
  readonly fetches: number[] = [];
  readonly open = new Set<number>();
  readonly settled = new Set<number>();
  readonly joined = new Set<string>();
  readonly stands = new Map<string, Position | undefined>();

  constructor(seed: number) {
    this.dice = new Dice(seed);
    this.session = newSession(this.dice, this.dice.is(0.5));
  }

  feed(): void {
    const wasClosed = this.state.status === "closed";
    const isConnect = this.#happen();
    const said = this.drain();
    assert.ok(!wasClosed || isConnect || said === 0, "said by who is closed");
    assert.ok(this.session.pending <= MESSAGES_MAX);
    if (this.state.status !== "closed") return;
    assert.equal(this.session.nextTimeout(this.now), Infinity, "a timer of who is closed");
    assert.equal(this.lines.size, 0, "a line of who is closed");
    assert.equal(this.open.size, 0, "not settled, and closed");
  }

  /** True if the application connects. */
  #happen(): boolean {
    const { dice, session, now } = this;
    const room = dice.pick(ROOMS);
    const chosen = dice.below(34);
    if (chosen < 2) session.connect(now);
    else if (chosen === 2 && dice.is(0.2)) session.close();
    else if (chosen === 3 && dice.is(0.2)) session.drain(now, dice.between(0, 8_000));
    else if (chosen === 4) session.retryNow(now);
    else if (chosen === 5 && dice.is(0.2)) session.handleRestore(now);
    else if (chosen === 5) session.handleWake(now, dice.pick([0, 1_000, 60_000]));
    else if (chosen === 6) session.handleSigns(now, { offline: dice.is(0.2), hidden: dice.is(0.5) });
    else if (chosen === 7 && dice.is(0.3)) session.handleSuspend(now);
    else if (chosen < 10) this.#try(() => this.#join(room));
    else if (chosen === 10) this.#leave(room);
    else if (chosen < 14) this.#try(() => this.open.add(session.publish(now, { room, event: "e", data: {} })));
    else if (chosen === 14) this.#try(() => this.open.add(session.ask(now, { type: "members", payload: { room } })));
    else if (chosen === 15) {
      this.#try(() => this.open.add(session.ask(now, { type: "request", payload: { method: "m", data: 1 } })));
    } else if (chosen === 16) session.giveUp(dice.pick([...this.open, 0]), aborted());
    else if (chosen === 17) session.cast(room, "e", 1, "word");
    else if (chosen < 20) this.#wait(dice.pick([10, 300, 5_000, 40_000]));
    else if (chosen < 24) this.#opened();
    else if (chosen === 24 && dice.is(0.5)) this.#ended();
    else if (chosen < 31) this.#say();
    else this.#provide();
    return chosen < 2;
  }

  #try(command: () => void): void {
    try {
      command();
    } catch (error) {
      assert.equal((error as { outcome?: string }).outcome, "not-sent");
    }
  }

  #join(room: string): void {
    if (this.joined.has(room)) return;
    const since = this.dice.is(0.3) ? place(1, this.dice.below(5)) : undefined;
    this.session.join(room, since ? { since } : { last: 3 });
    this.joined.add(room);
    this.stands.set(room, since);
  }

  #leave(room: string): void {
    this.session.leave(room);
    this.joined.delete(room);
  }

  /** Mostly one that is there; now and then one that is over, or never was. */
  #line(): number {
    const known = [...this.lines.keys()];
    if (known.length && this.dice.is(0.9)) return this.dice.pick(known);
    return this.dice.pick([...this.over, 99_999]);
  }

  #opened(): void {
    const line = Math.max(0, ...this.lines.keys());
    const known = this.lines.get(line);
    if (!known || known.isOpen) return;
    known.isOpen = true;
    this.session.handleOpen(this.now, line);
  }

  #ended(): void {
    const line = this.#line();
    const code = this.dice.pick([1000, 1001, 1006, 1008, 1009, 1011, 1013, 4401, 4403]);
    this.#overWith(line);
    this.session.handleEnding(this.now, line, { kind: code === 1006 ? "lost" : "closed", code, reason: "" });
  }

  #overWith(line: number): void {
    if (this.lines.delete(line)) this.over.add(line);
    if (line === this.live) this.live = 0;
  }

  #say(): void {
    const { dice } = this;
    const line = this.#line();
    const known = this.lines.get(line);
    if (known && !known.isOpen) return;
    const room = dice.pick(ROOMS);
    const asked = known?.asked.splice(dice.below(known.asked.length), 1)[0];
    const isGreeting = line !== this.live && dice.is(0.9);
    const message = isGreeting
      ? welcome(known?.greeted ?? [], dice)
      : dice.is(0.5) && asked
        ? answerTo(asked, dice)
        : said(room, dice, known?.greeted ?? []);
    if (message.type === "goaway" && known && line === this.live) known.isGoing = true;
    this.session.handleMessage(this.now, line, dice.is(0.02) ? '{"type":1}' : JSON.stringify(message));
  }

  #provide(): void {
    const token = this.dice.is(0.1) ? undefined : this.dice.is(0.02) ? null : "token-token";
    this.session.handleToken(this.now, this.fetches.pop() ?? 0, token);
  }

  /** Time passes; what is due on the way happens when it is due. */
  #wait(span: number): void {
    const end = this.now + span;
    for (let due = this.session.nextTimeout(this.now); due <= end; due = this.session.nextTimeout(this.now)) {
      this.now = Math.max(this.now, due);
      this.session.handleTimeout(this.now);
      this.drain();
      assert.ok(this.session.nextTimeout(this.now) > this.now, "a timer that does not pass");
    }
    this.now = end;
  }

  /** Does what the session says. How much that was. */
  drain(): number {
    let count = 0;
    for (let output = this.session.poll(this.now); output; output = this.session.poll(this.now)) {
      count++;
      this.#obey(output);
    }
    for (const line of this.lines.keys()) this.session.handleBacklog(line, 0);
    return count;
  }

  #obey(output: Output): void {
    if (output.kind === "open") {
      const others = [...this.lines.values()].map((known) => known.isGoing);
      assert.ok(others.length < 2 && !others.includes(false), "a line too many");
      assert.ok(!this.over.has(output.line) && !this.lines.has(output.line), "opened again");
      this.lines.set(output.line, { isOpen: false, isGoing: false, greeted: [], asked: [] });
    } else if (output.kind === "send") this.#sent(output.line, JSON.parse(output.frame as string));
    else if (output.kind === "close") {
      assert.ok(this.lines.has(output.line), "closed what is over");
      this.#overWith(output.line);
    } else if (output.kind === "token") this.fetches.push(output.fetch);
    else if (output.kind === "state") this.#told(output.state);
    else if (output.kind === "settled") {
      assert.ok(this.open.delete(output.ticket) && !this.settled.has(output.ticket), "settled twice, or never begun");
      this.settled.add(output.ticket);
    } else if (output.kind === "room") {
      const { event } = output;
      if (event.kind === "status" && event.value.status === "idle") this.joined.delete(output.room);
      else assert.ok(this.joined.has(output.room), `of a room that was left: ${event.kind}`);
      if (event.kind === "message") {
        const stands = this.stands.get(output.room);
        if (stands) assert.equal(event.value.offset, stands.offset + 1, "not the next");
        this.stands.set(output.room, event.value);
      } else if (event.kind === "gap") this.stands.set(output.room, event.value.position);
      else if (event.kind === "status" && event.value.status === "live") {
        this.stands.set(output.room, this.stands.get(output.room) ?? event.value.position);
      }
    }
  }

  #sent(line: number, message: ClientMessage): void {
    const known = this.lines.get(line);
    assert.ok(known?.isOpen, "sent on a line that is not open");
    if (message.type === "hello") known.greeted = (message.payload.rooms ?? []).map((wanted) => wanted.room);
    if (message.requestId !== undefined) known.asked.push(message);
  }

  #told(state: ConnectionState): void {
    assert.notDeepEqual(state, this.state, "told again");
    this.state = state;
    if (state.status !== "connected") return;
    this.live = Math.max(...this.lines.keys());
    this.welcomes++;
  }
}

function place(epoch: number, offset: number): Position {
  return { epoch: String(epoch).padStart(16, "0"), offset, id: `id${offset}` };
}

function message(room: string, offset: number): ServerMessage {
  return { type: "message", payload: { room, offset, id: `id${offset}`, event: "e", data: 1, sentAt: "" } };
}

function said(room: string, dice: Dice, greeted: string[]): ServerMessage {
  const offset = dice.below(8);
  const choices: (() => ServerMessage)[] = [
    () => welcome(greeted, dice),
    () => welcome(greeted, dice),
    () => message(room, offset + 1),
    () => message(room, offset + 1),
    () => message(room, offset + 1),
    () => ({ type: "ping", payload: {} }),
    () => ({ type: "goaway", payload: { reason: "r", deadlineMs: 9, windowMs: 500 } }),
    () => ({ type: "bye", payload: { code: 1001, retry: true, afterMs: 300 } }),
    () => ({ type: "expiring", payload: { inMs: 60_000 } }),
    () => ({ type: "removed", payload: { room, code: "forbidden", message: "m" } }),
    () => ({ type: "cast", payload: { room, event: "e", data: 1 } }),
    () => ({
      type: "gap",
      payload: { room, from: offset, to: offset + 2, reason: "evicted", position: place(1, offset + 2) },
    }),
    () => ({ type: "gap", payload: { room, from: 1, to: 0, reason: "epoch-changed", position: place(2, 0) } }),
    () => ({ type: "later" }) as unknown as ServerMessage,
  ];
  return dice.pick(choices)();
}

function welcome(greeted: string[], dice: Dice): ServerMessage {
  const rooms = greeted.map((room) => ({ type: "joined" as const, payload: joined(room, dice.below(4)) }));
  return {
    type: "welcome",
    payload: {
      connection: `connection${dice.below(1e6)}`,
      user: "ann",
      serverTime: "",
      pingEveryMs: 25_000,
      limits: { messageBytes: 65_536, rooms: 9, publish: { perSecond: 2, burst: 4 } },
      retry: { firstWindowMs: 1_000, capMs: 30_000 },
      ...(dice.is(0.3) && { tokenTtlMs: dice.pick([0, 2_000, 60_000]) }),
      rooms: dice.is(0.05) ? [] : rooms,
    },
  };
}

function joined(room: string, offset: number): Extract<ServerMessage, { type: "joined" }>["payload"] {
  return {
    room,
    position: place(1, offset),
    recovered: false,
    messages: [],
    more: false,
    ack: { timeoutMs: 1, inFlight: 9 },
  };
}

function answerTo({ type, payload, requestId }: ClientMessage, dice: Dice): ServerMessage {
  const numbered = { requestId: requestId as number };
  const code = dice.pick(["rate_limited", "unavailable", "forbidden", "timeout"] as const);
  if (dice.is(0.4)) {
    const retryable = code !== "forbidden";
    return { type: "error", payload: { code, message: "m", retryable, retryAfterMs: 200 }, ...numbered };
  }
  if (type === "join") return { type: "joined", payload: joined(payload.room, dice.below(4)), ...numbered };
  if (type === "publish") {
    return { type: "published", payload: { ...place(1, 3), duplicate: false, level: "memory" }, ...numbered };
  }
  if (type === "members") return { type: "members", payload: { room: payload.room, members: [] }, ...numbered };
  if (type === "refresh") return { type: "refreshed", payload: { tokenTtlMs: 70_000 }, ...numbered };
  return { type: "response", payload: { data: 1 }, ...numbered };
}

test(`${RUNS} random lives keep every promise`, () => {
  let welcomed = 0;
  for (let seed = 1; seed <= RUNS; seed++) {
    const watcher = new Watcher(seed);
    try {
      for (let step = 0; step < 150; step++) watcher.feed();
      watcher.session.close();
      watcher.drain();
      assert.equal(watcher.open.size, 0, "never settled");
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
    welcomed += watcher.welcomes;
  }
  assert.ok(welcomed > RUNS, `${welcomed}`);
});

/** How far the shares of twenty equal parts between two times are from equal. */
function chiSquare(wait: Wait, failures: number, window: number, from: number, to: number): number {
  const dice = new Dice(7);
  const parts = new Array(20).fill(0);
  for (let draw = 0; draw < 10_000; draw++) {
    const after = delay(failures, wait, { base: RETRY.base, cap: RETRY.cap, window, random: dice.draw });
    assert.ok(after >= from && after <= to, `${after} of ${from} to ${to}`);
    parts[Math.min(Math.floor(((after - from) / (to - from)) * 20), 19)]++;
  }
  return parts.reduce((sum, part) => sum + (part - 500) ** 2 / 500, 0);
}

test("attempts spread evenly and pile up nowhere", () => {
  // 43.8 is exceeded by one in a thousand of even spreads over twenty parts.
  const announced: Wait = { kind: "announced" };
  for (const [failures, ceiling] of [
    [1, 1],
    [2, 2],
    [3, 4],
    [4, 8],
    [5, 16],
    [6, 30],
    [60, 30],
  ] as const) {
    assert.ok(chiSquare(announced, failures, 1_000, RETRY_FLOOR, ceiling * 1_000) < 43.8, `${failures}`);
  }
  assert.ok(chiSquare(announced, 0, 10_000, 0, 10_000) < 43.8);
  assert.ok(chiSquare(announced, 3, 60_000, RETRY_FLOOR, 60_000) < 43.8, "a wide window is wide later, too");
  assert.ok(chiSquare({ kind: "local" }, 0, 60_000, 0, 250) < 43.8);
  assert.ok(chiSquare({ kind: "hint", after: 4_000 }, 9, 60_000, 4_000, 6_000) < 43.8);
  assert.ok(chiSquare({ kind: "gone", after: 3_000 }, 0, 2_000, 3_000, 5_000) < 43.8);
});

test("each code is treated as the table says, and bye overrides it", () => {
  const closed = (code: number) => verdictOf({ kind: "closed", code, reason: "" }, undefined).kind;
  for (const code of [1000, 1001, 1005, 1006, 1009, 1011, 1012, 1014, 3000, 4408, 4429, 4999]) {
    assert.equal(closed(code), "announced", `${code}`);
  }
  for (const code of [1002, 1003, 1007, 1008, 1010, 1015]) assert.equal(closed(code), "threeTimes", `${code}`);
  for (const code of [4400, 4403, 4409, 4410, 4426]) assert.equal(closed(code), "final", `${code}`);
  assert.equal(closed(1013), "hint");
  assert.equal(closed(4401), "newToken");
  const lost = withoutCode("lost", "");
  assert.deepEqual(verdictOf(lost, { code: 4410, retry: true, afterMs: 2_000 }), { kind: "hint", after: 2_000 });
  assert.deepEqual(verdictOf(lost, { code: 1001, retry: true, afterMs: 3_000 }), { kind: "gone", after: 3_000 });
  assert.equal(verdictOf(lost, { code: 1001, retry: false }).kind, "final");
});

/** Lets the moment pass in which clients that are woken together spread. */
function aMoment(session: Session): void {
  at.now += 250;
  session.handleTimeout(at.now);
}

/** A session that is connected, and what it says then. */
function connected(): { session: Session; say: () => string[] } {
  const dice = new Dice(1);
  const session = newSession(dice, false);
  const say = () => {
    const said: string[] = [];
    for (let output = session.poll(at.now); output; output = session.poll(at.now)) {
      if (output.kind === "state") said.push(output.state.status);
      else if (output.kind === "send") said.push(JSON.parse(output.frame as string).type);
      else if (output.kind !== "report") said.push(output.kind);
    }
    return said;
  };
  session.connect(0);
  say();
  session.handleOpen(0, 1);
  session.handleMessage(0, 1, JSON.stringify(welcome([], new Dice(2))));
  assert.ok(say().includes("connected"));
  return { session, say };
}

const at = { now: 0 };

test("an answer about an order that the room has left meanwhile is not told, and the room is asked for anew", () => {
  at.now = 100;
  const { session, say } = connected();
  const hear = (line: number, message: ServerMessage) => session.handleMessage(at.now, line, JSON.stringify(message));
  session.join("a", { since: place(1, 4) });
  say();
  hear(1, { type: "joined", payload: { ...joined("a", 4), recovered: true }, requestId: 2 });
  hear(1, { type: "goaway", payload: { reason: "r", deadlineMs: 9_000, windowMs: 0 } });
  say();
  session.handleTimeout(at.now);
  assert.deepEqual(say(), ["open"]);
  session.handleOpen(at.now, 2);
  assert.deepEqual(say(), ["hello"]);
  hear(1, { type: "gap", payload: { room: "a", from: 1, to: 0, reason: "epoch-changed", position: place(2, 0) } });
  assert.deepEqual(say(), ["room"], "the old connection tells of the new order");
  const restored = welcome(["a"], new Dice(2));
  assert.ok(restored.type === "welcome");
  const gap = { from: 1, to: 0, reason: "epoch-changed" } as const;
  const rooms = [{ type: "joined", payload: { ...joined("a", 0), position: place(3, 0), gap } }] as const;
  hear(2, { ...restored, payload: { ...restored.payload, rooms } });
  assert.deepEqual(
    say(),
    ["close", "connected", "room", "join"],
    "the room is joining, and nothing else is said of it",
  );
});

test("a wake is a probe, and who does not answer it within three seconds is dead", () => {
  at.now = 100;
  const { session, say } = connected();
  session.handleWake(at.now, 0);
  assert.deepEqual(say(), ["ping"]);
  session.handleWake(at.now, 0);
  assert.deepEqual(say(), [], "one probe is enough");
  assert.equal(session.nextTimeout(at.now), at.now + 3_000);
  at.now += 3_000;
  session.handleTimeout(at.now);
  assert.deepEqual(say(), ["close", "reconnecting"]);
});

test("whoever slept too long, or was put away, is replaced without a probe", () => {
  for (const wake of [
    (session: Session) => session.handleWake(100, 35_000),
    (session: Session) => session.handleRestore(100),
  ]) {
    at.now = 100;
    const { session, say } = connected();
    wake(session);
    assert.deepEqual(say(), ["close", "reconnecting"]);
    aMoment(session);
    assert.deepEqual(say(), ["open", "reconnecting"]);
  }
});

test("signs make no more than one attempt a second", () => {
  at.now = 100;
  const { session, say } = connected();
  let opened = 0;
  for (; at.now < 10_100; at.now += 50) {
    session.handleEnding(at.now, opened + 1, withoutCode("unreachable", ""));
    session.handleWake(at.now, 0);
    if (session.nextTimeout(at.now) <= at.now) session.handleTimeout(at.now);
    opened += say().filter((what) => what === "open").length;
  }
  assert.ok(opened >= 9 && opened <= 12, `${opened}`);
});

test("offline, attempts are rare; online, the next comes within a moment", () => {
  at.now = 100;
  const { session, say } = connected();
  session.handleSigns(at.now, { offline: true, hidden: false });
  assert.deepEqual(say(), ["ping"], "what the browser says is looked into");
  at.now += 3_000;
  session.handleTimeout(at.now);
  assert.deepEqual(say(), ["close", "offline"]);
  assert.ok(session.nextTimeout(at.now) >= at.now + 30_000);
  session.handleSigns(at.now, { offline: false, hidden: false });
  aMoment(session);
  assert.deepEqual(say(), ["reconnecting", "open", "reconnecting"].slice(-2));
});

test("no sign of the page hurries whom the server has put off, and the application does", () => {
  at.now = 100;
  const { session, say } = connected();
  session.handleMessage(
    at.now,
    1,
    JSON.stringify({ type: "bye", payload: { code: 4429, retry: true, afterMs: 9_000 } }),
  );
  session.handleEnding(at.now, 1, { kind: "closed", code: 4429, reason: "" });
  say();
  session.handleWake(at.now, 0);
  aMoment(session);
  assert.deepEqual(say(), [], "the server wants nobody before");
  assert.ok(session.nextTimeout(at.now) >= 9_100);
  session.retryNow(at.now);
  session.handleTimeout(at.now);
  assert.deepEqual(say(), ["open", "reconnecting"]);
});

test("a page that is put away closes its connection, and goes on when it is back", () => {
  at.now = 100;
  const { session, say } = connected();
  session.handleSuspend(at.now);
  assert.deepEqual(say(), ["close", "suspended"]);
  assert.ok(session.nextTimeout(at.now) >= at.now + 30_000);
  at.now += 5_000;
  session.handleRestore(at.now);
  aMoment(session);
  assert.deepEqual(say(), ["open", "reconnecting"]);
  const hello = greeting(session);
  assert.deepEqual([hello.report.code, hello.report.bfcache, hello.report.hidden], [1006, true, false]);
});

test("how the last connection ended is in the next hello, with how many attempts that took", () => {
  at.now = 100;
  const { session, say } = connected();
  at.now = 5_100;
  session.handleEnding(at.now, 1, { kind: "closed", code: 1011, reason: "" });
  say();
  session.retryNow(at.now);
  session.handleTimeout(at.now);
  session.handleEnding(at.now, 2, withoutCode("unreachable", ""));
  at.now += 2_000;
  session.retryNow(at.now);
  session.handleTimeout(at.now);
  const { report } = greeting(session);
  assert.deepEqual([report.code, report.clean, report.ageMs, report.attempts], [1011, true, 5_100, 2]);
});

test("a greeting restores as many rooms as it may, and the others are joined one by one", () => {
  at.now = 100;
  const { session, say } = connected();
  const names = Array.from({ length: 200 }, (_, nth) => `room:${nth}`);
  for (const name of names) session.join(name, {});
  session.handleEnding(at.now, 1, withoutCode("lost", ""));
  say();
  session.retryNow(at.now);
  session.handleTimeout(at.now);
  const greeted = greeting(session).rooms?.map(({ room }) => room) ?? [];
  assert.deepEqual(greeted, names.slice(0, 128));
  session.handleMessage(at.now, 2, JSON.stringify(welcome(greeted, new Dice(2))));
  const joins = say().filter((what) => what === "join").length;
  assert.ok(joins >= 72, `${joins}`);
});

/** What a session says first on the connection that it has asked for. */
function greeting(session: Session): Hello & { report: Report } {
  let line = 0;
  for (let output = session.poll(at.now); output; output = session.poll(at.now))
    if (output.kind === "open") line = output.line;
  session.handleOpen(at.now, line || 2);
  for (let output = session.poll(at.now); output; output = session.poll(at.now)) {
    if (output.kind === "send") return JSON.parse(output.frame as string).payload;
  }
  return assert.fail("it says nothing");
}

test("no sign revives who is closed", () => {
  at.now = 100;
  const { session, say } = connected();
  session.close();
  assert.deepEqual(say(), ["close", "closed"]);
  session.handleWake(at.now, 60_000);
  session.handleRestore(at.now);
  session.handleSigns(at.now, { offline: true, hidden: false });
  session.handleSigns(at.now, { offline: false, hidden: false });
  session.handleSuspend(at.now);
  session.retryNow(at.now);
  session.handleTimeout(at.now + 1e9);
  assert.deepEqual(say(), []);
  assert.equal(session.nextTimeout(at.now), Infinity);
});

test("the oldest that never left makes room where that is wanted", () => {
  const session = new Session({
    program: { name: "test", version: "1" },
    producer: "producer",
    encoding: json,
    random: Math.random,
    token: undefined,
    hasProvider: false,
    retry: RETRY,
    queue: { ...QUEUE, maxMessages: 2, overflow: "drop-oldest" },
    timeouts: TIMEOUTS,
  });
  for (let nth = 0; nth < 3; nth++) session.publish(0, { room: "a", event: "e", data: nth });
  const output = session.poll(0);
  assert.ok(output?.kind === "settled" && output.ticket === 1);
  assert.deepEqual([output.error?.code, output.error?.outcome], ["queue_full", "not-sent"]);
  assert.equal(session.pending, 2);
});
