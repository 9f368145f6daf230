// What is due, in its order: a heap by time, and by who came first.

interface Entry {
  readonly at: number;
  readonly nth: number;
  readonly happen: () => void;
}

export class Agenda {
  now = 0;
  #nth = 0;
  readonly #heap: Entry[] = [];

  /** Has something happen at a time. */
  at(at: number, happen: () => void): void {
    const entry = { at: Math.max(at, this.now), nth: this.#nth++, happen };
    const heap = this.#heap;
    let place = heap.push(entry) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const other = heap[parent] as Entry;
      if (!isBefore(entry, other)) break;
      heap[place] = other;
      place = parent;
    }
    heap[place] = entry;
  }

  after(span: number, happen: () => void): void {
    this.at(this.now + span, happen);
  }

  /** Has the next thing happen. False if nothing is due any more. */
  step(): boolean {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last) return false;
    if (heap.length) {
      let place = 0;
      for (;;) {
        let child = place * 2 + 1;
        const right = heap[child + 1];
        if (right && isBefore(right, heap[child] as Entry)) child++;
        const other = heap[child];
        if (!other || !isBefore(other, last)) break;
        heap[place] = other;
        place = child;
      }
      heap[place] = last;
    }
    this.now = first.at;
    first.happen();
    return true;
  }
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.at < other.at || (one.at === other.at && one.nth < other.nth);
}
