// Connections as the session knows them: the one that it lives on, and the one that it tries.

import type { Bye } from "../wire.js";
import { Bucket } from "./bucket.js";
import type { Greeted } from "./rooms.js";
import type { RateKind } from "./terms.js";

/** An attempt. Each line has a number, a later one a larger number; what is heard of a line that is over is ignored. */
export interface Attempt {
  readonly line: number;
  /** The application is asked for a token, the connection is being opened, or `hello` is said. */
  step: "token" | "dialing" | "greeting";
  /** When this step began, and when it has failed. */
  since: number;
  until: number;
  bye: Bye | undefined;
  /** The rooms that `hello` restores, in its order. */
  greeted: readonly Greeted[];
}

/** The connection that the session lives on. */
export interface Live {
  readonly line: number;
  /** Its name, and who is there. */
  readonly connection: string;
  readonly user: string;
  readonly since: number;
  heardAt: number;
  /** A probe was sent, and something is to be heard until then. */
  probedUntil: number;
  bye: Bye | undefined;
  /** The server goes away: another connection is to be opened then. */
  moveAt: number;
  /** So many bytes wait to be written. */
  backlog: number;
  /** How long the machine slept meanwhile. */
  asleep: number;
  /** The page was put away and came back. */
  isRestored: boolean;
  /** What is used up of the announced rates. */
  readonly allowance: Readonly<Record<RateKind, Bucket>>;
}

export function newLive(line: number, connection: string, user: string, now: number): Live {
  return {
    line,
    connection,
    user,
    since: now,
    heardAt: now,
    probedUntil: Infinity,
    bye: undefined,
    moveAt: Infinity,
    backlog: 0,
    asleep: 0,
    isRestored: false,
    allowance: { publish: new Bucket(), join: new Bucket(), request: new Bucket() },
  };
}
