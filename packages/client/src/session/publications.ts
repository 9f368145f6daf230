// What was published and is not acknowledged: one queue in the order of the application's calls.

import { type ErrorCode, refusal, TautlineError } from "../errors.js";
import type { QueueOptions } from "../options.js";
import type { Failure } from "../wire.js";
import type { Frame, Settle } from "./output.js";

/**
 * So many publications at most are on their way at once: half of what a server keeps waiting, so that the rest of what a client
 * says is not held up behind them.
 */
const IN_FLIGHT_MAX = 16;
/** A publication that was on its way at so many failures of the server is not sent again. */
const CRASHES_MAX = 2;

/** A publication that is not acknowledged. */
interface Waiting {
  readonly ticket: number;
  readonly room: string;
  readonly frame: Frame;
  readonly bytes: number;
  readonly expiresAt: number;
  /** On its way, on the present connection. */
  isInFlight: boolean;
  /** It was on its way when a connection was lost: nobody knows whether it has arrived. */
  isUncertain: boolean;
  /** The server has put it off until then; 0 if it has not. */
  notBefore: number;
  crashes: number;
}

/** The queue. */
export class Publications {
  readonly #bounds: Required<QueueOptions>;
  readonly #settle: Settle;
  /** In the order of the calls. */
  #waiting: Waiting[] = [];

  constructor(bounds: Required<QueueOptions>, settle: Settle) {
    this.#bounds = bounds;
    this.#settle = settle;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** Takes one in, behind all others, or throws. */
  push(now: number, ticket: number, room: string, frame: Frame, bytes: number, timeout: number): void {
    const { maxMessages, maxBytes, ttl, overflow } = this.#bounds;
    const isFull = () =>
      this.size >= maxMessages || this.#waiting.reduce((sum, waiting) => sum + waiting.bytes, bytes) > maxBytes;
    while (isFull()) {
      const oldest = this.#waiting.find((waiting) => !waiting.isInFlight && !waiting.isUncertain);
      if (overflow === "reject" || !oldest) {
        throw new TautlineError("queue_full", "too much waits to be published; wait for what was published before");
      }
      this.#fail(oldest, "queue_full", "newer publications took its place in the queue");
    }
    const expiresAt = now + Math.min(timeout, ttl);
    const state = { isInFlight: false, isUncertain: false, notBefore: 0, crashes: 0 };
    this.#waiting.push({ ticket, room, frame, bytes, expiresAt, ...state });
  }

  /**
   * The next that may be sent. In a room nothing overtakes: while one is put off, what is behind it waits, and it waits itself
   * for what had left before that was known.
   */
  next(now: number): Waiting | undefined {
    const waiting = this.#waiting;
    let inFlight = 0;
    let isDeferred = false;
    for (const one of waiting) {
      if (one.isInFlight) inFlight++;
      if (one.notBefore) isDeferred = true;
    }
    if (inFlight >= IN_FLIGHT_MAX) return undefined;
    return waiting.find((one, at) => {
      if (one.isInFlight || one.notBefore > now) return false;
      if (!isDeferred) return true;
      return waiting.every(
        (other, place) => other === one || other.room !== one.room || other.isInFlight === place < at,
      );
    });
  }

  /** It is on its way. */
  sent(waiting: Waiting): void {
    waiting.isInFlight = true;
    waiting.notBefore = 0;
  }

  /** It has got a place. */
  placed(ticket: number, value: unknown): void {
    const waiting = this.#inFlight(ticket);
    if (waiting) this.#remove(waiting, undefined, value);
  }

  /** The server refuses it, or puts it off. False if it was not on its way. */
  refused(now: number, ticket: number, failure: Failure, pause: number): boolean {
    const waiting = this.#inFlight(ticket);
    if (!waiting) return false;
    if (failure.code === "rate_limited") {
      waiting.isInFlight = false;
      waiting.notBefore = now + pause;
      return true;
    }
    const error = refusal(failure);
    const isOpen = waiting.isUncertain && error.outcome === "refused";
    const message = "a connection was lost while it was on its way, and it was refused when it was sent again: ";
    this.#remove(waiting, isOpen ? new TautlineError(error.code, message + error.message, "unknown") : error);
    return true;
  }

  /** Nobody waits for it any more: it is not sent, or not sent again. */
  giveUp(ticket: number, code: ErrorCode, why: string): boolean {
    const waiting = this.#waiting.find((one) => one.ticket === ticket);
    if (waiting) this.#fail(waiting, code, why);
    return waiting !== undefined;
  }

  /** The connection is lost: all that was on its way is to be sent again. What the server seems to fail at is given up. */
  lose(isCrash: boolean): void {
    for (const waiting of [...this.#waiting]) {
      waiting.notBefore = 0;
      if (!waiting.isInFlight) continue;
      waiting.isInFlight = false;
      waiting.isUncertain = true;
      waiting.crashes = isCrash ? waiting.crashes + 1 : 0;
      if (waiting.crashes >= CRASHES_MAX) {
        this.#fail(waiting, "poisoned", "the server failed twice while this was on its way");
      }
    }
  }

  /** Time has passed. */
  expire(now: number): void {
    for (const waiting of [...this.#waiting]) {
      if (waiting.expiresAt <= now) this.#fail(waiting, "expired", "it was not acknowledged in time");
    }
  }

  /** Nothing more is sent. */
  end(why: string): void {
    for (const waiting of [...this.#waiting]) this.#fail(waiting, "closed", why);
  }

  /** When {@link Publications.expire} has something to do. */
  nextTimeout(): number {
    return this.#waiting.reduce((at, waiting) => Math.min(at, waiting.expiresAt), Infinity);
  }

  /** When the next of what was put off may be sent. What may be sent already waits for something else. */
  nextDeferred(now: number): number {
    return this.#waiting.reduce((at, { notBefore }) => (notBefore > now ? Math.min(at, notBefore) : at), Infinity);
  }

  #inFlight(ticket: number): Waiting | undefined {
    return this.#waiting.find((waiting) => waiting.ticket === ticket && waiting.isInFlight);
  }

  #fail(waiting: Waiting, code: ErrorCode, why: string): void {
    const outcome = waiting.isInFlight || waiting.isUncertain ? "unknown" : "not-sent";
    this.#remove(waiting, new TautlineError(code, why, outcome));
  }

  #remove(waiting: Waiting, error: TautlineError | undefined, value?: unknown): void {
    this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
    this.#settle(waiting.ticket, error, value);
  }
}
