// The rooms that the application wants to be in.

import { dataOf, textOf } from "../encoding.js";
import { TautlineError } from "../errors.js";
import type { Position } from "../message.js";
import type { Joining } from "../options.js";
import type { Wanted } from "../wire.js";
import { Membership, type Shown } from "./membership.js";

/** `hello` restores so many rooms at most, and up to so many bytes of them, below every server's limit for a message; the others are joined one by one. */
const HELLO_ROOMS_MAX = 128;
const HELLO_BYTES_MAX = 32 * 1024;
/** What a room takes in `hello` besides its name and its state. */
const WANTED_BYTES = 160;
/** A larger presence state is refused by every server, or not even taken. */
const STATE_BYTES_MAX = 2048;

/** A room that a `hello` restores. */
export interface Greeted {
  readonly room: string;
  readonly membership: Membership;
  /** Where it stood then: on the connection before this one it may go on. */
  readonly since: Position | undefined;
}

/** All rooms, by name. */
export class Rooms {
  readonly #rooms = new Map<string, Membership>();
  /** The rooms that the server believes the client to be in, and is to hear that it is not. */
  readonly leaving: Set<string> = new Set();

  /** A join begins anew, whatever was there before. */
  join(number: number, room: string, joining: Joining, handled: number): void {
    const presence = joining.presence === undefined ? undefined : shown(joining.presence);
    this.leaving.delete(room);
    this.#rooms.set(room, new Membership(number, joining, presence, handled));
  }

  /** Forgets a room. Undefined if it was not wanted. */
  leave(room: string): Membership | undefined {
    const left = this.#rooms.get(room);
    this.#rooms.delete(room);
    return left;
  }

  get(room: string): Membership | undefined {
    return this.#rooms.get(room);
  }

  /** The rooms that `hello` restores. */
  greet(): Greeted[] {
    let bytes = 0;
    const greeted: Greeted[] = [];
    for (const [room, membership] of this.#rooms) {
      bytes += WANTED_BYTES + room.length + (membership.presence?.length ?? 0);
      if (greeted.length >= HELLO_ROOMS_MAX || bytes > HELLO_BYTES_MAX) break;
      // How many of the newest are wanted, only a join can say.
      if (membership.stage === "denied" || membership.last !== undefined) continue;
      greeted.push({ room, membership, since: membership.position });
    }
    return greeted;
  }

  /** The next room to be joined one by one. */
  nextJoin(now: number): [string, Membership] | undefined {
    for (const entry of this.#rooms) if (entry[1].stage === "wanted" && entry[1].notBefore <= now) return entry;
    return undefined;
  }

  /** The room that was asked for with this number. */
  askedWith(number: number): string | undefined {
    for (const [room, { stage, asked }] of this.#rooms) if (stage === "asked" && asked === number) return room;
    return undefined;
  }

  /** When the next room may be asked for again. One that may be asked for already waits for something else. */
  nextTimeout(now: number): number {
    let at = Infinity;
    for (const { stage, notBefore } of this.#rooms.values()) {
      if (stage === "wanted" && notBefore > now) at = Math.min(at, notBefore);
    }
    return at;
  }

  /** The acknowledgements that are due. */
  takeAcks(): { room: string; epoch: string; offset: number }[] {
    return [...this.#rooms].flatMap(([room, membership]) => {
      const ack = membership.takeAck();
      return ack ? [{ room, ...ack }] : [];
    });
  }

  /** The connection is lost. The rooms that the client was in, or on its way into. */
  lose(): string[] {
    this.leaving.clear();
    return [...this.#rooms].filter(([, membership]) => membership.lose()).map(([room]) => room);
  }

  /** Nothing more is delivered. */
  end(): string[] {
    this.leaving.clear();
    const rooms = [...this.#rooms.keys()];
    this.#rooms.clear();
    return rooms;
  }
}

/** What `hello` and `join` say of a room. */
export function wanted(room: string, { position, presence }: Membership): Wanted {
  return { room, ...(position && { since: position }), ...(presence && { presence: presence.state }) };
}

/** A presence state as it is now, whatever becomes of the object; throws if it may not be shown. */
export function shown(state: unknown): Shown {
  const json = textOf(dataOf(state));
  if (json.length > STATE_BYTES_MAX) throw new TautlineError("too_large", "a presence state has at most 2 KiB");
  return { state: JSON.parse(json), length: json.length };
}
