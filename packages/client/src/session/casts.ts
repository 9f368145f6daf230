// Casts that may not leave yet: the newest of each word, for as long as the connection lives.

import type { Frame } from "./output.js";

/** So many wait at most; the oldest makes room. */
const CASTS_MAX = 64;

/** A cast that waits. */
export interface Casting {
  /** Of those with the same word, only the newest is worth anything. */
  readonly word: string | undefined;
  frame: Frame;
}

/** Takes one in. One with the same word that waits is replaced, where it stands. */
export function pushCast(casts: Casting[], word: string | undefined, frame: Frame): void {
  const same = word && casts.find((other) => other.word === word);
  if (same) same.frame = frame;
  else if (casts.push({ word, frame }) > CASTS_MAX) casts.shift();
}
