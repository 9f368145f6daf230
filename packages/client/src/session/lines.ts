// Connections: opened, greeted on, lost, and replaced.

import type { Ending, EndingKind } from "../state.js";
import type { Hello, Report } from "../wire.js";
import { isCrash, type Verdict, verdictOf, withoutCode } from "./ending.js";
import type { Attempt, Live } from "./line.js";
import type { Machine } from "./machine.js";
import { delay, type Wait } from "./retry.js";
import { wanted } from "./rooms.js";
import { say } from "./sending.js";
import { tellState } from "./state.js";

/** A connection that has lived so long was a good one: what failed before it is forgotten. */
const STEADY_AFTER = 10_000;
/** So many endings in a row for a reason that comes again are the last. */
const STRIKES_MAX = 3;
/** Attempts that somebody hurries are at least so far apart. */
const HURRY_PAUSE = 1_000;
/** While there seems to be no network, or the page is put away, attempts are so far apart: what a browser says of that may be wrong. */
const PARKED_PAUSE = 30_000;
/** What the server is told of why a connection ends on this side. Of the codes below 3000, a page may say 1000 alone. */
const FAREWELLS: { readonly [K in EndingKind]?: readonly [code: number, reason: string] } = {
  requested: [1000, "closed by the client"],
  silent: [4408, "heartbeat timeout"],
  asleep: [4408, "heartbeat timeout"],
  "put-away": [4000, "the page was put away"],
};

/** Begins an attempt, with a token first where there is none. */
export function tryToConnect(machine: Machine, now: number): void {
  const { credentials, settings } = machine;
  const until = now + settings.timeouts.token;
  machine.retryAt = Infinity;
  machine.attempt = { line: ++machine.lastLine, step: "token", since: now, until, bye: undefined, greeted: [] };
  credentials.isFresh = false;
  if (credentials.areReady(now)) dial(machine, machine.attempt, now);
  else fetchToken(machine, now);
}

export function fetchToken({ credentials, settings, outputs }: Machine, now: number): void {
  const asked = credentials.fetch(now, settings.timeouts.token);
  if (asked) outputs.push({ kind: "token", ...asked });
}

export function dial({ settings, outputs, url }: Machine, attempt: Attempt, now: number): void {
  attempt.step = "dialing";
  attempt.since = now;
  attempt.until = now + settings.timeouts.dial;
  outputs.push({ kind: "open", line: attempt.line, url });
}

/** The next attempt is made then if a later one waits, or as soon as it may after one that was hurried. */
export function hurry(machine: Machine, now: number, at: number): void {
  const soonest = Math.max(at, machine.hurriedAt + HURRY_PAUSE);
  if (machine.retryAt === Infinity || machine.retryAt <= soonest) return;
  machine.retryAt = machine.hurriedAt = soonest;
  if (soonest <= now) tryToConnect(machine, now);
}

/** Greets the server on a connection that is open. */
export function greet(machine: Machine, attempt: Attempt, now: number): void {
  const { settings, credentials, report, failures, rooms, outputs } = machine;
  attempt.step = "greeting";
  attempt.until = now + settings.timeouts.hello;
  attempt.greeted = rooms.greet();
  const payload: Hello = {
    ...(credentials.token !== undefined && { token: credentials.token }),
    client: settings.program,
    producer: settings.producer,
    ...(report && { report: { ...report, attempts: failures } }),
    rooms: attempt.greeted.map(({ room, membership }) => wanted(room, membership)),
  };
  outputs.push({ kind: "send", line: attempt.line, frame: settings.encoding.encode({ type: "hello", payload }) });
}

/** Hands a new token in on the connection that lives. */
export function refresh(machine: Machine, token: string): void {
  const requestId = ++machine.number;
  machine.credentials.renew(token, requestId);
  say(machine, { type: "refresh", payload: { token }, requestId });
}

/** Ends a connection, or an attempt at one, on this side. */
export function giveUp(machine: Machine, now: number, line: number, ending: Ending): void {
  hangUp(machine, line, ending);
  takeLeave(machine, now, line, ending);
}

/** A connection, or an attempt at one, is over. */
export function takeLeave(machine: Machine, now: number, line: number, ending: Ending): void {
  const live = machine.liveOn(line);
  const attempt = machine.attemptOn(line);
  if (live) lose(machine, now, live, ending);
  else if (attempt) fail(machine, now, attempt, ending);
}

