// A room of the server, as an application holds it.

import type { AnyMessage, Cast, Gap, HistoryPage, HistoryQuery, Message, Position, PublishAck } from "./message.ts";
import type { CallOptions, CastOptions, Joining, ListenOptions, PublishOptions } from "./options.ts";
import type { Member, Presence } from "./presence.ts";
import type { AnyRoom, CastData, CastEvent, MessageData, MessageEvent, PresenceOf, RoomSchema } from "./schema.ts";
import type { RoomState } from "./state.ts";

/**
 * A room of the server. `client.room(name)` gives the same object for the same name, always.
 *
 * Each message is told once and in order, or a gap is told in its place, to everybody who listens. An `onGap` that returns a
 * promise holds the room: what follows waits until it settles, so that a refetched snapshot and live messages never
 * interleave.
 */
export interface Room<R extends RoomSchema = AnyRoom> {
  /** The room's name. */
  readonly name: string;
  /** How the membership stands. Immutable, and the same object until that changes. */
  readonly state: RoomState;
  /** Who is present. */
  readonly presence: Presence<PresenceOf<R>>;

  /** Calls back whenever `state` is another one. Returns what ends that. */
  subscribe(onChange: () => void): () => void;
  /**
   * Becomes a member, and stays one across lost connections. Joins are counted: the room is left when everything that was returned
   * was called, each once. What the first join says holds for the others.
   */
  join(joining?: Joining<PresenceOf<R>>): () => void;
  /** Resolves when the room is live; rejects when it is denied, or the client is closed. It does not join. */
  joined(options?: CallOptions): Promise<void>;

  /** Hears the messages of one event. Returns what ends that. */
  on<E extends MessageEvent<R>>(event: E, heard: (message: Message<R, E>) => void, options?: ListenOptions): () => void;
  /** Hears all messages. */
  onMessage(heard: (message: AnyMessage<R>) => void, options?: ListenOptions): () => void;
  /** Hears the casts of one event. */
  onCast<E extends CastEvent<R>>(event: E, heard: (cast: Cast<R, E>) => void, options?: ListenOptions): () => void;
  /**
   * Hears of gaps. While a promise that it returns is pending, the room's messages wait, for 10 s at most and up to
   * `maxEvents` of them.
   */
  onGap(heard: (gap: Gap) => void | Promise<void>, options?: ListenOptions): () => void;
  /** Hears how the membership stands, in order with the messages. */
  onStatus(heard: (state: RoomState) => void, options?: ListenOptions): () => void;
  /**
   * All messages from now on. Ends when the room is left or the signal fires; throws `overflow` to whoever falls more than
   * `maxEvents` behind.
   */
  messages(options?: ListenOptions): AsyncIterableIterator<AnyMessage<R>>;

  /**
   * Publishes, behind all others of this client, and resolves when the server has acknowledged it. Across lost connections it
   * is sent again, and published once. Rejects with a `TautlineError` whose `outcome` says what is known.
   */
  publish<E extends MessageEvent<R>>(event: E, data: MessageData<R, E>, options?: PublishOptions): Promise<PublishAck>;
  /** Relays to who is there now: not stored, not answered, not kept for a connection. False if there is none. */
  cast<E extends CastEvent<R>>(event: E, data: CastData<R, E>, options?: CastOptions): boolean;
  /** In a room that asks for it: everything up to this message is handled, and is not sent again. */
  acknowledge(position: Position): void;
  /** Reads a page of the room's past. */
  history(query?: HistoryQuery & CallOptions): Promise<HistoryPage<R>>;
  /** Asks who is present. */
  members(options?: CallOptions): Promise<readonly Member<PresenceOf<R>>[]>;
}
