// How messages are written: an encoding, and JSON, which is the default.

import type { ClientMessage, ServerMessage } from "./wire.ts";

/** How messages are written on the wire. */
export interface Encoding {
  /** The subprotocol that settles it with the server. */
  readonly protocol: string;
  /** One message of a client: text in JSON, bytes in MessagePack. What is no JSON value throws. */
  encode(message: ClientMessage): string | Uint8Array<ArrayBuffer>;
  /** One message of the server; `undefined` if it is of a type that this client does not know. What is none throws. */
  decode(frame: string | ArrayBuffer): ServerMessage | undefined;
}
