// How a connection, and a membership of a room, stand: immutable, and the same object until something changes.

import type { ErrorCode } from "./errors.js";
import type { Position } from "./message.js";

/** What ended a connection, or an attempt at one. */
export type EndingKind =
  /** The application ended it. */
  | "requested"
  /** The server closed it with a code. */
  | "closed"
  /** It ended without a word. */
  | "lost"
  /** Nothing was heard of the server for too long. */
  | "silent"
  /** The machine slept, and the server has given the connection up meanwhile. */
  | "asleep"
  /** The browser has put the page away, into the back/forward cache or frozen. */
  | "put-away"
  /** It could not be opened. Browsers do not tell why. */
  | "unreachable"
  /** What came is not what the protocol allows. */
  | "nonsense"
  /** The application gave no token, or not in time. */
  | "no-token"
  /** So many attempts failed as the application allows. */
  | "given-up";

/** How a connection, or an attempt at one, ended. */
export interface Ending {
  /** What happened. */
  readonly kind: EndingKind;
  /** The close code; 1006 where there was none. */
  readonly code: number;
  /** In words, for people. */
  readonly reason: string;
}

/** How the connection stands. */
export type ConnectionState =
  /** Not asked to connect yet. What a server renders. */
  | { readonly status: "idle" }
  /** The first connection is being opened. `attempt` counts from 1. */
  | { readonly status: "connecting"; readonly attempt: number }
  /** There is a connection, and the server has welcomed it. */
  | {
      readonly status: "connected";
      /** Its name. */
      readonly connection: string;
      /** Who the server says is there. */
      readonly user: string;
    }
  /** The connection was lost, or the first attempt has failed, and another one is being opened. */
  | {
      readonly status: "reconnecting";
      /** Which attempt is next or under way, from 1. */
      readonly attempt: number;
      /** When it begins, as `Date.now()` counts; `null` if it has begun. */
      readonly retryAt: number | null;
      /** Why there is none. */
      readonly cause: Ending;
    }
  /** There is no connection, and the browser says that there is no network: attempts are rare until it says otherwise. */
  | { readonly status: "offline"; readonly retryAt: number | null; readonly cause: Ending | null }
  /** The page was put away by the browser; the client goes on when the page does. */
  | { readonly status: "suspended"; readonly cause: Ending | null }
  /** It is over. Only `connect()` begins anew. */
  | { readonly status: "closed"; readonly cause: Ending };

/** The words for how a connection stands. */
export type ConnectionStatus = ConnectionState["status"];

/** How a membership stands. */
export type RoomState =
  /** This client is not in the room and does not want to be. */
  | { readonly status: "idle" }
  /** It is asked for, for the first time or again after the connection was lost. */
  | { readonly status: "joining" }
  /** It holds, and everything that was missed meanwhile has been told. */
  | {
      readonly status: "live";
      /** Where the room stood for this client when it became live. */
      readonly position: Position;
      /** Whether it went on exactly where this client stood. */
      readonly recovered: boolean;
      /** Whether everything handled has to be acknowledged. */
      readonly wantsAcks: boolean;
    }
  /** The server refuses it. Leave and join again to ask anew. */
  | { readonly status: "denied"; readonly code: ErrorCode; readonly message: string };

/** The words for how a membership stands. */
export type RoomStatus = RoomState["status"];
