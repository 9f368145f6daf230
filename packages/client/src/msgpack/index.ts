// @tautline/client/msgpack: messages a third shorter, and more for tickers.

import type { Encoding } from "../encoding.js";
import { TautlineError } from "../errors.js";
import type { ServerMessage } from "../wire.js";
import { decode, encode } from "./codec.js";
import { CLIENT, SERVER } from "./layout.js";

/** Messages in MessagePack: `createClient({ url, encoding: messagePack() })`. Data is what JSON can say, as with JSON. */
export function messagePack(): Encoding {
  return {
    protocol: "tautline.v2.msgpack",
    encode(message) {
      try {
        return encode(CLIENT, message);
      } catch (error) {
        throw new TautlineError("invalid_payload", `the data is no JSON: ${error}`);
      }
    },
    decode(frame) {
      if (typeof frame === "string") throw new TypeError("it is text");
      return decode(SERVER, frame) as ServerMessage | undefined;
    },
  };
}
