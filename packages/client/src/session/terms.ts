// What the server has announced in its last `welcome`, or what holds before there was one.

import type { Rate, Welcome } from "../wire.js";

/** What the server has announced. */
export interface Terms {
  /** The first attempt after a loss comes at a random point of this time. */
  readonly firstWindow: number;
  /** No later attempt waits longer, says the server. */
  readonly cap: number;
  /** A ping comes at least so often. */
  readonly pingEvery: number;
  /** The largest message. */
  readonly messageBytes: number;
  /** How often the client may publish or cast, join or leave, ask for something else. */
  readonly rates: Rates;
}

/** What the server counts by itself. */
export type RateKind = "publish" | "join" | "request";

/** A rate that is absent is no limit. */
export type Rates = { readonly [K in RateKind]?: Rate | undefined };

export const TERMS: Terms = {
  firstWindow: 1_000,
  cap: Infinity,
  pingEvery: 25_000,
  messageBytes: Infinity,
  rates: {},
};

/** What a `welcome` says. */
export function termsOf({ limits, retry, pingEveryMs }: Welcome): Terms {
  return {
    firstWindow: retry.firstWindowMs,
    cap: retry.capMs,
    pingEvery: pingEveryMs,
    messageBytes: limits.messageBytes,
    rates: { publish: below(limits.publish), join: below(limits.join), request: below(limits.request) },
  };
}

/** Three quarters of what is allowed at once: messages that left apart may arrive together. */
function below(rate: Rate | undefined): Rate | undefined {
  return rate && { perSecond: rate.perSecond, burst: Math.max(Math.floor(rate.burst / 4) * 3, 1) };
}
