// What was published and is not acknowledged: one queue in the order of the application's calls.

import { refusal, TautlineError } from "../errors.js";
import type { QueueOptions } from "../options.js";
import type { Failure } from "../wire.js";
import type { Frame, Settle } from "./output.js";
import { type Waiting, Waitlist } from "./waitlist.js";

/**
 * So many publications at most are on their way at once: half of what a server keeps waiting, so that the rest of what a client
 * says is not held up behind them.
 */
const IN_FLIGHT_MAX = 16;
/** A publication that was on its way at so many failures of the server is not sent again. */
const CRASHES_MAX = 2;

/** So long after it left first, at most, a publication is sent again: the server knows its key for a minute longer. */
const KEY_KNOWN = 9 * 60_000;

/** Something to be published. */
export type Draft = Pick<Publication, "ticket" | "room" | "frame" | "bytes" | "until">;

/** A publication that is not acknowledged. */
interface Publication extends Waiting {
  readonly room: string;
  readonly frame: Frame;
  readonly bytes: number;
  /** The server has put it off until then; 0 if it has not. */
  notBefore: number;
  crashes: number;
}

/** The queue. */
export class Publications extends Waitlist<Publication> {
  readonly #bounds: Required<QueueOptions>;

  constructor(bounds: Required<QueueOptions>, settle: Settle) {
    super(settle);
    this.#bounds = bounds;
  }

  /** Takes one in, behind all others, or throws. */
  push(draft: Draft): void {
    const { maxMessages, maxBytes, overflow } = this.#bounds;
    if (draft.bytes > maxBytes)
      throw new TautlineError("too_large", "it is larger than the queue may be (queue.maxBytes)");
    while (this.size >= maxMessages || this.waiting.reduce((sum, one) => sum + one.bytes, draft.bytes) > maxBytes) {
      const oldest = this.waiting.find((one) => !one.isInFlight && !one.isUncertain);
      const why = "too much waits to be published";
      if (overflow === "reject" || !oldest) throw new TautlineError("queue_full", why);
      this.fail(oldest, "queue_full", why);
    }
    this.waiting.push({ ...draft, isInFlight: false, notBefore: 0, crashes: 0 });
  }

  /**
   * The next that may be sent. In a room nothing overtakes: while one is put off, what is behind it waits, and it waits itself
   * for what had left before that was known.
   */
  next(now: number): Publication | undefined {
    const { waiting } = this;
    if (waiting.filter((one) => one.isInFlight).length >= IN_FLIGHT_MAX) return undefined;
    const isDeferred = waiting.some((one) => one.notBefore);
    const isFree = (one: Publication, at: number) =>
      waiting.every((other, place) => other === one || other.room !== one.room || other.isInFlight === place < at);
    return waiting.find((one, at) => !one.isInFlight && one.notBefore <= now && (!isDeferred || isFree(one, at)));
  }

  /** It is on its way. */
  sent(one: Publication, now: number): void {
    one.isInFlight = true;
    one.until = Math.min(one.until, now + KEY_KNOWN);
    one.notBefore = 0;
  }

  /** It has got a place. */
  placed(ticket: number, value: unknown): void {
    const one = this.#inFlight(ticket);
    if (one) this.settle(one, undefined, value);
  }

  /** The server refuses it, or puts it off. False if it was not on its way. */
  refused(now: number, ticket: number, failure: Failure, pause: number): boolean {
    const one = this.#inFlight(ticket);
    if (one && failure.code === "rate_limited") {
      one.isInFlight = false;
      one.notBefore = now + pause;
    } else if (one) {
      const error = refusal(failure);
      // An earlier attempt may have arrived before the connection was lost.
      this.settle(one, one.isUncertain ? new TautlineError(error.code, error.message, "unknown") : error);
    }
    return one !== undefined;
  }

  /** The connection is lost: all that was on its way is to be sent again. What the server seems to fail at is given up. */
  lose(isCrash: boolean): void {
    for (const one of [...this.waiting]) {
      one.notBefore = 0;
      if (!one.isInFlight) continue;
      one.isInFlight = false;
      one.isUncertain = true;
      one.crashes = isCrash ? one.crashes + 1 : 0;
      if (one.crashes >= CRASHES_MAX) this.fail(one, "poisoned", "the server failed twice while this was on its way");
    }
  }

  /** When the next of what was put off may be sent. What may be sent already waits for something else. */
  nextDeferred(now: number): number {
    return this.waiting.reduce((at, { notBefore }) => (notBefore > now ? Math.min(at, notBefore) : at), Infinity);
  }

  #inFlight(ticket: number): Publication | undefined {
    const one = this.find(ticket);
    return one?.isInFlight ? one : undefined;
  }
}
