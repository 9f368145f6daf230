// The client's half of all its connections, without socket, clock or chance: what is wanted, what is there, and when to do
// something about it.

import { type ErrorCode, TautlineError } from "../errors.js";
import type { Position } from "../message.js";
import type { Joining } from "../options.js";
import type { Ending } from "../state.js";
import type { ClientMessage, Publish, ServerMessage } from "../wire.js";
import { hear } from "./arrivals.js";
import { nonsense, withoutCode } from "./ending.js";
import { dial, end, fetchToken, giveUp, greet, hurry, refresh, takeLeave, tryToConnect } from "./lines.js";
import { Machine } from "./machine.js";
import type { Output } from "./output.js";
import { shown } from "./rooms.js";
import { measure, say, sendingAt, sendWhatMayLeave } from "./sending.js";
import type { Settings } from "./settings.js";
import { tellState } from "./state.js";

/** An attempt that is older when the machine wakes up is made anew. */
const STALE_AFTER = 3_000;

const REQUESTED: Ending = { kind: "requested", code: 1000, reason: "closed by the application" };
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
export class Session {
  readonly #machine: Machine;

  constructor(settings: Settings) {
    this.#machine = new Machine(settings);
  }

  /** The next thing to do; what follows from all that has happened comes last. */
  poll(now: number): Output | undefined {
    const machine = this.#machine;
    if (!machine.outputs.length) this.#goOn(now);
    return machine.outputs.shift();
  }

  /** How many publications are not acknowledged. */
  get pending(): number {
    return this.#machine.publications.size;
  }

  /** Whether nothing opens a connection but `connect`. */
  get isClosed(): boolean {
    return !this.#machine.isRunning;
  }

  /** Opens a connection, now and whenever there is none. Also after the client was closed. */
  connect(now: number): void {
    const machine = this.#machine;
    if (machine.isRunning) return;
    machine.stage = "open";
    machine.failures = machine.strikes = 0;
    machine.ending = undefined;
    tryToConnect(machine, now);
  }

