// What a room's listeners have not heard yet: events in their order, held while a gap is dealt with.

import type { Gap, Position } from "./message.js";
import type { RoomEvent } from "./session/output.js";

/** So long at most a room waits for who deals with a gap. */
export const GAP_PATIENCE = 10_000;

/** Events that wait. Messages beyond what may wait become one gap, so that an application that falls behind knows it. */
export class Mailbox {
  readonly #max: number;
  #events: RoomEvent[] = [];
  /** What came when the mailbox was full: what was thrown away, and how the membership stands now. */
  #gap: Gap | undefined;
  #status: RoomEvent | undefined;

  constructor(max: number) {
    this.#max = max;
  }

  push(event: RoomEvent): void {
    if (this.#events.length < this.#max && !this.#gap && !this.#status) this.#events.push(event);
    else if (event.kind === "message") this.#miss(event.value.offset, event.value);
    // Nothing of the order before is of use any more.
    else if (event.kind === "gap" && event.value.reason === "epoch-changed") this.#gap = event.value;
    else if (event.kind === "gap") this.#miss(event.value.from, event.value.position);
    else if (event.kind === "status") this.#status = event;
  }

  shift(): RoomEvent | undefined {
    if (!this.#events.length) {
      if (this.#gap) this.#events.push({ kind: "gap", value: this.#gap });
      if (this.#status) this.#events.push(this.#status);
      this.#gap = this.#status = undefined;
    }
    return this.#events.shift();
  }

  clear(): void {
    this.#events = [];
    this.#gap = this.#status = undefined;
  }

  #miss(from: number, { epoch, offset, id }: Position): void {
    const gap = this.#gap ?? { from, reason: "client-overflow" };
    this.#gap = { ...gap, to: offset, position: { epoch, offset, id } };
  }
}
