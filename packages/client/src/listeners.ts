// Who listens to something: each is told, whatever the others do.

import { aborted, onAbort } from "./abort.js";

/** Who listens to something. */
export class Listeners<T> {
  readonly #all = new Set<{ readonly hear: (value: T) => unknown }>();

  get size(): number {
    return this.#all.size;
  }

  /** Adds one, until what is returned is called or the signal fires. */
  add(hear: (value: T) => unknown, signal?: AbortSignal): () => void {
    const listener = { hear };
    const remove = () => {
      this.#all.delete(listener);
      forget();
    };
    const forget = onAbort(signal, remove);
    if (!signal?.aborted) this.#all.add(listener);
    return remove;
  }

  /** Tells all who listen now, and gives what they answered. What one throws, also later, keeps nothing from the others. */
  tell(value: T, failed: (error: unknown) => void): unknown[] {
    return [...this.#all].map(({ hear }) => {
      try {
        const answer = hear(value);
        return answer instanceof Promise ? answer.catch(failed) : answer;
      } catch (error) {
        return failed(error);
      }
    });
  }
}

/** Waits until something holds, looking whenever one of these is told; `holds` may throw. */
export function until(told: readonly Listeners<void>[], holds: () => boolean, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => {
      try {
        if (signal?.aborted) throw aborted();
        if (!holds()) return;
        resolve();
      } catch (error) {
        reject(error);
      }
      for (const stop of stops) stop();
    };
    const stops = [...told.map((listeners) => listeners.add(look)), onAbort(signal, look)];
    look();
  });
}
