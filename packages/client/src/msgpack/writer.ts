// Values as bytes of MessagePack, each in its shortest form.

/** Data is nested no deeper; what is, is refused by the server, and may be an object within itself. */
const DEPTH_MAX = 33;

/** Writes values behind each other. */
export class Writer {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** What was written. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** Data, as JSON would say it. */
  data(value: unknown, depth: number = 0): void {
    const said = hasToJson(value) ? value.toJSON() : value;
    if (depth > DEPTH_MAX) throw new TypeError("it is nested too deep");
    if (Array.isArray(said)) {
      this.array(said.length);
      for (const item of said) this.data(item, depth + 1);
    } else if (typeof said === "object" && said !== null) {
      const entries = Object.entries(said).filter(([, item]) => item !== undefined && typeof item !== "function");
      this.#head(entries.length, 0x80, 15, [undefined, 0xde, 0xdf]);
      for (const [key, item] of entries) {
        this.text(key);
        this.data(item, depth + 1);
      }
    } else this.plain(said);
  }

  /** A text, a number or a boolean; anything else is nothing. */
  plain(value: unknown): void {
    if (typeof value === "string") this.text(value);
    else if (typeof value === "number") this.number(value);
    else if (typeof value === "boolean") this.#byte(value ? 0xc3 : 0xc2);
    else if (typeof value === "bigint") throw new TypeError("JSON has no such number");
    else this.nil();
  }

  nil(): void {
    this.#byte(0xc0);
  }

  array(length: number): void {
    this.#head(length, 0x90, 15, [undefined, 0xdc, 0xdd]);
  }

  text(text: string): void {
    if (/\p{Surrogate}/u.test(text)) throw new TypeError("a string has half of a surrogate pair");
    const bytes = new TextEncoder().encode(text);
    this.#head(bytes.length, 0xa0, 31, [0xd9, 0xda, 0xdb]);
    this.#append(bytes);
  }

  binary(bytes: Uint8Array): void {
    this.#head(bytes.length, 0, -1, [0xc4, 0xc5, 0xc6]);
    this.#append(bytes);
  }

  /** Whole numbers of 64 bits stay whole; any other is a float, of 32 bits where that is exact. */
  number(value: number): void {
    if (!Number.isFinite(value)) this.nil();
    else if (!Number.isInteger(value) || value >= 2 ** 64 || value < -(2 ** 63)) this.#float(value);
    else if (value >= 0) this.#unsigned(value);
    else this.#negative(value);
  }

  #unsigned(value: number): void {
    if (value < 0x80) this.#byte(value);
    else if (value <= 0xff) this.#put(0xcc, 1, (at) => this.#view.setUint8(at, value));
    else if (value <= 0xffff) this.#put(0xcd, 2, (at) => this.#view.setUint16(at, value));
    else if (value <= 0xffffffff) this.#put(0xce, 4, (at) => this.#view.setUint32(at, value));
    else this.#put(0xcf, 8, (at) => this.#view.setBigUint64(at, BigInt(value)));
  }

  #negative(value: number): void {
    if (value >= -32) this.#byte(value & 0xff);
    else if (value >= -0x80) this.#put(0xd0, 1, (at) => this.#view.setInt8(at, value));
    else if (value >= -0x8000) this.#put(0xd1, 2, (at) => this.#view.setInt16(at, value));
    else if (value >= -0x80000000) this.#put(0xd2, 4, (at) => this.#view.setInt32(at, value));
    else this.#put(0xd3, 8, (at) => this.#view.setBigInt64(at, BigInt(value)));
  }

  #float(value: number): void {
    if (Math.fround(value) === value) this.#put(0xca, 4, (at) => this.#view.setFloat32(at, value));
    else this.#put(0xcb, 8, (at) => this.#view.setFloat64(at, value));
  }

  /** A length: within one byte up to `small`, else behind the byte for 8, 16 or 32 bits. */
  #head(length: number, base: number, small: number, [of8, of16, of32]: [number | undefined, number, number]): void {
    if (length <= small) this.#byte(base | length);
    else if (of8 !== undefined && length <= 0xff) this.#put(of8, 1, (at) => this.#view.setUint8(at, length));
    else if (length <= 0xffff) this.#put(of16, 2, (at) => this.#view.setUint16(at, length));
    else this.#put(of32, 4, (at) => this.#view.setUint32(at, length));
  }

  #put(head: number, size: number, write: (at: number) => void): void {
    this.#byte(head);
    this.#reserve(size);
    write(this.#length);
    this.#length += size;
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

function hasToJson(value: unknown): value is { toJSON(): unknown } {
  return typeof (value as { toJSON?: unknown } | null | undefined)?.toJSON === "function";
}
