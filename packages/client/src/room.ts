// A room of the server, as an application holds it.

import { onAbort } from "./abort.js";
import type { Driver } from "./driver.js";
import { dataOf } from "./encoding.js";
import { TautlineError } from "./errors.js";
import { Listeners, until } from "./listeners.js";
import { GAP_PATIENCE, Mailbox } from "./mailbox.js";
import type { AnyMessage, Cast, Gap, HistoryPage, HistoryQuery, Message, Position, PublishAck } from "./message.js";
import { Messages } from "./messages.js";
import type { CallOptions, CastOptions, Joining, ListenOptions, PublishOptions } from "./options.js";
import { type Member, type Presence, Present } from "./presence.js";
import type { AnyRoom, CastData, CastEvent, MessageData, MessageEvent, PresenceOf, RoomSchema } from "./schema.js";
import type { RoomEvent } from "./session/output.js";
import type { Question } from "./session/session.js";
import type { RoomState } from "./state.js";

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
  /** Resolves when the room is live; rejects when it is denied or left, or the client is closed. It does not join. */
  joined(options?: { signal?: AbortSignal }): Promise<void>;

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
   * All messages from now on, without the gaps between them, which `onGap` tells. Ends when the room is left, the client is closed or the signal fires; throws `overflow` to whoever falls more than
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

/** A room that nobody wants to be in. */
const IDLE: RoomState = { status: "idle" };

/** A room of a client. */
export class Membered<R extends RoomSchema> implements Room<R> {
  readonly name: string;
  readonly presence: Present<PresenceOf<R>>;
  state: RoomState = IDLE;
  readonly #driver: Driver;
  readonly #changed = new Listeners<void>();
  readonly #heard = new Listeners<RoomEvent>();
  readonly #mailbox: Mailbox;
  /** What holds the room: somebody deals with a gap. */
  #hold: { readonly stop: () => void } | undefined;
  #joins = 0;
  #joining: Joining = {};
  /** Where the room stands for the application, and up to where it has handled everything. */
  #position: Position | undefined;
  #handled: Position | undefined;

  constructor(driver: Driver, name: string) {
    this.#driver = driver;
    this.name = name;
    this.presence = new Present(driver, name);
    this.#mailbox = new Mailbox(driver.maxEvents);
  }

  subscribe(onChange: () => void): () => void {
    return this.#changed.add(onChange);
  }

