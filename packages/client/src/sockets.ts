// The sockets of a client, by the number of their line: opened, listened to, written to, closed.

import type { Socket, SocketConstructor } from "./env.js";
import { TautlineError } from "./errors.js";
import { withoutCode } from "./session/ending.js";
import type { Frame } from "./session/output.js";
import type { Ending } from "./state.js";

/** What is heard of a line. */
export interface SocketEars {
  opened(line: number): void;
  received(line: number, data: string | ArrayBuffer): void;
  ended(line: number, ending: Ending): void;
}

/** Where a server is: text, or whoever knows it. */
export type Address = string | URL | (() => string | URL | Promise<string | URL>);

/** The sockets of a client. */
export class Sockets {
  readonly #ears: SocketEars;
  /** The lines that are wanted; an address may not be known yet. */
  #lines = new Map<number, Socket | undefined>();

  constructor(ears: SocketEars) {
    this.#ears = ears;
  }

  /** Opens one. A server may send its clients elsewhere, but not out of the protection of TLS. */
  open(make: SocketConstructor, line: number, protocol: string, address: Address, elsewhere: string | undefined): void {
    this.#lines.set(line, undefined);
    const dial = (found: string | URL) => {
      if (!this.#lines.has(line)) return;
      const usual = resolve(found);
      const other = elsewhere === undefined ? usual : resolve(elsewhere);
      const url = other.protocol === "wss:" || usual.protocol !== "wss:" ? other : usual;
      this.#listen(line, new make(url.href, [protocol]));
    };
    const fail = (error: unknown) => {
      if (this.#lines.delete(line)) this.#ears.ended(line, withoutCode("unreachable", String(error)));
    };
    // Also what throws at once is told later: whoever asked for the line is still busy.
    Promise.resolve(typeof address === "function" ? undefined : address)
      .then((known) => known ?? (address as () => string)())
      .then(dial)
      .catch(fail);
  }

  send(line: number, frame: Frame): void {
    this.#lines.get(line)?.send(frame);
  }

  /** Ends one. Nothing is heard of it any more. */
  close(line: number, code: number, reason: string): void {
    const socket = this.#lines.get(line);
    this.#lines.delete(line);
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    // A socket that is closed before it is open has an error, which in Node has to be heard.
    socket.onerror = () => {};
    socket.close(code, reason);
  }

  /** How many bytes wait to be written, for each. */
  backlog(): [line: number, bytes: number][] {
    return [...this.#lines].map(([line, socket]) => [line, socket?.bufferedAmount ?? 0]);
  }

  #listen(line: number, socket: Socket): void {
    let isOpen = false;
    this.#lines.set(line, socket);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      isOpen = true;
      this.#ears.opened(line);
    };
    socket.onmessage = ({ data }: { data: string | ArrayBuffer }) => this.#ears.received(line, data);
    socket.onerror = () => {};
    socket.onclose = ({ code, reason }: { code: number; reason: string }) => {
      this.#lines.delete(line);
      const kind = !isOpen ? "unreachable" : code === 1006 ? "lost" : "closed";
      this.#ears.ended(line, { kind, code, reason: String(reason) || (isOpen ? "" : "no connection could be opened") });
    };
  }
}

/** Where an address leads; throws if no server can be there. */
export function resolve(address: string | URL): URL {
  try {
    const url = new URL(address, globalThis.location?.href);
    url.protocol = url.protocol.replace("http", "ws");
    if (url.protocol === "wss:" || url.protocol === "ws:") return url;
  } catch {
    // It is none: the same is said of it.
  }
  throw new TautlineError(
    "bad_url",
    `no server can be at ${address}: an address begins with wss:// or ws://, or is a page's path`,
  );
}
