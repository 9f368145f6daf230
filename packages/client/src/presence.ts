// Who is present in a room: snapshots that do not change, and what others see of this client.

/** One connection that is present in a room. A user with two connections is two members. */
export interface Member<P = unknown> {
  /** The connection's name. */
  readonly connection: string;
  /** Whose it is. */
  readonly user: string;
  /** What the user is called. */
  readonly name: string;
  /** What it shows of itself; absent if nothing. */
  readonly state?: P;
}

/** Who is present at one moment. Immutable, and the same object until somebody comes, goes or changes. */
export interface PresenceView<P = unknown> {
  /** By connection; those of one user stand together when the room is joined. */
  readonly members: ReadonlyMap<string, Member<P>>;
  /** This connection's member, if the room tells of it. */
  readonly me: Member<P> | null;
  /** How many are present. */
  readonly count: number;
  /** False where the room is too large for names: then `members` are some of them, and `count` is right. */
  readonly complete: boolean;
}

/** Who is present in a room. Told while the room is joined, where it has presence and the client may know. */
export interface Presence<P = unknown> {
  /** Who is present now. The last that was known while there is no connection. */
  readonly view: PresenceView<P>;
  /** Has others see this of this client, now and after each reconnect. The room has to be joined. */
  set(state: P): Promise<void>;
  /** Calls back whenever `view` is another one. Returns what ends that. */
  subscribe(onChange: () => void): () => void;
}
