// The client's half of all its connections, without socket, clock or chance: what is wanted, what is there, and when to do
// something about it.

import type { Lifecycle } from "../env.js";
import { TautlineError } from "../errors.js";
import type { Position } from "../message.js";
import type { Joining } from "../options.js";
import type { Ending } from "../state.js";
import type { ClientMessage, Publish, ServerMessage } from "../wire.js";
import { hear } from "./arrivals.js";
import { pushCast } from "./casts.js";
import { nonsense, withoutCode } from "./ending.js";
import { dial, end, fetchToken, giveUp, greet, hurry, refresh, takeLeave, tryToConnect } from "./lines.js";
import { Machine } from "./machine.js";
import type { Output } from "./output.js";
import { between, LOCAL_WINDOW } from "./retry.js";
import { shown } from "./rooms.js";
import { measure, say, sendingAt, sendWhatMayLeave, tooLarge } from "./sending.js";
import { tellState } from "./state.js";

/** An attempt that is older when the machine wakes up is made anew. */
const STALE_AFTER = 3_000;

const REQUESTED: Ending = { kind: "requested", code: 1000, reason: "closed by the application" };
const ASLEEP: Ending = withoutCode("asleep", "the machine slept");
const PUT_AWAY: Ending = withoutCode("put-away", "the page was put away");
const NO_TOKEN_IN_TIME: Ending = withoutCode("no-token", "the application gave no token in time");

/** A question: a message that is answered, and what happens before the answer is told. */
export type Question = Extract<ClientMessage, { type: "history" | "members" | "presence" | "request" }>;

/**
 * A client, whatever becomes of its connections.
 *
 * **Use.** After every `handle…` and every command, call `poll` until it answers `undefined`, and do what it says, in order. Call
 * `handleTimeout` at `nextTimeout`, after whatever was read until then was handed in.
 *
 * **Lines.** Each connection, and each attempt at one, has a number of its own. What is heard of a line that the session has given
 * up is ignored, so that an old connection can never disturb a new one.
 *
 * **Promises.** Each message of a room is told once and in order, or a gap is. Each publication is settled once. What is published
 * is sent again, in order, before anything newer, until it is acknowledged or its time is over. Once closed, nothing but
 * `connect` opens a connection.
 */
export class Session extends Machine {
  /** The next thing to do; what follows from all that has happened comes last. */
  poll(now: number): Output | undefined {
    if (!this.outputs.length) this.#goOn(now);
    return this.outputs.shift();
  }

  /** How many publications are not acknowledged. */
  get pending(): number {
    return this.publications.size;
  }

  /** Whether nothing opens a connection but `connect`. */
  get isClosed(): boolean {
    return !this.isRunning;
  }

  /** Whether anything more is taken in. */
  get isTakingIn(): boolean {
    return this.stage === "idle" || this.stage === "open";
  }

  /** Opens a connection, now and whenever there is none. Also after the client was closed. */
  connect(now: number): void {
    if (this.isRunning) return;
    this.stage = "open";
    this.failures = this.strikes = 0;
    this.ending = undefined;
    tryToConnect(this, now);
  }

  /** Ends everything at once. */
  close(): void {
    end(this, REQUESTED);
  }

  /** Ends everything when all publications are settled, after `patience` at the latest. Nothing more is taken in. */
  drain(now: number, patience: number): void {
    if (this.stage === "open") {
      this.stage = "draining";
      this.drainUntil = now + patience;
    } else if (this.stage === "idle") this.close();
  }

  /** Makes the next attempt at once, if one waits. */
  retryNow(now: number): void {
    hurry(this, now, now);
  }

  /**
   * Becomes a member of a room, and stays one until it leaves or is refused; throws if it cannot. `handled` is the offset up to which
   * everything is acknowledged.
   */
  join(room: string, joining: Joining, handled: number = joining.since?.offset ?? 0): void {
    this.#takeIn();
    this.rooms.join(++this.number, room, joining, handled);
    this.tell(room, { kind: "status", value: { status: "joining" } });
  }

  /** Is no member any more. Nothing of the room is told after this. */
  leave(room: string): void {
    const left = this.rooms.leave(room);
    if (!left) return;
    this.tell(room, { kind: "status", value: { status: "idle" } });
    // The server may believe that the client is in it also while it is asked for anew.
    if (left.stage !== "denied" && this.live) this.rooms.leaving.add(room);
  }

