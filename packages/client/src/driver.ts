// Runs a session: the clock, the sockets, the one timer, and who waits for what.

import { aborted, onAbort } from "./abort.js";
import { json } from "./encoding.js";
import { type Env, type LifecycleSign, surroundings } from "./env.js";
import { TautlineError } from "./errors.js";
import { Listeners } from "./listeners.js";
import type { ClientOptions, TokenReason } from "./options.js";
import type { Output, RoomEvent } from "./session/output.js";
import { BACKLOG_MAX } from "./session/sending.js";
import { Session } from "./session/session.js";
import { QUEUE, RETRY, TIMEOUTS } from "./session/settings.js";
import { resolve, Sockets } from "./sockets.js";
import type { ConnectionState } from "./state.js";
import type { Report } from "./wire.js";

/** How often the clocks are compared while there is something to keep. */
const CLOCK_LOOK = 5_000;
/** The clock on the wall has gone ahead of the other one by so much: the machine slept. */
const SLEEP_MIN = 1_000;
/** Nothing happened for so long although a timer was due: the machine slept, or the page was frozen. */
const GAP_MIN = 15_000;
/** The same where nobody sees the page: browsers call its timers once a minute. */
const GAP_MIN_HIDDEN = 35_000;
/** How soon it is looked whether what waits to be written has left: no event tells. */
const BACKLOG_LOOK = 50;

/** Runs a session. */
export class Driver {
  readonly env: Env;
  readonly producer: string;
  readonly maxEvents: number;
  /** How the connection stands. */
  state: ConnectionState = { status: "idle" };
  /** The name of the last connection. */
  connection = "";
  readonly changed: Listeners<void> = new Listeners();
  readonly reports: Listeners<Report> = new Listeners();
  readonly errors: Listeners<unknown> = new Listeners();
  /** Takes what happens in a room. */
  deliver: (room: string, event: RoomEvent) => void = () => {};
  /** The client is connected anew. */
  revived: () => void = () => {};
  readonly #options: ClientOptions;
  readonly #session: Session;
  readonly #sockets: Sockets;
  readonly #waiting = new Map<number, (error: TautlineError | undefined, value: unknown) => void>();
  #isPumping = false;
  #stopTimer = () => {};
  #stopListening: (() => void) | undefined;
  #fetching: AbortController | undefined;
  /** The clocks as they were when last looked at, and how long the machine slept in all. */
  #steady = 0;
  #wall = 0;
  #slept = 0;
  #lookedAt = Infinity;

