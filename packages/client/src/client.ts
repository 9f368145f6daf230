// What an application holds: a client of one server.

import type { CallOptions, ClientOptions, CloseOptions, ListenOptions } from "./options.ts";
import type { Room } from "./room.ts";
import type { AnySchema, Method, RequestData, RequestResult, RoomName, RoomOf, Schema } from "./schema.ts";
import type { ConnectionState } from "./state.ts";
import type { Report } from "./wire.ts";

/** What a client tells besides its state. */
export interface ClientEvents {
  /** Something went wrong that nobody waits for: a listener threw, a gap was not dealt with in time. */
  error: unknown;
  /** How the last connection ended, as the server will hear it. */
  report: Report;
}

/**
 * A client of one server. It holds a connection, and opens another one whenever that is lost, until it is closed.
 *
 * It can be made anywhere, also where a page is rendered on a server: nothing is opened before `connect()`, or the first join,
 * publication or request.
 */
export interface Tautline<S extends Schema = AnySchema> {
  /** How the connection stands. Immutable, and the same object until that changes. */
  readonly state: ConnectionState;
  /** How many publications are not acknowledged. */
  readonly pending: number;
  /** Who publishes: `message.producer` of one's own messages. */
  readonly producer: string;

  /** Calls back whenever `state` is another one. Returns what ends that. */
  subscribe(onChange: () => void): () => void;
  /** Hears of something. Returns what ends that. Errors that nobody hears go to the console. */
  on<E extends keyof ClientEvents>(
    event: E,
    heard: (value: ClientEvents[E]) => void,
    options?: ListenOptions,
  ): () => void;

  /**
   * Connects, now and whenever there is no connection, and resolves when there is one. Rejects when the client is closed; the signal
   * only stops waiting.
   */
  connect(options?: { signal?: AbortSignal }): Promise<void>;
  /** Makes the next attempt to connect at once, if one waits; at most one a second. */
  retryNow(): void;
  /** Closes, and resolves when that is done. What is not acknowledged fails. Rooms are to be joined again after the next `connect()`. */
  close(options?: CloseOptions): Promise<void>;

  /** A room of the server; the same object for the same name. Nothing is said to the server before it is joined or published to. */
  room<K extends RoomName<S>>(name: K): Room<RoomOf<S, K>>;
  /** Asks the application's backend. After a lost connection it fails with `unknown`, and is not asked again. */
  request<M extends Method<S>>(method: M, data: RequestData<S, M>, options?: CallOptions): Promise<RequestResult<S, M>>;
}

/** A client of the server at this URL. Nothing is opened before it is needed. */
export function createClient<S extends Schema = AnySchema>(options: ClientOptions): Tautline<S> {
  throw new Error(`not there yet: ${String(options.url)}`);
}
