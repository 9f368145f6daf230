// What a client's driver is told to do, and what its application is told.

import type { TautlineError } from "../errors.js";
import type { Cast, Gap, Message } from "../message.js";
import type { TokenReason } from "../options.js";
import type { Member } from "../presence.js";
import type { ConnectionState, RoomState } from "../state.js";
import type { Report } from "../wire.js";

/** One message as it is written. */
export type Frame = string | Uint8Array<ArrayBuffer>;

/** What is to be done next. */
export type Output =
  /** Open a connection, and report it with `handleOpen` or `handleEnding`. */
  | { readonly kind: "open"; readonly line: number; readonly url: string | undefined }
  /** Send one message. */
  | { readonly kind: "send"; readonly line: number; readonly frame: Frame }
  /** End a connection or give up an attempt. Nothing is heard of it any more. */
  | { readonly kind: "close"; readonly line: number; readonly code: number; readonly reason: string }
  /** Ask the application for a token, and hand it in with `handleToken`. */
  | { readonly kind: "token"; readonly fetch: number; readonly reason: TokenReason }
  /** The connection is in another state; its times are the machine's. */
  | { readonly kind: "state"; readonly state: ConnectionState }
  /** How the connection before ended. */
  | { readonly kind: "report"; readonly report: Report }
  /** The server refuses something that nobody waits for. */
  | { readonly kind: "error"; readonly error: TautlineError }
  /** Something happened in a room. */
  | { readonly kind: "room"; readonly room: string; readonly event: RoomEvent }
  /** What became of a publication or a question. */
  | Settled;

/** What became of a publication or a question: `value`, or why not. */
export interface Settled {
  readonly kind: "settled";
  readonly ticket: number;
  readonly value?: unknown;
  readonly error?: TautlineError;
}

/** What an application hears of a room, in the room's order. */
export type RoomEvent =
  /** Something was published. Comes once, and what follows it is the next or a gap. */
  | { readonly kind: "message"; readonly value: Message }
  /** Publications are missing here. */
  | { readonly kind: "gap"; readonly value: Gap }
  /** The membership is another; `idle` is the last word of it. */
  | { readonly kind: "status"; readonly value: RoomState }
  /** Something was relayed. */
  | { readonly kind: "cast"; readonly value: Cast }
  /** Somebody came, went or changed. */
  | { readonly kind: "presence"; readonly value: PresenceChange };

/** A change of who is present. */
export interface PresenceChange {
  /** All who are present. */
  readonly all?: readonly Member[];
  /** The connection of a member that went, or has another one now. */
  readonly gone?: string | undefined;
  /** A member that came, or is another one. */
  readonly here?: Member;
  /** The room is too large for names: so many are present. */
  readonly count?: number;
}

/** Says what became of a publication or a question. */
export type Settle = (ticket: number, error?: TautlineError, value?: unknown) => void;