/** The connection that the session lived on is over. */
function lose(machine: Machine, now: number, live: Live, ending: Ending): void {
  machine.live = undefined;
  machine.report = reportOf(machine, live, ending, now);
  machine.outputs.push({ kind: "report", report: machine.report });
  machine.credentials.lose();
  if (live.since + STEADY_AFTER <= now) machine.failures = machine.strikes = 0;
  else machine.failures++;
  loseWhatWaits(machine, isCrash(ending));
  for (const room of machine.rooms.lose()) machine.tell(room, { kind: "status", value: { status: "joining" } });
  machine.url = undefined;
  machine.ending = ending;
  const verdict = verdictOf(ending, live.bye);
  // Who is on the way to another connection goes on, unless nobody wants this client any more.
  if (machine.attempt && verdict.kind !== "final") return;
  machine.retryAt = Infinity;
  follow(machine, now, ending, verdict);
}

/** What was on its way on a connection is not any more. */
export function loseWhatWaits({ casts, publications, calls }: Machine, crashed: boolean): void {
  casts.length = 0;
  publications.lose(crashed);
  calls.lose();
}

/** An attempt is over. */
function fail(machine: Machine, now: number, { bye }: Attempt, ending: Ending): void {
  const verdict = verdictOf(ending, bye);
  machine.attempt = undefined;
  if (verdict.kind !== "newToken") machine.failures++;
  if (machine.live) {
    // Nobody else lets us in: we stay for as long as we may.
    if (isWait(verdict)) retry(machine, now, verdict);
    return;
  }
  machine.url = undefined;
  machine.ending = ending;
  follow(machine, now, ending, verdict);
}

/** Does what an ending comes to. */
function follow(machine: Machine, now: number, ending: Ending, verdict: Verdict): void {
  const { credentials } = machine;
  if (isWait(verdict)) retry(machine, now, verdict);
  else if (verdict.kind === "threeTimes" && ++machine.strikes < STRIKES_MAX) {
    retry(machine, now, { kind: "announced" });
  } else if (verdict.kind === "newToken" && !credentials.areHopeless()) {
    credentials.reject();
    retry(machine, now, { kind: "local" });
  } else end(machine, ending);
}

function isWait(verdict: Verdict): verdict is Wait {
  return !["newToken", "threeTimes", "final"].includes(verdict.kind);
}

function retry(machine: Machine, now: number, wait: Wait): void {
  const { settings, terms, failures } = machine;
  const { base, cap, giveUpAfter } = settings.retry;
  if (failures >= giveUpAfter && !machine.live) {
    const last = machine.ending?.reason;
    end(machine, withoutCode("given-up", `as many attempts failed in a row as are allowed; the last: ${last}`));
    return;
  }
  const spread = { base, cap: Math.min(cap, terms.cap), window: terms.firstWindow, random: settings.random };
  const isParked = machine.isOffline || machine.isSuspended;
  machine.notBefore = "after" in wait ? now + wait.after : now;
  machine.retryAt = now + Math.max(delay(failures, wait, spread), isParked ? PARKED_PAUSE : 0);
}

/** Nothing is done any more until the application connects again. */
export function end(machine: Machine, ending: Ending): void {
  if (machine.stage === "closed") return;
  const { live, attempt, rooms, casts, publications, calls, credentials } = machine;
  if (live) hangUp(machine, live.line, ending);
  if (attempt) hangUp(machine, attempt.line, ending);
  machine.live = machine.attempt = machine.url = undefined;
  machine.retryAt = machine.drainUntil = Infinity;
  machine.stage = "closed";
  machine.ending = ending;
  machine.isSuspended = false;
  credentials.forget();
  casts.length = 0;
  tellState(machine);
  publications.end();
  calls.end();
  for (const room of rooms.end()) machine.tell(room, { kind: "status", value: { status: "idle" } });
}

/** Ends a connection on this side. An attempt that still waits for its token has none to end. */
function hangUp(machine: Machine, line: number, { kind }: Ending): void {
  if (machine.attemptOn(line)?.step === "token") return;
  const [code, reason] = FAREWELLS[kind] ?? [4000, "given up"];
  machine.outputs.push({ kind: "close", line, code, reason });
}

/** What the server is told of how the last connection ended. */
function reportOf({ isHidden, isOffline, failures }: Machine, live: Live, { code, kind }: Ending, now: number): Report {
  return {
    code,
    clean: kind === "closed",
    errorFirst: kind === "lost",
    ageMs: Math.round(now - live.since),
    idleMs: Math.round(now - live.heardAt),
    asleepMs: Math.round(live.asleep),
    hidden: isHidden,
    bfcache: live.isRestored,
    offline: isOffline,
    attempts: failures,
  };
}
