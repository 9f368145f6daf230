// One room as a client follows it: where it stands, and what is delivered of what comes.

import type { Position } from "../message.js";
import type { Joining } from "../options.js";
import type * as wire from "../wire.js";
import type { RoomEvent } from "./output.js";

/** The id of the place before the first. */
const NO_ID = "00000000-0000-0000-0000-000000000000";

/** Takes what is to be told of the room. */
export type Tell = (event: RoomEvent) => void;

/** What others are to see, as it was when it was given, and how long it is as JSON. */
export interface Shown {
  readonly state: unknown;
  readonly length: number;
}

/** How far a membership has come: the server is to be asked, was asked, has let the client in, or refuses it for good. */
export type Stage = "wanted" | "asked" | "joined" | "denied";

/** A room that the application wants to be in. What it takes in answers whether it is whole: false where the server has skipped something. */
export class Membership {
  /** Tells this membership from an earlier one of the same room. */
  readonly number: number;
  stage: Stage = "wanted";
  /** The server is asked no sooner. */
  notBefore = 0;
  /** The number that the server was asked with. */
  asked = 0;
  /** The last that was delivered, or where the application or the room says that it begins. */
  position: Position | undefined;
  /** What others see, or are to see from the join on. */
  presence: Shown | undefined;
  /** How often in a row the server could not let the client in. */
  failures = 0;
  /** How many of the newest are wanted at the first join. */
  readonly #last: number | undefined;
  /** The room asks for acknowledgements. */
  #wantsAcks = false;
  /** The application has handled everything up to this offset of the present epoch. */
  #handled: number;
  /** This connection was sent everything up to this offset. */
  #given = 0;
  /** And the server has heard on it that everything up to this offset is handled. */
  #noted = 0;

  constructor(number: number, { since, last }: Joining, presence: Shown | undefined, handled: number) {
    this.number = number;
    this.position = since && place(since.epoch, since.offset, since.id);
    this.presence = presence;
    this.#last = last;
    this.#handled = handled;
  }

  /** How many of the newest are asked for: only while nothing is known of the room. */
  get last(): number | undefined {
    return this.position ? undefined : this.#last;
  }

  /** The server is to be asked, no sooner than then. */
  want(notBefore: number): void {
    this.stage = "wanted";
    this.notBefore = notBefore;
  }

  /**
   * Whether the room has moved on from `since` into another order than the one that an answer to it speaks of. Neither of them is
   * known to be the later one, so that the answer is of no use.
   */
  isElsewhere(since: Position | undefined, { position, gap }: wire.Joined): boolean {
    const stands = this.position;
    if (stands === since) return false;
    return stands?.epoch !== position.epoch || gap?.reason === "epoch-changed";
  }

  /** The server has let the client in. What is to be told comes in the order in which it happened. */
  handleJoined(joined: wire.Joined, tell: Tell): boolean {
    const { position, messages, gap, recovered } = joined;
    const { epoch } = position;
    const first = messages[0];
    this.stage = "joined";
    this.#wantsAcks = joined.ack != null;
    if (gap) {
      // Where it goes on: at the first page's first message, or where the client is said to stand.
      if (!this.#skip(gap, first ? place(epoch, gap.to) : position, tell)) return false;
    } else if (this.position?.epoch !== epoch) {
      // Another order, and not a word of it.
      if (this.position) return false;
      this.position = first ? place(epoch, first.offset - 1) : position;
    }
    for (const message of messages) if (!this.handleMessage(message, tell)) return false;
    if (!this.position || this.position.offset < position.offset) return false;
    this.failures = 0;
    const value = { status: "live", position: this.position, recovered, wantsAcks: this.#wantsAcks } as const;
    tell({ kind: "status", value });
    return true;
  }

  /** The server says that publications are missing. */
  handleGap(gap: wire.Gap, tell: Tell): boolean {
    return this.#skip(gap, gap.position, tell);
  }

  /** A message came. What was delivered before is not delivered again. */
  handleMessage(message: wire.Message, tell: Tell): boolean {
    const { offset, id } = message;
    const stands = this.position;
    if (!stands) return false;
    if (offset <= stands.offset) {
      // Sent again because an acknowledgement was late or lost: the server hears of it once more.
      this.#given = Math.max(this.#given, offset);
      this.#noted = Math.min(this.#noted, offset - 1);
      return true;
    }
    if (offset - 1 !== stands.offset) return false;
    this.#given = offset;
    this.position = place(stands.epoch, offset, id);
    tell({ kind: "message", value: { ...message, epoch: stands.epoch } });
    return true;
  }

  /** The application has handled everything up to there. */
  acknowledge({ epoch, offset }: Position): void {
    const stands = this.position;
    if (stands?.epoch === epoch && offset <= stands.offset) this.#handled = Math.max(this.#handled, offset);
  }

  /** What the server is to be told of, once: it takes no notice of what it has not sent on this connection. */
  takeAck(): { epoch: string; offset: number } | undefined {
    const offset = Math.min(this.#handled, this.#given);
    if (this.stage !== "joined" || !this.#wantsAcks || offset <= this.#noted || !this.position) return undefined;
    this.#noted = offset;
    return { epoch: this.position.epoch, offset };
  }

  /** The connection is lost. True if the membership was. */
  lose(): boolean {
    this.#given = this.#noted = 0;
    const isLost = this.stage === "asked" || this.stage === "joined";
    if (isLost) this.want(0);
    return isLost;
  }

  /** Tells of what is missing, but for what came another way: over the connection before this one. */
  #skip({ from, to, reason }: wire.Missing, position: Position, tell: Tell): boolean {
    const isSameOrder = reason !== "epoch-changed" && this.position?.epoch === position.epoch;
    const next = isSameOrder && this.position ? this.position.offset + 1 : from;
    if (from > next) return false;
    if (isSameOrder && next > to) return true;
    if (!isSameOrder) this.#handled = this.#given = this.#noted = 0;
    this.position = position;
    tell({ kind: "gap", value: { from: next, to, position, reason } });
    return true;
  }
}

/** A position alone, whatever else was there. */
function place(epoch: string, offset: number, id: string = NO_ID): Position {
  return { epoch, offset, id };
}
