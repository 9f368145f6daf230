// An application with its client: drives a session as the driver does, and does what people do.

import assert from "node:assert/strict";
import { aborted } from "../../src/abort.js";
import { json } from "../../src/encoding.js";
import type { TautlineError } from "../../src/errors.js";
import type { PublishAck } from "../../src/message.js";
import { decode, encode } from "../../src/msgpack/codec.js";
import { messagePack } from "../../src/msgpack/index.js";
import { CLIENT, SERVER } from "../../src/msgpack/layout.js";
import { Bucket } from "../../src/session/bucket.js";
import type { Frame, Output, RoomEvent } from "../../src/session/output.js";
import { Session } from "../../src/session/session.js";
import { QUEUE, RETRY, TIMEOUTS } from "../../src/session/settings.js";
import type { ConnectionState } from "../../src/state.js";
import type { ClientMessage, Position, ServerMessage } from "../../src/wire.js";
import { Desk, RATE } from "./desk.js";
import { type Parcel, Wire } from "./wire.js";
import type { World } from "./world.js";

/** A connection, or an attempt at one, on both of its sides. */
export interface Link {
  readonly line: number;
  readonly toServer: Wire;
  readonly toProgram: Wire;
  readonly desk: Desk | undefined;
  /** Whether the program knows it, and has heard that it is open. */
  isKnown: boolean;
  isOpen: boolean;
  /** What the program may publish on it, and what the server wants no sooner than then. */
  readonly bucket: Bucket;
  readonly putOff: Map<unknown, number>;
}

export class Program {
  readonly name: string;
  readonly user: string;
  session: Session;
  state: ConnectionState = { status: "idle" };
  life = 0;
  links: Link[] = [];
  /** It was told what closes it for good, or has closed itself. */
  isExcused = false;
  isAsleep = false;
  #isDraining = false;
  #requested = new Set<unknown>();
  #connectedAt = Infinity;
  #unheard: (() => void)[] = [];
  /** The rooms that it wants to be in. */
  readonly wants = new Set<string>();
  readonly #saved = new Map<string, Position>();
  #asked: number[] = [];
  #words = new Map<number, number>();
  #questions = new Map<number, boolean>();
  #dueAt = Infinity;
  readonly #world: World;

  constructor(world: World, nth: number) {
    this.#world = world;
    this.name = `p${nth}`;
    this.user = world.plan.isOneUser ? "user" : `user${nth}`;
    this.session = this.#newSession();
  }

  get producer(): string {
    return `${this.name}-${this.life}`;
  }

