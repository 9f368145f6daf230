// Signals of the application: nobody waits, or listens, any more.

import { TautlineError } from "./errors.js";

/** Nobody waits any more. */
export function aborted(): TautlineError {
  return new TautlineError("aborted", "its signal fired");
}

/** Calls back when a signal fires, until what it returns is called. */
export function onAbort(signal: AbortSignal | undefined, back: () => void): () => void {
  signal?.addEventListener("abort", back);
  return () => signal?.removeEventListener("abort", back);
}
