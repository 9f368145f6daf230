// How messages are written: an encoding, and JSON, which is the default.

import { TautlineError } from "./errors.js";
import type { ClientMessage, ServerMessage } from "./wire.js";

/** How messages are written on the wire. */
export interface Encoding {
  /** The subprotocol that settles it with the server. */
  readonly protocol: string;
  /** One message of a client: text in JSON, bytes in MessagePack. What is no JSON value throws. */
  encode(message: ClientMessage): string | Uint8Array<ArrayBuffer>;
  /** One message of the server; `undefined` if it is of a type that this client does not know. What is none throws. */
  decode(frame: string | ArrayBuffer): ServerMessage | undefined;
}

/** What is half of a surrogate pair is no character, and is refused by the server wherever it stands. */
const LONE_SURROGATE = /(?<!\\)(?:\\\\)*\\ud[89a-f]/;

/** JSON: one text frame for each message. */
export const json: Encoding = {
  protocol: "tautline.v2.json",
  encode: textOf,
  decode(frame) {
    const message = JSON.parse(frame as string);
    if (typeof message?.type !== "string") throw new TypeError("it has no type");
    return message;
  },
};

/** A value as JSON; throws if it is none. */
export function textOf(value: unknown): string {
  try {
    const text = JSON.stringify(value);
    if (LONE_SURROGATE.test(text)) throw new TypeError("a string has half of a surrogate pair");
    return text;
  } catch (error) {
    throw new TautlineError("invalid_payload", `the data is no JSON: ${error}`);
  }
}

/** Data as it is sent: nothing is `null`; throws if JSON has no word for it. */
export function dataOf(data: unknown): unknown {
  const kind = typeof data;
  if (kind === "function" || kind === "symbol")
    throw new TautlineError("invalid_payload", `the data is no JSON: a ${kind}`);
  return data ?? null;
}
