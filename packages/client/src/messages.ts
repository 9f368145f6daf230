// A room's messages as an async iterator.

import { TautlineError } from "./errors.js";

/** Takes messages in, and gives them to whoever iterates. */
export class Messages<M> implements AsyncIterableIterator<M> {
  readonly #max: number;
  readonly #ended: () => void;
  #waiting: M[] = [];
  #wanted: { resolve: (result: IteratorResult<M>) => void; reject: (error: unknown) => void }[] = [];
  #isOver = false;
  #error: TautlineError | undefined;

  constructor(max: number, ended: () => void) {
    this.#max = max;
    this.#ended = ended;
  }

  push(message: M): void {
    const wanted = this.#wanted.shift();
    if (wanted) wanted.resolve({ value: message, done: false });
    else if (this.#waiting.length < this.#max) this.#waiting.push(message);
    else this.#end(new TautlineError("overflow", "messages came faster than they were taken"));
  }

  next(): Promise<IteratorResult<M>> {
    return new Promise((resolve, reject) => {
      const error = this.#error;
      if (this.#waiting.length) resolve({ value: this.#waiting.shift() as M, done: false });
      else if (error) {
        this.#error = undefined;
        reject(error);
      } else if (this.#isOver) resolve({ value: undefined, done: true });
      else this.#wanted.push({ resolve, reject });
    });
  }

  /** Nothing more comes; what is there may still be taken. */
  async return(): Promise<IteratorResult<M>> {
    this.#end();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(error?: TautlineError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    for (const { resolve } of this.#wanted) resolve({ value: undefined, done: true });
    this.#wanted = [];
    this.#ended();
  }
}
