// Who is present in a room: snapshots that do not change, and what others see of this client.

import type { Driver } from "./driver.js";
import { TautlineError } from "./errors.js";
import { Listeners } from "./listeners.js";
import type { PresenceChange } from "./session/output.js";

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
  /**
   * Whether `members` are all. Not so where the room is too large for names, though `count` is right, nor where this client may hear
   * who comes and goes and not ask who is there (`members`): both are those that were heard of.
   */
  readonly complete: boolean;
}

/** Who is present in a room. Told while the room is joined, where it has presence and the client may know. */
export interface Presence<P = unknown> {
  /** Who is present now. The last that was known while there is no connection. */
  readonly view: PresenceView<P>;
  /**
   * Has others see this of this client, for as long as the room is not left. It has to be joined. Without a connection it is shown with the
   * next; if that takes too long, this rejects all the same, as `expired`.
   */
  set(state: P): Promise<void>;
  /** Calls back whenever `view` is another one. Returns what ends that. */
  subscribe(onChange: () => void): () => void;
}

/** Keeps who is present in one room. */
export class Present<P> implements Presence<P> {
  /** What others are to see, where that is not what the room was joined with. */
  wanted: P | undefined;
  readonly #driver: Driver;
  readonly #room: string;
  readonly #changed = new Listeners<void>();
  #members = new Map<string, Member<P>>();
  /** Whether all that were there have been told by name. */
  #isComplete = false;
  /** How many there are, where that is more than are known by name. */
  #count: number | undefined;
  #view: PresenceView<P> | undefined;

  constructor(driver: Driver, room: string) {
    this.#driver = driver;
    this.#room = room;
  }

  get view(): PresenceView<P> {
    const { connection } = this.#driver;
    this.#view ??= {
      members: new Map(this.#members),
      me: this.#members.get(connection) ?? null,
      count: this.#count ?? this.#members.size,
      complete: this.#isComplete,
    };
    return this.#view;
  }

  async set(state: P): Promise<void> {
    const payload = { room: this.#room, state };
    const { wanted } = this;
    this.wanted = state;
    try {
      await this.#driver.wait(undefined, (session, now) => session.ask(now, { type: "presence", payload }));
    } catch (error) {
      if (this.wanted === state && !isLate(error)) this.wanted = wanted;
      throw error;
    }
  }

  subscribe(onChange: () => void): () => void {
    return this.#changed.add(onChange);
  }

  /** Takes a change in. */
  change({ all, gone, here, count }: PresenceChange): void {
    if (all) this.#become(all, true);
    if (gone) this.#members.delete(gone);
    if (here) this.#members.set(here.connection, here as Member<P>);
    if (count !== undefined) {
      this.#count = count;
      this.#isComplete = false;
    }
    this.#tell();
  }

  /** Nobody is known any more. */
  clear(): void {
    this.#become([], false);
    this.#tell();
  }

  #become(members: readonly Member[], isComplete: boolean): void {
    this.#members = new Map(members.map((member) => [member.connection, member as Member<P>]));
    this.#count = undefined;
    this.#isComplete = isComplete;
  }

  #tell(): void {
    this.#view = undefined;
    this.#changed.tell(undefined, this.#driver.report);
  }
}

/** Whether only the answer did not come: what was wanted still is. */
function isLate(error: unknown): boolean {
  return error instanceof TautlineError && (error.code === "expired" || error.code === "closed");
}