  /** Publishes, or throws. What becomes of it is told with the ticket. */
  publish(now: number, payload: Publish, timeout: number = Infinity): number {
    this.#takeIn();
    const { encoding, producer, queue } = this.settings;
    const ticket = ++this.number;
    const key = payload.key ?? `${producer}:${ticket}`;
    const frame = encoding.encode({ type: "publish", payload: { ...payload, key }, requestId: ticket });
    const until = now + Math.min(timeout, queue.ttl);
    this.publications.push({ ticket, room: payload.room, frame, bytes: measure(frame), until });
    return ticket;
  }

  /**
   * Relays to who is there now, or throws what is too large. False if there is no connection to relay it with: it is not kept for one. With `conflate`, one
   * that may not leave yet waits, and a later one with the same words takes its place.
   */
  cast(room: string, event: string, data: unknown, conflate?: string): boolean {
    const { stage, live, settings, casts } = this;
    if (stage !== "open" || !live) return false;
    const payload = { room, event, data, ...(conflate && { conflate }) };
    const frame = settings.encoding.encode({ type: "cast", payload });
    const error = tooLarge(this, frame);
    if (error) throw error;
    pushCast(casts, conflate && `${room} ${event} ${conflate}`, frame);
    return true;
  }

  /** Has handled everything in a room up to there. */
  acknowledge(room: string, position: Position): void {
    this.rooms.get(room)?.acknowledge(position);
  }

  /** Asks, or throws. The answer is told with the ticket. */
  ask(now: number, question: Question, timeout?: number): number {
    const { rooms, settings, calls } = this;
    this.#takeIn();
    const ticket = ++this.number;
    let asked = question;
    let refused: (() => void) | undefined;
    if (question.type === "presence") {
      const { room } = question.payload;
      const presence = shown(question.payload.state);
      const membership = rooms.get(room);
      if (!membership) throw new TautlineError("not_joined", "join the room first");
      asked = { type: "presence", payload: { room, state: presence.state } };
      // Others are to see it from now on, also by the next join.
      const before = membership.presence;
      membership.presence = presence;
      refused = () => {
        if (membership.presence === presence) membership.presence = before;
      };
    }
    const frame = settings.encoding.encode({ ...asked, requestId: ticket });
    const until = now + (timeout ?? settings.timeouts.call);
    calls.push({ ticket, frame, until, isRequest: question.type === "request", refused, isInFlight: false });
    return ticket;
  }

  /** Nobody waits any more for a publication or an answer. */
  giveUp(ticket: number, { code, message }: TautlineError): void {
    const { publications, calls } = this;
    const publication = publications.find(ticket);
    const call = calls.find(ticket);
    if (publication) publications.giveUp(publication, code, message);
    if (call) calls.giveUp(call, code, message);
  }

  /** A connection is open: the upgrade was accepted. */
  handleOpen(now: number, line: number): void {
    const attempt = this.attemptOn(line);
    if (attempt) greet(this, attempt, now);
  }

  /** A connection, or an attempt at one, is over. */
  handleEnding(now: number, line: number, ending: Ending): void {
    takeLeave(this, now, line, ending);
  }

  /** A message came in. */
  handleMessage(now: number, line: number, data: string | ArrayBuffer): void {
    const live = this.liveOn(line);
    if (live) {
      live.heardAt = now;
      live.probedUntil = Infinity;
    } else if (!this.attemptOn(line)) return;
    try {
      // A later server may say more than this client knows.
      const message: ServerMessage | undefined = this.settings.encoding.decode(data);
      if (message) hear(this, now, line, message);
    } catch (error) {
      giveUp(this, now, line, nonsense(`what the server said is no message: ${error}`));
    }
  }

  /** So many bytes wait to be written on a connection. */
  handleBacklog(line: number, bytes: number): void {
    const live = this.liveOn(line);
    if (live) live.backlog = bytes;
  }

  /** The application has a token; `null` if there will be none, `undefined` if it may be asked again. */
  handleToken(now: number, fetch: number, token: string | null | undefined, why: string = ""): void {
    const { credentials, attempt, live } = this;
    if (!credentials.settle(fetch) || !this.isRunning) return;
    const waiting = attempt?.step === "token" ? attempt : undefined;
    if (token === null) end(this, withoutCode("no-token", "the application gives no token"));
    else if (token === undefined) {
      // Who has no connection and makes no attempt asks again with the next.
      if (waiting) takeLeave(this, now, waiting.line, withoutCode("no-token", `no token could be had: ${why}`));
      else if (live) credentials.refreshLater(now);
    } else {
      if (live && !waiting) refresh(this, token);
      else credentials.hold(token);
      if (!waiting) return;
      credentials.isFresh = true;
      dial(this, waiting, now);
    }
  }

