// Questions that wait for their answers.

import { type ErrorCode, TautlineError } from "../errors.js";
import type { Frame } from "./output.js";
import { type Waiting, Waitlist } from "./waitlist.js";

/** So many questions may wait for their answers, sent or not; one more is refused at once. */
const CALLS_MAX = 64;
/** So many are on their way at once: below the server's bound of 32 for requests. */
const IN_FLIGHT_MAX = 16;

/** A question. */
export interface Call extends Waiting {
  readonly frame: Frame;
  /** It may do something: it is not asked twice, and the server is told if nobody waits any more. What only reads is asked again. */
  readonly isRequest: boolean;
  /** What happens before it is told that the server refuses. */
  readonly refused?: (() => void) | undefined;
}

/** All questions that wait, in their order. */
export class Calls extends Waitlist<Call> {
  /** Requests whose answers nobody wants any more, which the server is to hear: it counts that as a request, too. */
  unwanted: number[] = [];

  /** Takes one in, or throws. */
  push(call: Call): void {
    if (this.size >= CALLS_MAX) throw new TautlineError("queue_full", "too many questions wait for answers");
    this.waiting.push(call);
  }

  /** The next that may be sent. */
  next(): Call | undefined {
    const unsent = this.waiting.filter((call) => !call.isInFlight);
    return this.size - unsent.length < IN_FLIGHT_MAX ? unsent[0] : undefined;
  }

  /** There is an answer. False if nobody waits for it. */
  answer(ticket: number, error: TautlineError | undefined, value?: unknown): boolean {
    const call = this.find(ticket);
    if (!call) return false;
    if (error) call.refused?.();
    this.settle(call, error, value);
    return true;
  }

  override giveUp(call: Call, code: ErrorCode, why: string): void {
    if (call.isInFlight && call.isRequest && this.unwanted.length < CALLS_MAX) this.unwanted.push(call.ticket);
    this.fail(call, code, why);
  }

  /** The connection is lost. What only reads is asked again. */
  lose(): void {
    this.unwanted = [];
    for (const call of [...this.waiting]) {
      if (call.isInFlight && call.isRequest) this.fail(call, "lost", "the connection was lost before the answer came");
      call.isInFlight = false;
    }
  }
}