  get hasUnanswered(): boolean {
    return [...this.#questions.values()].some((isAnswered) => !isAnswered);
  }

  /** Connects, if it is closed, and joins what it wants to be in. */
  beginAnew(): void {
    const { status } = this.state;
    if (status === "closed")
      assert.ok(this.isExcused, `${this.name} is closed without a reason: ${JSON.stringify(this.state)}`);
    else if (status !== "idle") return;
    const { plan, agenda } = this.#world;
    this.isExcused = this.#isDraining = false;
    this.session.connect(agenda.now);
    const rooms = this.wants.size ? [...this.wants] : plan.rooms.map((room) => room.name);
    for (const room of rooms) this.#join(room, true);
    this.obey();
  }

  /** Does something, as people do. */
  act(): void {
    const { dice, plan, agenda } = this.#world;
    if (this.isAsleep) return;
    if (this.state.status === "idle" || this.state.status === "closed") {
      this.beginAnew();
      return;
    }
    const room = dice.pick(plan.rooms).name;
    const chosen = dice.below(plan.faults === "drains" ? 25 : 33);
    if (chosen < 14) this.#publish(room);
    else if (chosen < 17) this.#join(room);
    else if (chosen < 18) this.#leave(room);
    else if (chosen < 20) this.session.cast(room, "moved", 1, dice.is(0.5) ? "mouse" : undefined);
    else if (chosen < 23) this.#ask(room);
    else if (chosen < 24) this.#cancel();
    else if (chosen < 25) for (let nth = 0; nth < 6; nth++) this.#publish(room);
    else if (chosen < 26) this.session.retryNow(agenda.now);
    else if (chosen < 27) this.session.handleWake(agenda.now, 0);
    else if (chosen < 28) this.#offline();
    else if (chosen < 29 && plan.faults === "all") this.#sleep();
    else if (chosen < 30 && dice.is(0.5)) this.#close();
    else if (chosen < 31 && plan.faults === "all") this.#restart();
    else if (chosen < 32 && plan.faults === "all") this.#suspend();
    this.obey();
  }

  /** Does what the session says, until it says nothing more. */
  obey(): void {
    const { session } = this;
    const { agenda } = this.#world;
    for (const { line } of this.links) session.handleBacklog(line, 0);
    for (let output = session.poll(agenda.now); output; output = session.poll(agenda.now)) this.#carryOut(output);
    assert.ok(session.pending <= QUEUE.maxMessages, "the queue has no bound");
    const due = session.nextTimeout(agenda.now);
    if (this.state.status === "closed") assert.equal(due, Infinity, "a timer of who is closed");
    if (due === this.#dueAt) return;
    this.#dueAt = due;
    if (due < Infinity && !this.isAsleep) agenda.at(due, () => this.#tick(session, due));
  }

  #tick(session: Session, due: number): void {
    const { agenda } = this.#world;
    if (session !== this.session || due !== this.#dueAt || this.isAsleep) return;
    this.#dueAt = -1;
    session.handleTimeout(agenda.now);
    this.obey();
    assert.ok(session.nextTimeout(agenda.now) > agenda.now, "a timer that does not pass");
  }

  #carryOut(output: Output): void {
    const { judge, agenda } = this.#world;
    switch (output.kind) {
      case "open":
        return this.#dial(output.line);
      case "send": {
        const link = this.#link(output.line);
        assert.ok(link?.isOpen, "sent on a line that is not open");
        link.toServer.push({ frame: output.frame });
        const said = this.#read(output.frame);
        if (said.type === "request") {
          assert.ok(!this.#requested.has(said.requestId), "a request is asked twice");
          this.#requested.add(said.requestId);
        }
        if (said.type === "publish") {
          assert.ok(link.bucket.take(agenda.now, RATE), "published more often than is allowed");
          assert.ok((link.putOff.get(said.requestId) ?? 0) <= agenda.now, "published sooner than the server wants it");
        }
        return;
      }
      case "close": {
        const link = this.#link(output.line);
        assert.ok(link, "closed a line twice");
        link.isKnown = false;
        link.toServer.push({ end: { kind: "closed", code: output.code, reason: output.reason } });
        return;
      }
      case "token":
        return this.#provide(output.fetch);
      case "state":
        if (this.#world.plan.faults === "drains" && this.state.status === "connected") {
          assert.equal(output.state.status, "connected", "a move is noticed");
        }
        this.state = output.state;
        this.#connectedAt = output.state.status === "connected" ? agenda.now : Infinity;
        if (!["connected", "closed"].includes(output.state.status)) {
          assert.ok(!judge.isLiveAnywhere(this.name), "lost, and live in a room");
        }
        return;
      case "room":
        return this.#follow(output.room, output.event);
      case "settled":
        this.#settled(output.ticket, output.error, output.value as PublishAck);
    }
  }

  #settled(ticket: number, error: TautlineError | undefined, value: PublishAck): void {
    const word = this.#words.get(ticket);
    if (word !== undefined) {
      const { judge, agenda } = this.#world;
      if (error?.code === "expired") judge.expires(word, agenda.now - Math.max(this.#connectedAt, this.#world.quietAt));
      return judge.published(agenda.now, word, error, value);
    }
    assert.equal(this.#questions.get(ticket), false, "answered twice");
    this.#questions.set(ticket, true);
  }

  #follow(room: string, event: RoomEvent): void {
    const { judge, dice, agenda } = this.#world;
    judge.hears(this.name, room, event);
    // Where a page follows, a gap's position has no id, and proves nothing.
    if (event.kind === "gap" && !event.value.position.id.startsWith("00000000-0000-0000-0000-000000000000")) {
      this.#saved.set(room, event.value.position);
    }
    if (event.kind !== "message") return;
    const { epoch, offset, id } = event.value;
    const { life } = this;
    agenda.after(dice.pick([0, 0, 50, 500]), () => {
      if (life !== this.life || !this.wants.has(room)) return;
      const saved = this.#saved.get(room);
      if (!saved || saved.epoch !== epoch || saved.offset < offset) this.#saved.set(room, { epoch, offset, id });
      judge.acknowledges(this.name, room, { epoch, offset, id });
      this.session.acknowledge(room, { epoch, offset, id });
      if (!this.isAsleep) this.obey();
    });
  }

  #publish(room: string): void {
    const { judge, agenda, plan, dice } = this.#world;
    const word = ++this.#world.words;
    const key = dice.is(0.2) ? { key: `key-${word}` } : {};
    try {
      const ticket = this.session.publish(agenda.now, { room, event: "said", data: { n: word }, ...key });
      this.#words.set(ticket, word);
      judge.publishes(this.producer, room, word, agenda.now + plan.ttl);
    } catch (error) {
      assert.equal((error as TautlineError).outcome, "not-sent");
      judge.refusesAtOnce(word);
    }
  }

  #join(room: string, isAnew: boolean = false): void {
    const { judge, dice } = this.#world;
    if (this.wants.has(room) && !isAnew) return;
    const saved = this.#saved.get(room);
    const since = saved && dice.is(0.8) ? saved : undefined;
    const last = dice.is(0.5) ? 5 : undefined;
    // Who drains takes nothing in.
    if (this.#isDraining) return;
    judge.joins(this.name, room, since);
    this.session.join(room, { ...(since && { since }), ...(last && { last }) });
    this.wants.add(room);
  }

  #leave(room: string): void {
    this.wants.delete(room);
    this.#world.judge.leaves(this.name, room);
    this.session.leave(room);
  }

  #ask(room: string): void {
    const { dice, agenda } = this.#world;
    const question = dice.pick([
      { type: "history", payload: { room, limit: 3 } },
      { type: "members", payload: { room } },
      { type: "request", payload: { method: "echo", data: 1 } },
    ] as const);
    try {
      const ticket = this.session.ask(agenda.now, question);
      this.#asked.push(ticket);
      this.#questions.set(ticket, false);
    } catch (error) {
      assert.equal((error as TautlineError).outcome, "not-sent");
    }
  }

  #cancel(): void {
    const ticket = this.#asked.pop();
    if (ticket !== undefined) this.session.giveUp(ticket, aborted());
  }

