// What a client goes by; the same for as long as it lives.

import type { Encoding } from "../encoding.js";
import type { QueueOptions, RetryOptions, TimeoutOptions } from "../options.js";

/** What a client goes by. */
export interface Settings {
  /** Which program this is. */
  readonly program: { readonly name: string; readonly version: string };
  /** Random, and of this client alone: who publishes, whatever the connection. */
  readonly producer: string;
  readonly encoding: Encoding;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** The one token, if the application has no more. */
  readonly token: string | undefined;
  /** Whether the application can be asked for tokens. */
  readonly hasProvider: boolean;
  readonly retry: Required<RetryOptions>;
  readonly queue: Required<QueueOptions>;
  readonly timeouts: Required<TimeoutOptions>;
}

export const RETRY: Required<RetryOptions> = { base: 1_000, cap: 30_000, giveUpAfter: Infinity };

export const QUEUE: Required<QueueOptions> = { maxMessages: 256, maxBytes: 1 << 20, ttl: 60_000, overflow: "reject" };

export const TIMEOUTS: Required<TimeoutOptions> = {
  token: 10_000,
  dial: 10_000,
  hello: 5_000,
  probe: 3_000,
  silence: 10_000,
  call: 10_000,
};
