// What happens in a room: messages with their place, gaps, casts, and pages of the past.

import type { AnyRoom, CastData, CastEvent, MessageData, MessageEvent, RoomSchema } from "./schema.js";

/** A point in a room's order: a publication's place, and its id as proof. */
export interface Position {
  /** One life of the room's order: offsets of different epochs cannot be compared. */
  readonly epoch: string;
  /** Counts from 1, without holes, within an epoch. */
  readonly offset: number;
  /** The publication's id. */
  readonly id: string;
}

/** Something that was published. It is a {@link Position}: keep it, and go on behind it with `since`. */
export interface Message<R extends RoomSchema = AnyRoom, E extends MessageEvent<R> = MessageEvent<R>> extends Position {
  /** The room's name. */
  readonly room: string;
  /** What kind of message it is. */
  readonly event: E;
  /** What it says. */
  readonly data: MessageData<R, E>;
  /** Who published it; absent if the application's backend did. */
  readonly user?: string;
  /** Which client published it; equal to `client.producer` for one's own. */
  readonly producer?: string;
  /** When the server took it, as `toISOString()` writes it. */
  readonly sentAt: string;
}

/** Any message of a room, told apart by its `event`. */
export type AnyMessage<R extends RoomSchema> = { [E in MessageEvent<R>]: Message<R, E> }[MessageEvent<R>];

/** Something that was relayed to who was there: it has no place in the room's order, and is not kept. */
export interface Cast<R extends RoomSchema = AnyRoom, E extends CastEvent<R> = CastEvent<R>> {
  /** The room's name. */
  readonly room: string;
  /** What kind of cast it is. */
  readonly event: E;
  /** What it says. */
  readonly data: CastData<R, E>;
  /** Who sent it; absent if the application's backend did. */
  readonly user?: string;
}

/** Why messages are missing. */
export type GapReason =
  /** The room does not keep them any more. */
  | "evicted"
  /** The room begins anew: nothing of the order before is of use. */
  | "epoch-changed"
  /** They are more than are delivered at once. */
  | "limit"
  /** The connection was too slow. */
  | "slow-consumer"
  /** The application was too slow: more than `maxEvents` waited for it. */
  | "client-overflow";

/** Messages that this client does not get. Load what you show anew; nothing before the gap comes again. */
export interface Gap {
  /** The first missing offset. */
  readonly from: number;
  /** The last missing offset; below `from` if the room begins anew and all of that follows. */
  readonly to: number;
  /** Where the room goes on, in its present epoch. */
  readonly position: Position;
  /** Why they are missing. */
  readonly reason: GapReason;
}

/** What a publication has survived when it is acknowledged. */
export type Level = "memory" | "broker" | "disk";

/** The place that a publication has got. */
export interface PublishAck {
  /** The epoch that the offset counts in. */
  readonly epoch: string;
  /** Its place in the room's order. */
  readonly offset: number;
  /** Its id. */
  readonly id: string;
  /** Whether an earlier publication with the same key already had that place. */
  readonly duplicate: boolean;
  /** What it has survived. */
  readonly level: Level;
}

/** A page of a room's past. */
export interface HistoryPage<R extends RoomSchema = AnyRoom> {
  /** Where the room stands. */
  readonly position: Position;
  /** Oldest first. */
  readonly messages: readonly AnyMessage<R>[];
  /** Whether there is more in that direction. */
  readonly more: boolean;
}

/** Which page: before an offset (the newest of it), after a position (the oldest of it), or the newest. */
export interface HistoryQuery {
  /** The newest messages below this offset. */
  before?: number;
  /** The oldest messages behind this position; a message is one. */
  after?: Position;
  /** How many at most; 50 if nothing is said. */
  limit?: number;
}
