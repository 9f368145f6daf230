// What an application says in its rooms, as types: they name rooms, events and requests, and cost nothing when it runs.

/** What is said in one kind of room: the data of each event. */
export interface RoomSchema {
  /** The data of each event that is published: `{ edit: Edit; comment: Comment }`. */
  messages: object;
  /** The data of each event that is cast; the same as `messages` if absent. */
  casts?: object;
  /** What members show others of themselves. */
  presence?: unknown;
}

/**
 * Everything that an application says, by hand or from a validator's types.
 *
 * ```ts
 * interface App {
 *   rooms: { [room: `doc:${string}`]: { messages: { edit: Edit }; casts: { cursor: Point }; presence: { name: string } } };
 *   requests: { rename: { data: { title: string }; result: { version: number } } };
 * }
 * const client = createClient<App>({ url });
 * ```
 */
export interface Schema {
  /** The rooms: each name, or pattern of names, and what is said there. */
  rooms: object;
  /** The methods of the application's backend: `{ method: { data: …; result: … } }`. */
  requests?: object;
}

/** What is asked of one method of the backend, and what it answers. */
export interface RequestSchema {
  data?: unknown;
  result?: unknown;
}

/** What a schema has to be, so that a name that is written wrong is not taken for a room of which nothing is known. */
export type Valid<S extends Schema> = Schema & {
  rooms: { [K in keyof S["rooms"]]: RoomSchema & Nothing<Exclude<keyof S["rooms"][K], keyof RoomSchema>> };
  requests?: { [M in keyof Requests<S>]: RequestSchema & Nothing<Exclude<keyof Requests<S>[M], keyof RequestSchema>> };
};

type Requests<S extends Schema> = NonNullable<S["requests"]>;
type Nothing<Names extends PropertyKey> = { [N in Names]: never };

/** What holds without a schema: every room, every event, data that is yet to be looked at. */
export interface AnySchema {
  rooms: Record<string, AnyRoom>;
  requests: Record<string, { data: unknown; result: unknown }>;
}

/** A room of which nothing is known. */
export interface AnyRoom {
  messages: Record<string, unknown>;
  casts: Record<string, unknown>;
  presence: unknown;
}

/** The names of a schema's rooms. */
export type RoomName<S extends Schema> = keyof S["rooms"] & string;

/** What is said in the room of this name. */
export type RoomOf<S extends Schema, K extends RoomName<S>> = S["rooms"][K] extends RoomSchema
  ? S["rooms"][K]
  : AnyRoom;

/** The names of the events that are published in a room. */
export type MessageEvent<R extends RoomSchema> = keyof R["messages"] & string;

/** The data of an event that is published. */
export type MessageData<R extends RoomSchema, E extends MessageEvent<R>> = R["messages"][E];

/** The casts of a room. */
export type CastsOf<R extends RoomSchema> = R["casts"] extends object ? R["casts"] : R["messages"];

/** The names of the events that are cast in a room. */
export type CastEvent<R extends RoomSchema> = keyof CastsOf<R> & string;

/** The data of an event that is cast. */
export type CastData<R extends RoomSchema, E extends CastEvent<R>> = CastsOf<R>[E];

/** What members of a room show: nothing, where the schema does not say. */
export type PresenceOf<R extends RoomSchema> = R extends { presence: infer P } ? P : never;

/** The methods of the backend. */
export type Method<S extends Schema> = keyof Requests<S> & string;

/** What a method is asked with. */
export type RequestData<S extends Schema, M extends Method<S>> = Requests<S>[M] extends { data: infer D } ? D : unknown;

/** What a method answers. */
export type RequestResult<S extends Schema, M extends Method<S>> = Requests<S>[M] extends {
  result: infer D;
}
  ? D
  : unknown;
