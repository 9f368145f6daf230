// Bytes of MessagePack as values. Whatever is no value throws.

/** Reads values that stand behind each other. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(buffer: ArrayBuffer) {
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
  }

  /** Whether everything was read. */
  get isDone(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The next value: what JSON can say, and bytes. */
  value(): unknown {
    const head = this.#view.getUint8(this.#at++);
    if (head < 0x80) return head;
    if (head < 0x90) return this.#map(head & 15);
    if (head < 0xa0) return this.#array(head & 15);
    if (head < 0xc0) return this.#text(head & 31);
    if (head >= 0xe0) return head - 0x100;
    const read = HEADS[head];
    if (!read) throw new TypeError(`0x${head.toString(16)} begins no value that JSON can say`);
    return read(this);
  }

  /** A number of so many bytes. */
  number(size: number, read: (view: DataView, at: number) => number | bigint): number {
    const value = Number(read(this.#view, this.#at));
    this.#at += size;
    return value;
  }

  /** What follows a length of so many bytes. */
  sized(size: 1 | 2 | 4, kind: "map" | "array" | "text" | "binary"): unknown {
    const length = this.number(size, UNSIGNED[size]);
    if (kind === "map") return this.#map(length);
    if (kind === "array") return this.#array(length);
    return kind === "text" ? this.#text(length) : this.#binary(length);
  }

  #map(length: number): unknown {
    const entries: [string, unknown][] = [];
    for (let nth = 0; nth < length; nth++) {
      const key = this.value();
      if (typeof key !== "string") throw new TypeError("a key that is no text");
      entries.push([key, this.value()]);
    }
    return Object.fromEntries(entries);
  }

  #array(length: number): unknown[] {
    const items: unknown[] = [];
    for (let nth = 0; nth < length; nth++) items.push(this.value());
    return items;
  }

  #text(length: number): string {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.#binary(length));
  }

  #binary(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError("it ends within a value");
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }
}

const UNSIGNED = {
  1: (view: DataView, at: number): number => view.getUint8(at),
  2: (view: DataView, at: number): number => view.getUint16(at),
  4: (view: DataView, at: number): number => view.getUint32(at),
} as const;

/** What begins with which byte, where the byte says nothing but that. */
const HEADS: { readonly [head: number]: (reader: Reader) => unknown } = {
  192: () => null,
  194: () => false,
  195: () => true,
  196: (reader) => reader.sized(1, "binary"),
  197: (reader) => reader.sized(2, "binary"),
  198: (reader) => reader.sized(4, "binary"),
  202: (reader) => reader.number(4, (view, at) => view.getFloat32(at)),
  203: (reader) => reader.number(8, (view, at) => view.getFloat64(at)),
  204: (reader) => reader.number(1, UNSIGNED[1]),
  205: (reader) => reader.number(2, UNSIGNED[2]),
  206: (reader) => reader.number(4, UNSIGNED[4]),
  207: (reader) => reader.number(8, (view, at) => view.getBigUint64(at)),
  208: (reader) => reader.number(1, (view, at) => view.getInt8(at)),
  209: (reader) => reader.number(2, (view, at) => view.getInt16(at)),
  210: (reader) => reader.number(4, (view, at) => view.getInt32(at)),
  211: (reader) => reader.number(8, (view, at) => view.getBigInt64(at)),
  217: (reader) => reader.sized(1, "text"),
  218: (reader) => reader.sized(2, "text"),
  219: (reader) => reader.sized(4, "text"),
  220: (reader) => reader.sized(2, "array"),
  221: (reader) => reader.sized(4, "array"),
  222: (reader) => reader.sized(2, "map"),
  223: (reader) => reader.sized(4, "map"),
};
