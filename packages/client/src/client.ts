// What an application holds: a client of one server.

import { Driver } from "./driver.js";
import { dataOf } from "./encoding.js";
import { TautlineError } from "./errors.js";
import { type Listeners, until } from "./listeners.js";
import type { CallOptions, ClientOptions, CloseOptions, ListenOptions } from "./options.js";
import { Membered, type Room } from "./room.js";
import type { AnySchema, Method, RequestData, RequestResult, RoomName, RoomOf, Schema, Valid } from "./schema.js";
import type { ConnectionState } from "./state.js";
import type { Report } from "./wire.js";

/** What a room may be called. A server ends the connection of who greets it with another name, and all rooms with it. */
const ROOM_NAME = /^[\w.:/@|~+-]{1,128}$/;
const NO_ROOM_NAME = "a room's name is 1 to 128 of the characters A-Z a-z 0-9 _ - . : / @ | ~ +";

/** What a client tells besides its state. */
export interface ClientEvents {
  /** Something went wrong that nobody waits for: a listener threw, or the promise that it gave failed; a cast was refused. */
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
  /**
   * Closes, and resolves when that is done. What is not acknowledged fails. After the next `connect()`, the rooms that were not
   * left are joined again.
   */
  close(options?: CloseOptions): Promise<void>;

  /**
   * A room of the server; the same object for the same name. Nothing is said to the server before it is joined or published to. What no
   * room can be called throws.
   */
  room<K extends RoomName<S>>(name: K): Room<RoomOf<S, K>>;
  /** Asks the application's backend. After a lost connection it fails with `unknown`, and is not asked again. */
  request<M extends Method<S>>(method: M, data: RequestData<S, M>, options?: CallOptions): Promise<RequestResult<S, M>>;
}

/** A client of the server at this URL. Nothing is opened before it is needed. */
export function createClient<S extends Valid<S> = AnySchema>(options: ClientOptions): Tautline<S> {
  return new Client<S>(options);
}

class Client<S extends Schema> implements Tautline<S> {
  readonly #driver: Driver;
  readonly #rooms = new Map<string, Membered<never>>();

  constructor(options: ClientOptions) {
    this.#driver = new Driver(options);
    this.#driver.deliver = (room, event) => this.#rooms.get(room)?.deliver(event);
    this.#driver.revived = () => {
      for (const room of this.#rooms.values()) room.rejoin();
    };
  }

  get state(): ConnectionState {
    return this.#driver.state;
  }

  get pending(): number {
    return this.#driver.pending;
  }

  get producer(): string {
    return this.#driver.producer;
  }

  subscribe(onChange: () => void): () => void {
    return this.#driver.changed.add(onChange);
  }

  on<E extends keyof ClientEvents>(
    event: E,
    heard: (value: ClientEvents[E]) => void,
    options?: ListenOptions,
  ): () => void {
    const { errors, reports } = this.#driver;
    const listeners = (event === "report" ? reports : errors) as Listeners<ClientEvents[E]>;
    return listeners.add(heard, options?.signal);
  }

  async connect(options?: { signal?: AbortSignal }): Promise<void> {
    const driver = this.#driver;
    driver.connect();
    const isConnected = () => {
      const { state } = driver;
      if (state.status === "closed") throw new TautlineError("closed", `the client is closed: ${state.cause.reason}`);
      return state.status === "connected";
    };
    return until([driver.changed], isConnected, options?.signal);
  }

  retryNow(): void {
    this.#driver.act((session, now) => session.retryNow(now));
  }

  close({ flush, timeout = 5_000 }: CloseOptions = {}): Promise<void> {
    const driver = this.#driver;
    driver.act((session, now) => (flush ? session.drain(now, timeout) : session.close()));
    return until([driver.changed], () => driver.state.status === "closed");
  }

  room<K extends RoomName<S>>(name: K): Room<RoomOf<S, K>> {
    let room = this.#rooms.get(name) as Membered<RoomOf<S, K>> | undefined;
    if (!room) {
      if (!ROOM_NAME.test(name)) throw new TautlineError("bad_request", `${NO_ROOM_NAME}, not ${JSON.stringify(name)}`);
      room = new Membered(this.#driver, name);
      this.#rooms.set(name, room as unknown as Membered<never>);
    }
    return room;
  }

  request<M extends Method<S>>(
    method: M,
    data: RequestData<S, M>,
    options: CallOptions = {},
  ): Promise<RequestResult<S, M>> {
    return this.#driver.wait(options.signal, (session, now) => {
      const question = { type: "request", payload: { method, data: dataOf(data) } } as const;
      return session.ask(now, question, options.timeout);
    });
  }
}
