// What goes wrong, as one error with a code for programs and a sentence for people.

import type { Failure } from "./wire.js";

/** What the server refuses with; its table is docs/reference/codes.md. */
export type ServerErrorCode =
  | "unauthorized"
  | "forbidden"
  | "bad_request"
  | "invalid_payload"
  | "not_joined"
  | "unknown_method"
  | "too_large"
  | "rate_limited"
  | "limit_exceeded"
  | "conflict"
  | "timeout"
  | "unavailable"
  | "unsupported"
  | "internal";

/** What this client itself refuses or gives up with. */
export type ClientErrorCode =
  /** The client is closed. */
  | "closed"
  /** Too much waits already: publications, or questions. */
  | "queue_full"
  /** It was not acknowledged, or answered, in time. */
  | "expired"
  /** Its `AbortSignal` fired. */
  | "aborted"
  /** The connection was lost before the answer came. */
  | "lost"
  /** The server failed twice while this was on its way; it is not sent again. */
  | "poisoned"
  /** No server can be at the address that was given. */
  | "bad_url"
  /** There is no WebSocket here: pass `env: { WebSocket }`. */
  | "no_websocket"
  /** Who iterated over messages fell too far behind. */
  | "overflow";

/** Why something failed. */
export type ErrorCode = ServerErrorCode | ClientErrorCode;

/** What is known of something that failed. */
export type Outcome =
  /** It was not done: it never left this client, or the server has put it off. Doing it again does it once. */
  | "not-sent"
  /** It may have been done. Publishing again with the same key publishes it once. */
  | "unknown"
  /** The server has refused it. */
  | "refused";

/** What this client itself gives up with and may succeed later. */
const LATER: readonly ErrorCode[] = ["queue_full", "expired", "lost", "overflow"];

/** Every error of this package. */
export class TautlineError extends Error {
  override readonly name = "TautlineError";
  /** The page of the documentation that says more, below the project's root. */
  readonly docs = "docs/guide/typescript.md#errors";
  /** Why, for programs. */
  readonly code: ErrorCode;
  /** What is known of it. */
  readonly outcome: Outcome;
  /** Whether the same may succeed later. */
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, outcome: Outcome = "not-sent", retryable?: boolean) {
    super(message);
    this.code = code;
    this.outcome = outcome;
    this.retryable = retryable ?? LATER.includes(code);
  }
}

/** What the server refused, as an error. */
export function refusal({ code, message, retryable }: Failure): TautlineError {
  return new TautlineError(code, message, code === "timeout" ? "unknown" : "refused", retryable);
}
