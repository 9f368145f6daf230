// When to come back: full jitter above a floor, in the window that the server announced.

/** No attempt but the first comes sooner than this. */
export const RETRY_FLOOR = 250;
/** The window of the first attempt where this client alone lost its connection. */
export const LOCAL_WINDOW = 250;

/** What the next attempt goes by. */
export type Wait =
  /** Only this client is affected. */
  | { readonly kind: "local" }
  /** All clients of the server may be: they spread over the announced window. */
  | { readonly kind: "announced" }
  /** Not before this, says the server. */
  | { readonly kind: "hint"; readonly after: number }
  /** The server goes away and is gone after this: all its clients come back from then on, over the announced window. */
  | { readonly kind: "gone"; readonly after: number };

/** How attempts are spread. */
export interface Spread {
  readonly base: number;
  readonly cap: number;
  /** What the server announced for the first. */
  readonly window: number;
  readonly random: () => number;
}

/** A random point between two times. */
export function between(random: () => number, from: number, to: number): number {
  return from + (to - from) * random();
}

/**
 * How long attempt number `failures`, from 0, waits. Later attempts spread over the announced window too where that is the
 * longer: those who were too many at first are not fewer the second time.
 */
export function delay(failures: number, wait: Wait, { base, cap, window, random }: Spread): number {
  if (wait.kind === "gone") return between(random, wait.after, wait.after + window);
  if (wait.kind === "hint") return between(random, wait.after, wait.after + Math.max(wait.after / 2, LOCAL_WINDOW));
  if (failures === 0) return between(random, 0, wait.kind === "local" ? LOCAL_WINDOW : window);
  return between(random, RETRY_FLOOR, Math.max(Math.min(base * 2 ** (failures - 1), cap), window));
}