  #offline(): void {
    const { agenda, dice } = this.#world;
    const { session } = this;
    session.handleSigns(agenda.now, { offline: true, hidden: dice.is(0.5) });
    agenda.after(dice.between(0, 4_000), () => {
      if (session !== this.session || this.isAsleep) return;
      session.handleSigns(agenda.now, { offline: false, hidden: false });
      this.obey();
    });
  }

  #suspend(): void {
    const { agenda, dice } = this.#world;
    const { session } = this;
    session.handleSuspend(agenda.now);
    agenda.after(dice.between(0, 4_000), () => {
      if (session !== this.session || this.isAsleep) return;
      session.handleRestore(agenda.now);
      this.obey();
    });
  }

  #sleep(): void {
    const { agenda, dice } = this.#world;
    const { session } = this;
    const asleep = dice.pick([500, 8_000, 60_000]);
    this.isAsleep = true;
    agenda.after(asleep, () => {
      this.isAsleep = false;
      this.#dueAt = -1;
      if (session !== this.session) return;
      session.handleWake(agenda.now, asleep);
      this.obey();
      for (const hear of this.#unheard.splice(0)) hear();
    });
  }

  #close(): void {
    const { agenda, dice } = this.#world;
    this.isExcused = true;
    this.#isDraining = dice.is(0.5);
    if (this.#isDraining) this.session.drain(agenda.now, dice.between(0, 10_000));
    else this.session.close();
  }

  /** The page is gone, and another one begins: with what was saved, or without. */
  #restart(): void {
    const { dice, judge } = this.#world;
    this.life++;
    this.session = this.#newSession();
    this.state = { status: "idle" };
    this.#asked = [];
    this.#words = new Map();
    this.#questions = new Map();
    this.#requested = new Set();
    this.#dueAt = -1;
    if (dice.is(0.3)) this.#saved.clear();
    judge.forgets(this.name);
    for (const link of this.links) {
      if (!link.isKnown) continue;
      link.isKnown = false;
      link.toServer.push({ end: { kind: "lost", code: 1006, reason: "" } });
    }
    this.links = [];
    this.beginAnew();
  }

  #newSession(): Session {
    const { plan, dice } = this.#world;
    return new Session({
      program: { name: "pair", version: "1" },
      producer: this.producer,
      encoding: plan.isBinary ? messagePack() : json,
      random: dice.draw,
      token: undefined,
      hasProvider: true,
      retry: RETRY,
      queue: { ...QUEUE, ttl: plan.ttl },
      timeouts: TIMEOUTS,
    });
  }

  #provide(fetch: number): void {
    const { agenda, dice, plan } = this.#world;
    const { session } = this;
    const fails = this.#world.isBusy && plan.faults === "all" && dice.is(0.1);
    agenda.after(dice.between(0, 300), () => {
      if (session !== this.session) return;
      const until = plan.tokenLife ? agenda.now + plan.tokenLife : 0;
      session.handleToken(agenda.now, fetch, fails ? undefined : `token|${this.user}|${until}`);
      if (!this.isAsleep) this.obey();
    });
  }

  #link(line: number): Link | undefined {
    return this.links.find((link) => link.line === line && link.isKnown);
  }

  #dial(line: number): void {
    const { agenda, dice, plan, house, trouble } = this.#world;
    const others = this.links.filter((link) => link.isKnown).map((link) => link.desk?.isGoing);
    assert.ok(others.length < 2 && !others.includes(false), `a line too many: ${others}`);
    const { session } = this;
    const hears = (parcel: Parcel) => this.#hears(session, link, parcel);
    const toProgram = new Wire(agenda, dice, plan.latency, hears);
    const send = (message: ServerMessage) =>
      toProgram.push({ frame: plan.isBinary ? encode(SERVER, message) : JSON.stringify(message) });
    const close = (code: number) => toProgram.push({ end: { kind: "closed", code, reason: "" } });
    const desk = this.#world.isUp ? new Desk(agenda, dice, house, trouble, send, close) : undefined;
    const toServer = new Wire(agenda, dice, plan.latency, (parcel) => this.#serverHears(desk, parcel));
    const link: Link = {
      line,
      toServer,
      toProgram,
      desk,
      isKnown: true,
      isOpen: false,
      bucket: new Bucket(),
      putOff: new Map(),
    };
    this.links = [...this.links.filter((one) => one.isKnown || one.desk?.isOver === false), link];
    if (desk) toProgram.push("open");
    else toProgram.push({ end: { kind: "unreachable", code: 1006, reason: "" } });
  }

  #serverHears(desk: Desk | undefined, parcel: Parcel): void {
    if (!desk || parcel === "open") return;
    if ("frame" in parcel) desk.hear(this.#read(parcel.frame));
    else desk.part();
  }

  #read(frame: Frame): ClientMessage {
    if (typeof frame === "string") return JSON.parse(frame);
    return decode(CLIENT, frame.buffer) as ClientMessage;
  }

  /** What a program hears of a link, although it may have given that up. */
  #hears(session: Session, link: Link, parcel: Parcel): void {
    const { agenda } = this.#world;
    if (session !== this.session) return;
    // What comes while it sleeps waits for it.
    if (this.isAsleep) {
      this.#unheard.push(() => this.#hears(session, link, parcel));
      return;
    }
    if (parcel === "open") {
      link.isOpen = true;
      session.handleOpen(agenda.now, link.line);
    } else if ("frame" in parcel) {
      const { frame } = parcel;
      const said = (typeof frame === "string" ? JSON.parse(frame) : decode(SERVER, frame.buffer)) as ServerMessage;
      if (said.type === "error" && said.payload.code === "rate_limited") {
        link.putOff.set(said.requestId, agenda.now + (said.payload.retryAfterMs ?? 0));
      }
      session.handleMessage(agenda.now, link.line, typeof frame === "string" ? frame : frame.buffer);
    } else {
      link.isKnown = false;
      session.handleEnding(agenda.now, link.line, parcel.end);
    }
    this.obey();
  }
}