  /** What is known of the network and the page. */
  handleSigns(now: number, { offline, hidden }: Pick<Lifecycle, "offline" | "hidden">): void {
    const isNew = offline !== this.isOffline;
    this.isOffline = offline;
    this.isHidden = hidden;
    if (isNew) this.handleWake(now, 0);
  }

  /** The page is put away: its connection would be dead when it comes back. */
  handleSuspend(now: number): void {
    if (!this.isRunning) return;
    this.isSuspended = true;
    if (this.live) giveUp(this, now, this.live.line, PUT_AWAY);
    if (this.attempt) giveUp(this, now, this.attempt.line, PUT_AWAY);
  }

  /** The page was put away and is back: its connection is dead, whatever it says. */
  handleRestore(now: number): void {
    if (this.live) {
      this.live.isRestored = true;
      giveUp(this, now, this.live.line, PUT_AWAY);
    } else if (this.report) this.report = { ...this.report, bfcache: true };
    this.handleWake(now, 0);
  }

  /** The machine slept for so long, or the network is another: what seems to live may be dead. */
  handleWake(now: number, asleep: number): void {
    const { live, attempt } = this;
    this.isSuspended = false;
    // The token may have ended meanwhile.
    this.credentials.isRefused = false;
    if (live) {
      live.asleep += asleep;
      if (asleep >= this.givenUpAfter) giveUp(this, now, live.line, ASLEEP);
      else if (live.probedUntil === Infinity) {
        live.probedUntil = now + this.settings.timeouts.probe;
        say(this, { type: "ping", payload: {} });
      }
    } else if (attempt?.step === "dialing" && attempt.since + STALE_AFTER <= now) {
      giveUp(this, now, attempt.line, ASLEEP);
    }
    const isWelcome = !this.isOffline && this.notBefore <= now;
    if (isWelcome) hurry(this, now, now + between(this.settings.random, 0, LOCAL_WINDOW));
  }

  /** Time has passed. What had been read by now must have been handed in before. */
  handleTimeout(now: number): void {
    this.#timeToken(now);
    this.#timeLines(now);
    this.publications.expire(now);
    this.calls.expire(now);
  }

  /** When `handleTimeout` has something to do; `Infinity` if never. */
  nextTimeout(now: number): number {
    const { live, attempt, publications, calls, credentials } = this;
    if (this.stage === "closed") return Infinity;
    return Math.min(
      this.drainUntil,
      live ? Math.min(this.silentAt(live), live.moveAt) : Infinity,
      attempt?.until ?? Infinity,
      this.retryAt,
      credentials.nextTimeout(),
      publications.nextTimeout(),
      calls.nextTimeout(),
      sendingAt(this, now),
    );
  }

  /** What follows from whatever has happened. */
  #goOn(now: number): void {
    if (this.isRunning) sendWhatMayLeave(this, now);
    const isDone = this.publications.size + this.casts.length === 0;
    if (this.stage === "draining" && (isDone || this.drainUntil <= now)) this.close();
    tellState(this);
  }

  #takeIn(): void {
    if (!this.isTakingIn) throw new TautlineError("closed", "the client is closed");
  }

  #timeToken(now: number): void {
    const { credentials, attempt, live } = this;
    if (credentials.giveUpFetch(now)) {
      if (attempt?.step === "token") giveUp(this, now, attempt.line, NO_TOKEN_IN_TIME);
      else if (live) credentials.refreshLater(now);
    }
    if (credentials.isRefreshDue(now) && this.live) fetchToken(this, now);
  }

  #timeLines(now: number): void {
    const { attempt, live } = this;
    if (attempt && attempt.until <= now) {
      const isDialing = attempt.step === "dialing";
      const why = isDialing
        ? "no connection could be opened in time"
        : "the server did not answer the greeting in time";
      giveUp(this, now, attempt.line, withoutCode("unreachable", why));
    }
    if (live && this.silentAt(live) <= now) {
      giveUp(this, now, live.line, withoutCode("silent", "nothing was heard of the server for too long"));
    }
    if (this.live && this.live.moveAt <= now) {
      this.live.moveAt = Infinity;
      if (!this.attempt) this.retryAt = now;
    }
    if (this.retryAt <= now) tryToConnect(this, now);
  }
}
