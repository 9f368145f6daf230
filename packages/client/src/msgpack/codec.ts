// Messages as MessagePack, by their layouts: the same code for what a client says and for what a server says.

import type { Fields, Layout, Messages } from "./layout.js";
import { Reader } from "./reader.js";
import { Writer } from "./writer.js";

/** A message of either side. */
export interface Said {
  readonly type: string;
  readonly payload: unknown;
  readonly requestId?: string | number;
}

type Bag = { readonly [name: string]: unknown };

/** One message as bytes. */
export function encode(messages: Messages, message: Said): Uint8Array<ArrayBuffer> {
  const writer = new Writer();
  writer.array(message.requestId === undefined ? 2 : 3);
  writeMessage(writer, messages, message);
  if (message.requestId !== undefined) writer.plain(message.requestId);
  return writer.bytes;
}

/** The message that these bytes are; `undefined` if it is of a type that is not known. */
export function decode(messages: Messages, bytes: ArrayBuffer): Said | undefined {
  const reader = new Reader(bytes);
  const items = reader.value();
  if (!Array.isArray(items) || !reader.isDone || typeof items[0] !== "number") throw new TypeError("it is no message");
  const known = messages[items[0]];
  if (!known) return undefined;
  const [type, layout] = known;
  const message = { type, payload: read(layout, items[1]) };
  return items[2] == null ? message : { ...message, requestId: items[2] };
}

function writeMessage(writer: Writer, messages: Messages, { type, payload }: Said): void {
  const number = messages.findIndex(([name]) => name === type);
  const [, layout] = messages[number] ?? ["", "plain"];
  writer.number(number);
  write(writer, layout, payload);
}

function write(writer: Writer, layout: Layout, value: unknown): void {
  if (value == null) writer.nil();
  else if (layout === "plain") writer.plain(value);
  else if (layout === "data" || layout === "data?") writer.data(value);
  else if (layout === "time") writer.number(Date.parse(value as string));
  else if (layout === "hex" || layout === "uuid") writer.binary(bytesOf(value as string));
  else if ("names" in layout) writer.number(layout.names.indexOf(value as string));
  else if ("list" in layout) {
    const items = value as readonly unknown[];
    writer.array(items.length);
    for (const item of items) write(writer, layout.list, item);
  } else if ("messages" in layout) {
    writer.array(2);
    writeMessage(writer, layout.messages, value as Said);
  } else {
    const bag = value as Bag;
    // Absent fields at the end are left out; data that is `null` is there.
    const isThere = ([name, field]: Fields[number]) => bag[name] != null || field === "data";
    const length = layout.fields.reduce((end, field, at) => (isThere(field) ? at + 1 : end), 0);
    writer.array(length);
    for (const [name, field] of layout.fields.slice(0, length)) write(writer, field, bag[name]);
  }
}

function read(layout: Layout, value: unknown): unknown {
  if (value == null) return typeof layout === "object" && "fields" in layout ? {} : null;
  if (layout === "plain" || layout === "data" || layout === "data?") return value;
  if (layout === "time") return new Date(value as number).toISOString();
  if (layout === "hex" || layout === "uuid") return textOf(value as Uint8Array, layout === "uuid");
  if ("names" in layout) return layout.names[value as number];
  const items = value as readonly unknown[];
  if ("list" in layout) return items.map((item) => read(layout.list, item));
  if ("messages" in layout) {
    const [type, payload] = layout.messages[items[0] as number] ?? [undefined, "plain" as const];
    return { type, payload: read(payload, items[1]) };
  }
  const known = layout.fields.flatMap(([name, field], at): [string, unknown][] => {
    const item = items[at];
    // Data that is `null` is data.
    if (item == null) return field === "data" ? [[name, null]] : [];
    return [[name, read(field, item)]];
  });
  return Object.fromEntries(known);
}

function bytesOf(digits: string): Uint8Array {
  const pairs = digits.replaceAll("-", "").match(/../g) ?? [];
  return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
}

function textOf(bytes: Uint8Array, isUuid: boolean): string {
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return isUuid ? digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-") : digits;
}
