// What waits for an answer of the server, in the order of the application's calls.

import { type ErrorCode, TautlineError } from "../errors.js";
import type { Settle } from "./output.js";

/** What waits for an answer. */
export interface Waiting {
  readonly ticket: number;
  /** It has failed if there is no answer by then. */
  until: number;
  /** On its way, on the present connection. */
  isInFlight: boolean;
  /** It was on its way when a connection was lost: nobody knows whether it has arrived. */
  isUncertain?: boolean;
}

/** What waits for answers of the server. Each is settled once. */
export class Waitlist<W extends Waiting> {
  waiting: W[] = [];
  readonly #settle: Settle;

  constructor(settle: Settle) {
    this.#settle = settle;
  }

  get size(): number {
    return this.waiting.length;
  }

  find(ticket: number): W | undefined {
    return this.waiting.find((one) => one.ticket === ticket);
  }

  /** It is over: answered with `value`, or failed. */
  settle(one: W, error?: TautlineError, value?: unknown): void {
    this.waiting.splice(this.waiting.indexOf(one), 1);
    this.#settle(one.ticket, error, value);
  }

  /** It has failed on this side. */
  fail(one: W, code: ErrorCode, why: string): void {
    this.settle(one, new TautlineError(code, why, one.isInFlight || one.isUncertain ? "unknown" : "not-sent"));
  }

  /** Nobody waits for it any more. */
  giveUp(one: W, code: ErrorCode, why: string): void {
    this.fail(one, code, why);
  }

  /** Time has passed. */
  expire(now: number): void {
    for (const one of [...this.waiting])
      if (one.until <= now) this.giveUp(one, "expired", "there was no answer in time");
  }

  /** Nothing more is sent. */
  end(): void {
    for (const one of [...this.waiting]) this.fail(one, "closed", "the client was closed");
  }

  /** When {@link Waitlist.expire} has something to do. */
  nextTimeout(): number {
    return this.waiting.reduce((at, one) => Math.min(at, one.until), Infinity);
  }
}