  constructor(options: ClientOptions) {
    const { token, program, encoding = json } = options;
    this.#options = options;
    this.env = { ...surroundings(), ...options.env };
    this.producer = this.env.identity();
    this.maxEvents = options.maxEvents ?? 1_024;
    this.#session = new Session({
      program: program ?? { name: "@tautline/client", version: "0.1.0" },
      producer: this.producer,
      encoding,
      random: this.env.random,
      token: typeof token === "string" ? token : undefined,
      hasProvider: typeof token === "function",
      retry: { ...RETRY, ...options.retry },
      queue: { ...QUEUE, ...options.queue },
      timeouts: { ...TIMEOUTS, ...options.timeouts },
    });
    this.#sockets = new Sockets({
      opened: (line) => this.act((session, now) => session.handleOpen(now, line)),
      received: (line, data) => this.act((session, now) => session.handleMessage(now, line, data)),
      ended: (line, ending) => this.act((session, now) => session.handleEnding(now, line, ending)),
    });
  }

  get pending(): number {
    return this.#session.pending;
  }

  /** Does something with the session, and then whatever it says. */
  act<T>(command: (session: Session, now: number) => T): T {
    try {
      return command(this.#session, this.#look());
    } finally {
      this.#pump();
    }
  }

  /** Connects, or throws where that is not possible. */
  connect(): void {
    if (!this.env.WebSocket) {
      const how = "pass one, such as that of the package ws: createClient({ env: { WebSocket } })";
      throw new TautlineError("no_websocket", `there is no WebSocket here: ${how}`);
    }
    const { url } = this.#options;
    // What can never lead anywhere is said at once, and not tried for ever.
    if (typeof url !== "function") resolve(url);
    if (!this.#session.isClosed) return;
    const { lifecycle } = this.env;
    this.#stopListening = lifecycle?.listen((sign) => this.#hear(sign));
    this.act((session, now) => {
      session.connect(now);
      if (lifecycle) session.handleSigns(now, lifecycle);
      this.revived();
    });
  }

  /** The first thing that needs a connection opens one, unless the application wants to do so itself. */
  connectIfIdle(): void {
    if (this.state.status === "idle" && this.#options.autoConnect !== false) this.connect();
  }

  /** Begins something that is answered later, and waits for it. */
  wait<T>(signal: AbortSignal | undefined, begin: (session: Session, now: number) => number): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) throw aborted();
      this.connectIfIdle();
      this.act((session, now) => {
        const ticket = begin(session, now);
        const forget = onAbort(signal, () => this.act(() => session.giveUp(ticket, aborted())));
        this.#waiting.set(ticket, (error, value) => {
          forget();
          if (error) reject(error);
          else resolve(value as T);
        });
      });
    });
  }

  /** Something went wrong that nobody waits for. */
  readonly report = (error: unknown): void => {
    if (this.errors.size) this.errors.tell(error, console.error);
    else console.error(error);
  };

  /** Does what the session says, in order. What listeners do meanwhile comes behind. */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    let backlog = 0;
    try {
      for (const [line, bytes] of this.#sockets.backlog()) {
        this.#session.handleBacklog(line, bytes);
        backlog = Math.max(backlog, bytes);
      }
      let output: Output | undefined;
      do {
        output = this.#session.poll(this.#now());
        if (output) this.#obey(output);
      } while (output);
    } finally {
      // Whatever a replaced part of the surroundings throws, the next thing that happens goes on with the rest.
      this.#isPumping = false;
      this.#setTimer(backlog);
    }
  }

  #obey(output: Output): void {
    const { WebSocket } = this.env;
    switch (output.kind) {
      case "open":
        if (WebSocket) {
          const protocol = (this.#options.encoding ?? json).protocol;
          this.#sockets.open(WebSocket, output.line, protocol, this.#options.url, output.url);
        }
        return;
      case "send":
        this.#sockets.send(output.line, output.frame);
        return;
      case "close":
        this.#sockets.close(output.line, output.code, output.reason);
        return;
      case "token":
        this.#fetchToken(output.fetch, output.reason);
        return;
      case "state":
        this.state = this.#onTheWall(output.state);
        if (this.state.status === "connected") this.connection = this.state.connection;
        this.changed.tell(undefined, this.report);
        return;
      case "report":
        this.reports.tell(output.report, this.report);
        return;
      case "error":
        this.report(output.error);
        return;
      case "room":
        this.deliver(output.room, output.event);
        return;
      case "settled": {
        const settle = this.#waiting.get(output.ticket);
        this.#waiting.delete(output.ticket);
        settle?.(output.error, output.value);
      }
    }
  }

  #fetchToken(fetch: number, reason: TokenReason): void {
    const { token } = this.#options;
    this.#fetching?.abort();
    this.#fetching = new AbortController();
    const { signal } = this.#fetching;
    const ask = async () => (typeof token === "function" ? token({ reason, signal }) : null);
    ask().then(
      (given) => this.act((session, now) => session.handleToken(now, fetch, given)),
      (error) => this.act((session, now) => session.handleToken(now, fetch, undefined, String(error))),
    );
  }

  #hear(sign: LifecycleSign): void {
    const { lifecycle } = this.env;
    this.act((session, now) => {
      if (lifecycle) session.handleSigns(now, lifecycle);
      if (sign === "suspend") session.handleSuspend(now);
      else if (sign === "restored") session.handleRestore(now);
      else if (sign === "wake") session.handleWake(now, 0);
    });
  }

  /** The time, and a word to the session if it has passed unseen. */
  #look(): number {
    const now = this.#now();
    const gap = now - this.#lookedAt;
    this.#lookedAt = now;
    if (gap >= (this.env.lifecycle?.hidden ? GAP_MIN_HIDDEN : GAP_MIN)) this.#session.handleWake(now, gap);
    return now;
  }

  /** One clock of two: never set back, and not standing still while the machine sleeps. */
  #now(): number {
    const steady = this.env.now();
    const wall = this.env.wall();
    const asleep = wall - this.#wall - (steady - this.#steady);
    if (this.#wall && asleep >= SLEEP_MIN) this.#slept += asleep;
    this.#steady = steady;
    this.#wall = wall;
    return steady + this.#slept;
  }

  #setTimer(backlog: number): void {
    this.#stopTimer();
    let look = backlog >= BACKLOG_MAX ? BACKLOG_LOOK : CLOCK_LOOK;
    if (this.#session.isClosed) {
      look = Infinity;
      this.#lookedAt = Infinity;
      this.#fetching?.abort();
      this.#stopListening?.();
      this.#stopListening = undefined;
    }
    const now = this.#now();
    const after = Math.max(Math.min(this.#session.nextTimeout(now) - now, look), 0);
    if (after === Infinity) return;
    this.#stopTimer = this.env.wake(Math.ceil(after), () => this.act((session, at) => session.handleTimeout(at)));
  }

  #onTheWall(state: ConnectionState): ConnectionState {
    if (!("retryAt" in state) || state.retryAt === null) return state;
    return { ...state, retryAt: Math.round(this.env.wall() + state.retryAt - this.#now()) };
  }
}
