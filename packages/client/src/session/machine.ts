// What a session knows, all in one place: the files beside this one read and change it, each for one matter.

import type { TautlineError } from "../errors.js";
import type { Ending } from "../state.js";
import type { Report } from "../wire.js";
import { Calls } from "./calls.js";
import type { Casting } from "./casts.js";
import { Credentials } from "./credentials.js";
import type { Attempt, Live } from "./line.js";
import type { Output, RoomEvent } from "./output.js";
import { Publications } from "./publications.js";
import { Rooms } from "./rooms.js";
import type { Settings } from "./settings.js";
import { TERMS, type Terms } from "./terms.js";

/** What a session knows. Times are milliseconds of the driver's clock; `Infinity` is never. */
export class Machine {
  readonly settings: Settings;
  readonly outputs: Output[] = [];
  /** What the application wants: nothing yet, a connection, to close when everything is published, nothing any more. */
  stage: "idle" | "open" | "draining" | "closed" = "idle";
  drainUntil: number = Infinity;
  /** The last number that was given to anything, and to a line. */
  number = 0;
  lastLine = 0;
  live: Live | undefined;
  attempt: Attempt | undefined;
  retryAt: number = Infinity;
  /** The server wants no attempt before this, whatever the browser says. */
  notBefore = 0;
  /** Where to connect, if not at the usual place. */
  url: string | undefined;
  /** How many attempts failed in a row, and how many endings in a row were of the kind that comes again. */
  failures = 0;
  strikes = 0;
  /** How the last connection, or attempt, ended. */
  ending: Ending | undefined;
  /** How the last connection that was welcomed ended. */
  report: Report | undefined;
  /** The state that the application was told last, as text. */
  told = '{"status":"idle"}';
  /** When somebody last had the next attempt made at once. */
  hurriedAt: number = -Infinity;
  /** The browser says that there is no network, that nobody sees the page, that the page is put away. */
  isOffline = false;
  isHidden = false;
  isSuspended = false;
  terms: Terms = TERMS;
  readonly credentials: Credentials;
  readonly rooms: Rooms = new Rooms();
  readonly publications: Publications;
  readonly calls: Calls;
  readonly casts: Casting[] = [];

  constructor(settings: Settings) {
    const settle = (ticket: number, error?: TautlineError, value?: unknown) => {
      this.outputs.push({ kind: "settled", ticket, ...(error ? { error } : { value }) });
    };
    this.settings = settings;
    this.credentials = new Credentials(settings.token, settings.hasProvider);
    this.publications = new Publications(settings.queue, settle);
    this.calls = new Calls(settle);
  }

  get isRunning(): boolean {
    return this.stage === "open" || this.stage === "draining";
  }

  liveOn(line: number): Live | undefined {
    return this.live?.line === line ? this.live : undefined;
  }

  attemptOn(line: number): Attempt | undefined {
    return this.attempt?.line === line ? this.attempt : undefined;
  }

  tell(room: string, event: RoomEvent): void {
    this.outputs.push({ kind: "room", room, event });
  }

  /** When the connection is dead, if nothing is heard of it until then. */
  silentAt(live: Live): number {
    return Math.min(live.heardAt + this.givenUpAfter, live.probedUntil);
  }

  /** The server has given up whoever slept for so long. */
  get givenUpAfter(): number {
    return this.terms.pingEvery + this.settings.timeouts.silence;
  }
}
