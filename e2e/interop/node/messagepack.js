// The messages of v2 in MessagePack: `parse` and `stringify`, to be used like those of JSON.
//
// Everything is written by position. What stands where is in ../messagepack.json, which must come along.
import { readFileSync } from "node:fs";
import { decode, encode } from "@msgpack/msgpack";

const { unions, objects, names } = JSON.parse(readFileSync(new URL("../messagepack.json", import.meta.url)));

const digits = (bytes) => Buffer.from(bytes).toString("hex");
const write = {
  hex: (text) => Buffer.from(text, "hex"),
  uuid: (text) => Buffer.from(text.replaceAll("-", ""), "hex"),
};
const read = {
  hex: digits,
  uuid: (bytes) => digits(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"),
  time: (ms) => new Date(ms).toISOString(),
};
for (const [kind, list] of Object.entries(names)) read[kind] = (number) => list.split(" ")[number];
for (const [kind, fields] of Object.entries(objects)) {
  write[kind] = (value) => writeObject(fieldsOf(fields), value);
  read[kind] = (cells) => readObject(fieldsOf(fields), cells);
}
for (const kind of Object.keys(unions)) read[kind] = (cells) => readUnion(Object.entries(unions[kind]), cells);

function translate(forms, kind, value) {
  if (kind?.endsWith("[]")) return value.map((each) => forms[kind.slice(0, -2)](each));
  return kind ? forms[kind](value) : value;
}

function fieldsOf(text) {
  return text.split(" ").filter(Boolean).map((field) => field.split(":"));
}

/** An absent field is nil, or left out if it is at the end. */
function writeObject(fields, value) {
  const end = fields.findLastIndex(([name]) => value[name] !== undefined) + 1;
  return fields.slice(0, end).map(([name, kind]) => (value[name] == null ? null : translate(write, kind, value[name])));
}

/** Only data may be null. Cells behind the known fields are of later versions. */
function readObject(fields, cells) {
  const there = fields.map(([name, kind], at) => [name, kind, cells[at]])
    .filter(([name, , cell]) => cell != null || (name === "data" && cell === null));
  return Object.fromEntries(there.map(([name, kind, cell]) => [name, cell === null ? null : translate(read, kind, cell)]));
}

function readUnion(types, [number, cells, requestId]) {
  const [type, fields] = types[number];
  return { type, payload: readObject(fieldsOf(fields), cells), ...(requestId !== undefined && { requestId }) };
}

export function stringify({ type, payload, requestId }) {
  const message = [Object.keys(unions.client).indexOf(type), writeObject(fieldsOf(unions.client[type]), payload)];
  return encode(requestId === undefined ? message : [...message, requestId]);
}

export const parse = (frame) => read.server(decode(frame));
