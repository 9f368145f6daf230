// What an application says when it makes a client, and when it asks something of it.

import type { Encoding } from "./encoding.js";
import type { Env } from "./env.js";
import type { Position } from "./message.js";

/** What a client goes by. */
export interface ClientOptions {
  /**
   * Where the server is: `wss://rt.example.com/ws`. `http` and `https` stand for `ws` and `wss`; a page may say `/ws`. A
   * function is asked before each attempt.
   */
  url: string | URL | (() => string | URL | Promise<string | URL>);
  /** Proves who is there: one token, or whoever gives one. */
  token?: string | TokenProvider;
  /** How messages are written: JSON unless told otherwise; see `@tautline/client/msgpack`. */
  encoding?: Encoding;
  /** Which program this is, for the server's logs and metrics; each at most 64 characters. */
  program?: { name: string; version: string };
  /** Whether the first join, publication or request connects; `true` unless told otherwise. Otherwise `connect()` does. */
  autoConnect?: boolean;
  /** When to come back. */
  retry?: RetryOptions;
  /** What may wait to be published. */
  queue?: QueueOptions;
  /** How long to wait for what. */
  timeouts?: TimeoutOptions;
  /** How many events of a room may wait for the application: 1,024. What is beyond becomes one gap. */
  maxEvents?: number;
  /** What the client needs of its surroundings, where it cannot be found or a test has its own. */
  env?: Partial<Env>;
}

/** Gives a token whenever one is needed; `null` says that there will be none, and closes the client. What it throws is tried again. */
export type TokenProvider = (context: TokenContext) => string | null | Promise<string | null>;

/** Why a token is needed. */
export interface TokenContext {
  /**
   * `connect`: there is none yet. `refresh`: the one in use ends soon, and the connection stays. `expired`: it has ended.
   * `rejected`: the server says that the one that was given has ended. One that is wrong closes the client.
   */
  readonly reason: TokenReason;
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** Why a token is needed. */
export type TokenReason = "connect" | "refresh" | "expired" | "rejected";

/** When to come back. All in milliseconds. */
export interface RetryOptions {
  /** The second attempt waits up to this long, each later one up to twice as long as the one before: 1,000. */
  base?: number;
  /** No attempt waits longer, unless the server's window is: 30,000. */
  cap?: number;
  /** Give up after so many attempts in a row; never, unless told otherwise. */
  giveUpAfter?: number;
}

/** What may wait to be published or acknowledged. */
export interface QueueOptions {
  /** So many publications: 256. */
  maxMessages?: number;
  /** So many bytes of messages: 1 MiB. */
  maxBytes?: number;
  /** What is not acknowledged after so many milliseconds has failed: 60,000. It is sent again for nine minutes at most: the server knows its key for ten. */
  ttl?: number;
  /** What happens to one too many: it is refused at once (`reject`), or the oldest that never left makes room. */
  overflow?: "reject" | "drop-oldest";
}

/** How long to wait for what. All in milliseconds. */
export interface TimeoutOptions {
  /** For a token from the application: 10,000. */
  token?: number;
  /** For a connection, its TLS and its upgrade: 10,000. */
  dial?: number;
  /** For the answer to the greeting: 5,000. */
  hello?: number;
  /** For any sign of life after a probe: 3,000. */
  probe?: number;
  /** For any sign of life after the server's next ping was due at the latest: 10,000. */
  silence?: number;
  /** For the answer to a question: 10,000. */
  call?: number;
}

/** How a room is joined. */
export interface Joining<P = unknown> {
  /** Go on behind this, which an earlier page or process has handled; a message is one. */
  since?: Position;
  /** Without `since`: begin with so many of the newest. */
  last?: number;
  /** What others are to see: at most 2 KiB of JSON. */
  presence?: P;
}

/** For how long, and until when, an answer is waited for. */
export interface CallOptions {
  /** In milliseconds. */
  timeout?: number;
  /** Stops waiting. */
  signal?: AbortSignal;
}

/** How something is published. */
export interface PublishOptions extends CallOptions {
  /**
   * Makes it recognizable beyond the life of this client, 1 to 128 characters: whatever happens to the page, the same key with the
   * same content is published once within ten minutes.
   */
  key?: string;
}

/** How something is cast. */
export interface CastOptions {
  /** Only the newest of this event is worth anything: one that may not leave yet gives way to a later one. */
  latest?: boolean;
}

/** How something is listened to. */
export interface ListenOptions {
  /** Stops listening. */
  signal?: AbortSignal;
}

/** How a client is closed. */
export interface CloseOptions {
  /** Waits until everything published is acknowledged. Nothing more is taken in meanwhile. */
  flush?: boolean;
  /** For so many milliseconds at most: 5,000. */
  timeout?: number;
}
