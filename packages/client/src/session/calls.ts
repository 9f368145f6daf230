// Questions that wait for their answers.

import { type ErrorCode, TautlineError } from "../errors.js";
import type { Frame, Settle } from "./output.js";

/** So many questions may wait for their answers, sent or not; one more is refused at once. */
const CALLS_MAX = 64;
/** So many are on their way at once: below the server's bound of 32 for requests. */
const IN_FLIGHT_MAX = 16;

/** A question. */
export interface Call {
  readonly ticket: number;
  readonly frame: Frame;
  readonly until: number;
  /** It may do something: it is not asked twice, and the server is told if nobody waits any more. What only reads is asked again. */
  readonly isRequest: boolean;
  /** What happens before the answer is told. */
  readonly answered?: (() => void) | undefined;
  isInFlight: boolean;
}

/** All questions that wait, in their order. */
export class Calls {
  readonly #settle: Settle;
  #waiting: Call[] = [];
  /** Requests whose answers nobody wants any more, which the server is to hear: it counts that as a request, too. */
  #unwanted: number[] = [];

  constructor(settle: Settle) {
    this.#settle = settle;
  }

  /** Takes one in, or throws. */
  push(call: Call): void {
    if (this.#waiting.length >= CALLS_MAX) {
      throw new TautlineError("queue_full", "too many questions wait for answers");
    }
    this.#waiting.push(call);
  }

  /** The next that may be sent. */
  next(): Call | undefined {
    const unsent = this.#waiting.filter((call) => !call.isInFlight);
    return this.#waiting.length - unsent.length < IN_FLIGHT_MAX ? unsent[0] : undefined;
  }

  /** There is an answer. False if nobody waits for it. */
  answer(ticket: number, error: TautlineError | undefined, value?: unknown): boolean {
    const call = this.#waiting.find((one) => one.ticket === ticket);
    if (!call) return false;
    if (!error) call.answered?.();
    this.#remove(call, error, value);
    return true;
  }

  /** Nobody waits for the answer any more. */
  giveUp(ticket: number, code: ErrorCode, why: string): void {
    const call = this.#waiting.find((one) => one.ticket === ticket);
    if (!call) return;
    if (call.isInFlight && call.isRequest && this.#unwanted.length < CALLS_MAX) this.#unwanted.push(ticket);
    this.#fail(call, code, why);
  }

  /** The next request that the server is to hear of that nobody wants it answered. */
  get unwanted(): number | undefined {
    return this.#unwanted[0];
  }

  takeUnwanted(): number | undefined {
    return this.#unwanted.shift();
  }

  /** The connection is lost. What only reads is asked again. */
  lose(): void {
    this.#unwanted = [];
    for (const call of [...this.#waiting]) {
      if (call.isInFlight && call.isRequest) this.#fail(call, "lost", "the connection was lost before the answer came");
      call.isInFlight = false;
    }
  }

  /** Time has passed. */
  expire(now: number): void {
    for (const call of [...this.#waiting]) if (call.until <= now) this.#fail(call, "expired", "no answer came in time");
  }

  /** Nothing more is sent. */
  end(why: string): void {
    for (const call of [...this.#waiting]) this.#fail(call, "closed", why);
  }

  nextTimeout(): number {
    return this.#waiting.reduce((at, call) => Math.min(at, call.until), Infinity);
  }

  #fail(call: Call, code: ErrorCode, why: string): void {
    this.#remove(call, new TautlineError(code, why, call.isInFlight ? "unknown" : "not-sent"));
  }

  #remove(call: Call, error: TautlineError | undefined, value?: unknown): void {
    this.#waiting.splice(this.#waiting.indexOf(call), 1);
    this.#settle(call.ticket, error, value);
  }
}