  join(joining: Joining<PresenceOf<R>> = {}): () => void {
    const driver = this.#driver;
    driver.connectIfIdle();
    if (!this.#joins) {
      this.#joining = joining;
      this.#position = this.#handled = joining.since;
      this.presence.wanted = undefined;
      // Who joins while the client is closed is in the room when it is connected again.
      driver.act((session) => session.isTakingIn && session.join(this.name, joining));
    }
    this.#joins++;
    let isLeft = false;
    return () => {
      if (isLeft) return;
      isLeft = true;
      if (--this.#joins === 0) driver.act((session) => session.leave(this.name));
    };
  }

  /** The client is connected anew: whoever has joined and not left is in the room again, behind what was heard. */
  rejoin(): void {
    if (!this.#joins || this.state !== IDLE) return;
    const since = this.#position;
    const handled = this.#handled?.epoch === since?.epoch ? this.#handled?.offset : 0;
    const presence = this.presence.wanted ?? this.#joining.presence;
    const joining = { ...this.#joining, ...(since && { since }), ...(presence !== undefined && { presence }) };
    this.#driver.act((session) => session.join(this.name, joining, handled));
  }

  joined(options: { signal?: AbortSignal } = {}): Promise<void> {
    const driver = this.#driver;
    let wasAsked = false;
    const isLive = () => {
      const { state } = this;
      if (state.status === "denied") throw new TautlineError(state.code, state.message, "refused");
      if (driver.state.status === "closed") throw new TautlineError("closed", "the client is closed");
      if (wasAsked && state === IDLE) throw new TautlineError("aborted", "the room was left");
      wasAsked ||= state !== IDLE;
      return state.status === "live";
    };
    return until([this.#changed, driver.changed], isLive, options.signal);
  }

  on<E extends MessageEvent<R>>(
    event: E,
    heard: (message: Message<R, E>) => void,
    options?: ListenOptions,
  ): () => void {
    return this.#listen("message", heard, options, event);
  }

  onMessage(heard: (message: AnyMessage<R>) => void, options?: ListenOptions): () => void {
    return this.#listen("message", heard, options);
  }

  onCast<E extends CastEvent<R>>(event: E, heard: (cast: Cast<R, E>) => void, options?: ListenOptions): () => void {
    return this.#listen("cast", heard, options, event);
  }

  onGap(heard: (gap: Gap) => void | Promise<void>, options?: ListenOptions): () => void {
    return this.#listen("gap", heard, options);
  }

  onStatus(heard: (state: RoomState) => void, options?: ListenOptions): () => void {
    return this.#listen("status", heard, options);
  }

  messages({ signal }: ListenOptions = {}): AsyncIterableIterator<AnyMessage<R>> {
    const end = () => messages.return();
    const driver = this.#driver;
    const messages = new Messages<AnyMessage<R>>(driver.maxEvents, () => {
      for (const stop of stops) stop();
    });
    const look = () => {
      if (signal?.aborted || driver.state.status === "closed") end();
    };
    const hear = ({ kind, value }: RoomEvent) => {
      if (kind === "message") messages.push(value as AnyMessage<R>);
      else if (value === IDLE) end();
    };
    const stops = [this.#heard.add(hear), driver.changed.add(look), onAbort(signal, look)];
    look();
    return messages;
  }

  publish<E extends MessageEvent<R>>(
    event: E,
    data: MessageData<R, E>,
    options: PublishOptions = {},
  ): Promise<PublishAck> {
    const { key, timeout, signal } = options;
    return this.#driver.wait(signal, (session, now) => {
      const payload = { room: this.name, event, data: dataOf(data), ...(key !== undefined && { key }) };
      return session.publish(now, payload, timeout);
    });
  }

  cast<E extends CastEvent<R>>(event: E, data: CastData<R, E>, options: CastOptions = {}): boolean {
    const word = options.latest ? "latest" : undefined;
    return this.#driver.act((session) => session.cast(this.name, event, dataOf(data), word));
  }

  acknowledge(position: Position): void {
    this.#handled = position;
    this.#driver.act((session) => session.acknowledge(this.name, position));
  }

  history(query: HistoryQuery & CallOptions = {}): Promise<HistoryPage<R>> {
    const { before, after, limit = 50 } = query;
    const payload = {
      room: this.name,
      ...(before !== undefined && { before }),
      ...(after && { after: { epoch: after.epoch, offset: after.offset, id: after.id } }),
      limit,
    };
    return this.#ask({ type: "history", payload }, query);
  }

  members(options: CallOptions = {}): Promise<readonly Member<PresenceOf<R>>[]> {
    return this.#ask({ type: "members", payload: { room: this.name } }, options);
  }

  /** Something happened in the room. */
  deliver(event: RoomEvent): void {
    if (event.kind === "presence") this.presence.change(event.value);
    else if (event.kind === "status" && event.value.status === "idle") {
      // Nothing of the room is told after this, and nothing that waits.
      this.#mailbox.clear();
      this.#hold?.stop();
      this.#hold = undefined;
      this.#dispatch({ kind: "status", value: IDLE });
    } else {
      this.#mailbox.push(event);
      this.#empty();
    }
  }

  #ask<T>(question: Question, { timeout, signal }: CallOptions): Promise<T> {
    return this.#driver.wait(signal, (session, now) => session.ask(now, question, timeout));
  }

  /** Has somebody hear what is of a kind, and of one event if that is said. What is heard is as typed as the schema is right. */
  #listen<T>(
    kind: RoomEvent["kind"],
    heard: (value: T) => unknown,
    options?: ListenOptions,
    event?: string,
  ): () => void {
    const isWanted = (said: RoomEvent) =>
      said.kind === kind && (event === undefined || ("event" in said.value && said.value.event === event));
    return this.#heard.add((said) => (isWanted(said) ? heard(said.value as T) : undefined), options?.signal);
  }

  /** Tells what waits, until something holds the room. */
  #empty(): void {
    while (!this.#hold) {
      const event = this.#mailbox.shift();
      if (!event) return;
      this.#dispatch(event);
    }
  }

  #dispatch(event: RoomEvent): void {
    const { report } = this.#driver;
    const { kind, value } = event;
    if (kind === "message") this.#position = value;
    else if (kind === "gap") this.#position = value.position;
    else if (kind === "status") {
      this.state = value;
      if (value === IDLE) this.presence.clear();
      if (value.status === "live") this.#position = value.position;
      this.#changed.tell(undefined, report);
    }
    const answers = this.#heard.tell(event, report);
    if (kind !== "gap") return;
    const promises = answers.filter((answer) => answer instanceof Promise);
    if (promises.length) this.#wait(promises);
  }

  /** Holds the room until all have dealt with a gap, or have had time enough. */
  #wait(promises: Promise<unknown>[]): void {
    const goOn = () => {
      if (this.#hold !== hold) return;
      hold.stop();
      this.#hold = undefined;
      this.#empty();
    };
    const hold = { stop: this.#driver.env.wake(GAP_PATIENCE, goOn) };
    this.#hold = hold;
    Promise.all(promises).then(goOn);
  }
}