  /** Ends everything at once. */
  close(): void {
    end(this.#machine, REQUESTED);
  }

  /** Ends everything when all publications are settled, after `patience` at the latest. Nothing more is taken in. */
  drain(now: number, patience: number): void {
    const machine = this.#machine;
    if (machine.stage === "open") {
      machine.stage = "draining";
      machine.drainUntil = now + patience;
    } else if (machine.stage === "idle") this.close();
  }

  /** Makes the next attempt at once, if one waits. */
  retryNow(now: number): void {
    hurry(this.#machine, now);
  }

  /** Becomes a member of a room, and stays one until it leaves or is refused; throws if it cannot. */
  join(room: string, joining: Joining): void {
    const machine = this.#machine;
    this.#takeIn();
    machine.rooms.join(++machine.number, room, joining);
    machine.tell(room, { kind: "status", state: { status: "joining" } });
  }

  /** Is no member any more. Nothing of the room is told after this. */
  leave(room: string): void {
    const machine = this.#machine;
    const left = machine.rooms.leave(room);
    if (!left) return;
    machine.tell(room, { kind: "status", state: { status: "idle" } });
    // The server may believe that the client is in it also while it is asked for anew.
    if (left.stage !== "denied" && machine.live) machine.rooms.leaveAtServer(room);
  }

  /** Publishes, or throws. What becomes of it is told with the ticket. */
  publish(now: number, payload: Publish, timeout: number = Infinity): number {
    const machine = this.#machine;
    this.#takeIn();
    const requestId = ++machine.number;
    const key = payload.key ?? `${machine.settings.producer}:${requestId}`;
    const frame = machine.settings.encoding.encode({ type: "publish", payload: { ...payload, key }, requestId });
    machine.publications.push(now, requestId, payload.room, frame, measure(frame), timeout);
    return requestId;
  }

  /**
   * Relays to who is there now. False if there is no connection to relay it with: it is not kept for one. With `conflate`, one
   * that may not leave yet waits, and a later one with the same words takes its place.
   */
  cast(room: string, event: string, data: unknown, conflate?: string): boolean {
    const { stage, live, settings, casts } = this.#machine;
    if (stage !== "open" || !live) return false;
    const payload = { room, event, data, ...(conflate && { conflate }) };
    const frame = settings.encoding.encode({ type: "cast", payload });
    casts.push(conflate && `${room} ${event} ${conflate}`, frame);
    return true;
  }

  /** Has handled everything in a room up to there. */
  acknowledge(room: string, position: Position): void {
    this.#machine.rooms.get(room)?.acknowledge(position);
  }

  /** Asks, or throws. The answer is told with the ticket. */
  ask(now: number, question: Question, timeout?: number): number {
    const machine = this.#machine;
    const { rooms, settings, calls } = machine;
    this.#takeIn();
    const ticket = ++machine.number;
    let answered: (() => void) | undefined;
    if (question.type === "presence") {
      const { room, state } = question.payload;
      const presence = shown(state);
      const membership = rooms.get(room);
      if (!membership) throw new TautlineError("not_joined", "join the room first");
      // Others see it, also after the next join.
      answered = () => {
        membership.presence = presence;
      };
    }
    const frame = settings.encoding.encode({ ...question, requestId: ticket });
    const until = now + (timeout ?? settings.timeouts.call);
    calls.push({ ticket, frame, until, isRequest: question.type === "request", answered, isInFlight: false });
    return ticket;
  }

  /** Nobody waits any more for a publication or an answer. */
  giveUp(ticket: number, code: ErrorCode, why: string): void {
    const { publications, calls } = this.#machine;
    if (!publications.giveUp(ticket, code, why)) calls.giveUp(ticket, code, why);
  }

  /** A connection is open: the upgrade was accepted. */
  handleOpen(now: number, line: number): void {
    const attempt = this.#machine.attemptOn(line);
    if (attempt) greet(this.#machine, attempt, now);
  }

  /** A connection, or an attempt at one, is over. */
  handleEnding(now: number, line: number, ending: Ending): void {
    takeLeave(this.#machine, now, line, ending);
  }

  /** A message came in. */
  handleMessage(now: number, line: number, data: string | ArrayBuffer): void {
    const machine = this.#machine;
    const live = machine.liveOn(line);
    if (live) {
      live.heardAt = now;
      live.probedUntil = Infinity;
    } else if (!machine.attemptOn(line)) return;
    try {
      // A later server may say more than this client knows.
      const message: ServerMessage | undefined = machine.settings.encoding.decode(data);
      if (message) hear(machine, now, line, message);
    } catch (error) {
      giveUp(machine, now, line, nonsense(`what the server said is no message: ${error}`));
    }
  }

  /** So many bytes wait to be written on a connection. */
  handleBacklog(line: number, bytes: number): void {
    const live = this.#machine.liveOn(line);
    if (live) live.backlog = bytes;
  }

  /** The application has a token; `null` if there will be none, `undefined` if it may be asked again. */
  handleToken(now: number, fetch: number, token: string | null | undefined, why: string = ""): void {
    const machine = this.#machine;
    const { credentials, attempt, live } = machine;
    if (!credentials.settle(fetch) || !machine.isRunning) return;
    const waiting = attempt?.step === "token" ? attempt : undefined;
    if (token === null) end(machine, withoutCode("no-token", "the application gives no token"));
    else if (token === undefined) {
      // Who has no connection and makes no attempt asks again with the next.
      if (waiting) takeLeave(machine, now, waiting.line, withoutCode("no-token", `no token could be had: ${why}`));
      else if (live) credentials.refreshLater(now);
    } else {
      if (live && !waiting) refresh(machine, token);
      else credentials.hold(token);
      if (!waiting) return;
      credentials.isFresh = true;
      dial(machine, waiting, now);
    }
  }

  /** What is known of the network and the page. */
  handleSigns(now: number, isOffline: boolean, isHidden: boolean): void {
    const machine = this.#machine;
    const isNew = isOffline !== machine.isOffline;
    machine.isOffline = isOffline;
    machine.isHidden = isHidden;
    if (isNew) this.handleWake(now, 0);
  }

  /** The page is put away: its connection would be dead when it comes back. */
  handleSuspend(now: number): void {
    const machine = this.#machine;
    if (!machine.isRunning) return;
    machine.isSuspended = true;
    const asleep = withoutCode("asleep", "the page was put away");
    if (machine.live) giveUp(machine, now, machine.live.line, asleep);
    if (machine.attempt) giveUp(machine, now, machine.attempt.line, asleep);
  }

  /** The machine slept for so long, or the page was put away and is back, or the network is another: what seems to live may be dead. */
  handleWake(now: number, asleep: number, isRestored: boolean = false): void {
    const machine = this.#machine;
    const { live, attempt } = machine;
    machine.isSuspended = false;
    // The token may have ended meanwhile.
    machine.credentials.isRefused = false;
    if (live) {
      live.asleep += asleep;
      live.isRestored ||= isRestored;
      if (isRestored || asleep >= machine.givenUpAfter) {
        const why = "the machine slept for longer than the server waits";
        giveUp(machine, now, live.line, withoutCode("asleep", why));
      } else if (live.probedUntil === Infinity) {
        live.probedUntil = now + machine.settings.timeouts.probe;
        say(machine, { type: "ping", payload: {} });
      }
    } else if (attempt?.step === "dialing" && attempt.since + STALE_AFTER <= now) {
      giveUp(machine, now, attempt.line, withoutCode("asleep", "the machine slept while the connection was opened"));
    }
    if (!machine.isOffline) hurry(machine, now);
  }

  /** Time has passed. What had been read by now must have been handed in before. */
  handleTimeout(now: number): void {
    const machine = this.#machine;
    this.#timeToken(now);
    this.#timeLines(now);
    machine.publications.expire(now);
    machine.calls.expire(now);
  }

  /** When `handleTimeout` has something to do; `Infinity` if never. */
  nextTimeout(now: number): number {
    const machine = this.#machine;
    const { live, attempt, publications, calls, credentials } = machine;
    if (machine.stage === "closed") return Infinity;
    return Math.min(
      machine.drainUntil,
      live ? Math.min(machine.silentAt(live), live.moveAt) : Infinity,
      attempt?.until ?? Infinity,
      machine.retryAt,
      credentials.nextTimeout(),
      publications.nextTimeout(),
      calls.nextTimeout(),
      sendingAt(machine, now),
    );
  }

  /** What follows from whatever has happened. */
  #goOn(now: number): void {
    const machine = this.#machine;
    if (machine.isRunning) sendWhatMayLeave(machine, now);
    const isDone = machine.publications.size + machine.casts.size === 0;
    if (machine.stage === "draining" && (isDone || machine.drainUntil <= now)) this.close();
    tellState(machine);
  }

  #takeIn(): void {
    const { stage } = this.#machine;
    if (stage === "closed" || stage === "draining") throw new TautlineError("closed", "the client is closed");
  }

  #timeToken(now: number): void {
    const machine = this.#machine;
    const { credentials, attempt, live } = machine;
    if (credentials.giveUpFetch(now)) {
      if (attempt?.step === "token") giveUp(machine, now, attempt.line, NO_TOKEN_IN_TIME);
      else if (live) credentials.refreshLater(now);
    }
    if (credentials.isRefreshDue(now) && machine.live) fetchToken(machine, now);
  }

  #timeLines(now: number): void {
    const machine = this.#machine;
    const { attempt, live } = machine;
    if (attempt && attempt.until <= now) {
      const why = {
        token: "the application gave no token in time",
        dialing: "no connection could be opened in time",
        greeting: "the server did not answer the greeting in time",
      }[attempt.step];
      giveUp(machine, now, attempt.line, withoutCode("unreachable", why));
    }
    if (live && machine.silentAt(live) <= now) {
      giveUp(machine, now, live.line, withoutCode("silent", "nothing was heard of the server for too long"));
    }
    if (machine.live && machine.live.moveAt <= now) {
      machine.live.moveAt = Infinity;
      if (!machine.attempt) machine.retryAt = now;
    }
    if (machine.retryAt <= now) tryToConnect(machine, now);
  }
}
