// Casts that may not leave yet: the newest of each word, for as long as the connection lives.

import type { Frame } from "./output.js";

/** So many wait at most; the oldest makes room. */
const CASTS_MAX = 64;

/** Casts that wait. */
export class Casts {
  #waiting: { word: string | undefined; frame: Frame }[] = [];

  /** Takes one in. One with the same word that waits is replaced, where it stands. */
  push(word: string | undefined, frame: Frame): void {
    const same = word && this.#waiting.find((other) => other.word === word);
    if (same) {
      same.frame = frame;
      return;
    }
    if (this.#waiting.length >= CASTS_MAX) this.#waiting.shift();
    this.#waiting.push({ word, frame });
  }

  /** The next that may be sent. */
  get first(): Frame | undefined {
    return this.#waiting[0]?.frame;
  }

  /** It is on its way. */
  shift(): void {
    this.#waiting.shift();
  }

  get size(): number {
    return this.#waiting.length;
  }

  clear(): void {
    this.#waiting = [];
  }
}
