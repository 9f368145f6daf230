// How often something may happen: a rate that the server has announced, and what is used up of it.

import type { Rate } from "../wire.js";

/** How much of a rate is used up. One point in time says all: when everything taken so far will have been earned. */
export class Bucket {
  #earnedAt = -Infinity;

  /** How long to wait for the next one; 0 if there is one. Without a rate there always is. */
  wait(now: number, rate: Rate | undefined): number {
    if (!rate) return 0;
    const interval = 1_000 / rate.perSecond;
    return Math.max(Math.max(this.#earnedAt, now) + interval - (now + interval * rate.burst), 0);
  }

  /** Takes one, if there is one. */
  take(now: number, rate: Rate | undefined): boolean {
    // What is earned within a millisecond is there: times are no whole numbers here.
    if (this.wait(now, rate) > 1e-3) return false;
    if (rate) this.#earnedAt = Math.max(this.#earnedAt, now) + 1_000 / rate.perSecond;
    return true;
  }
}
