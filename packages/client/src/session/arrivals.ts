// What the server says.

import { refusal } from "../errors.js";
import type { RoomState } from "../state.js";
import type * as wire from "../wire.js";
import { nonsense } from "./ending.js";
import { newLive } from "./line.js";
import { giveUp, loseWhatWaits } from "./lines.js";
import type { Machine } from "./machine.js";
import type { Membership, Tell } from "./membership.js";
import type { PresenceChange, RoomEvent } from "./output.js";
import { between } from "./retry.js";
import type { Greeted } from "./rooms.js";
import { say } from "./sending.js";
import { tellState } from "./state.js";
import { termsOf } from "./terms.js";

/** A room that could not be joined for the moment is asked for again after this, twice that, and so on. */
const REJOIN_PAUSE = 1_000;
/** But after this at the latest. */
const REJOIN_PAUSE_MAX = 30_000;

/** A message came in, on the line that lives or on the attempt. */
export function hear(machine: Machine, now: number, line: number, message: wire.ServerMessage): void {
  if (machine.live?.line === line) hearLive(machine, now, message);
  else if (message.type === "welcome") enter(machine, now, message.payload);
  else if (message.type === "ping") pong(machine, line);
  else if (message.type === "bye" && machine.attempt) machine.attempt.bye = message.payload;
  else giveUp(machine, now, line, nonsense("the server did not begin with welcome"));
}

/** Before its `welcome` a client answers nothing but a `ping`. */
function pong({ outputs, settings }: Machine, line: number): void {
  outputs.push({ kind: "send", line, frame: settings.encoding.encode({ type: "pong", payload: {} }) });
}

/** The server lets the client in: the session lives on this connection from now on. */
function enter(machine: Machine, now: number, welcome: wire.Welcome): void {
  const { attempt, live: old, rooms, settings, credentials } = machine;
  if (attempt?.step !== "greeting") return;
  const { connection, user, rooms: restored = [] } = welcome;
  machine.attempt = undefined;
  if (old) {
    machine.outputs.push({ kind: "close", line: old.line, code: 1000, reason: "moved to another connection" });
    loseWhatWaits(machine, false);
  }
  const lost = rooms.lose();
  machine.live = newLive(attempt.line, connection, user, now);
  machine.retryAt = Infinity;
  machine.report = undefined;
  machine.isSuspended = false;
  machine.terms = termsOf(welcome);
  credentials.accept(now, welcome.tokenTtlMs, settings.random);
  tellState(machine);
  const isWhole = restored.length === attempt.greeted.length;
  if (isWhole) for (const [at, greeted] of attempt.greeted.entries()) restore(machine, now, greeted, restored[at]);
  for (const room of lost) if (rooms.get(room)?.stage === "wanted") tellStatus(machine, room, { status: "joining" });
  if (!isWhole) giveUp(machine, now, attempt.line, nonsense("the welcome is to other rooms than were asked for"));
}

/** What became of a room of `hello`. */
function restore(machine: Machine, now: number, { room, membership, since }: Greeted, restored?: wire.Restored): void {
  const present = machine.rooms.get(room);
  const isThere = present !== undefined && present.stage !== "denied";
  const isWanted = isThere && present === membership;
  if (restored?.type === "error") {
    if (isWanted) notJoined(machine, now, room, membership, restored.payload);
  } else if (restored && isWanted) {
    // Otherwise it is left as it is, and asked for again from where it stands now.
    if (!membership.isElsewhere(since, restored.payload)) joined(machine, now, membership, restored.payload);
  } else if (!isThere) {
    // It was left meanwhile. If it was joined again since, that join begins anew.
    machine.rooms.leaving.add(room);
  }
}

/** What is said on the connection that lives. A later server may say more than is known here. */
function hearLive(machine: Machine, now: number, { type, payload, requestId }: wire.ServerMessage): void {
  const { live, rooms, publications, calls, credentials, settings } = machine;
  const ticket = typeof requestId === "number" ? requestId : 0;
  const answer = (value?: unknown) => void calls.answer(ticket, undefined, value);
  const present = (room: string, change: PresenceChange) =>
    tellMember(machine, room, { kind: "presence", value: change });
  switch (type) {
    case "message":
      return follow(machine, now, payload.room, (room, tell) => room.handleMessage(payload, tell));
    case "gap":
      return follow(machine, now, payload.room, (room, tell) => room.handleGap(payload, tell));
    case "joined": {
      const room = rooms.get(payload.room);
      if (room?.stage === "asked" && room.asked === ticket) joined(machine, now, room, payload);
      return;
    }
    case "published":
      return publications.placed(ticket, payload);
    case "error":
      return failed(machine, now, ticket, payload);
    case "removed": {
      const room = rooms.get(payload.room);
      return room && denied(machine, payload.room, room, payload);
    }
    case "goaway":
      machine.url = payload.url;
      if (live) live.moveAt = now + between(settings.random, 0, payload.windowMs);
      return;
    case "bye":
      if (live) live.bye = payload;
      return;
    case "ping":
      return say(machine, { type: "pong", payload: {} });
    case "expiring":
      return credentials.warn(now);
    case "refreshed":
      return credentials.accept(now, payload.tokenTtlMs, settings.random);
    case "history": {
      const { position, messages, more } = payload;
      return answer({ position, more, messages: messages.map((one) => ({ ...one, epoch: position.epoch })) });
    }
    case "members":
      return answer(payload.members);
    case "presenceSet":
      return answer();
    case "response":
      return answer(payload.data);
    case "cast":
      return tellMember(machine, payload.room, { kind: "cast", value: payload });
    case "memberJoined":
      return present(payload.room, { here: payload.member });
    case "memberChanged":
      return present(payload.room, { here: payload.member, gone: payload.was });
    case "memberLeft":
      return present(payload.room, { gone: payload.member.connection });
    case "memberCount":
      return present(payload.room, { count: payload.count });
  }
}

/** Tells of something that has no place in the room's order. */
function tellMember(machine: Machine, room: string, event: RoomEvent): void {
  if (machine.rooms.get(room)?.stage === "joined") machine.tell(room, event);
}

/** Has a room take something in, and tells what comes of it. */
function follow(machine: Machine, now: number, name: string, take: (room: Membership, tell: Tell) => boolean): void {
  const room = machine.rooms.get(name);
  if (room?.stage !== "joined") return;
  if (!take(room, (event) => machine.tell(name, event))) {
    // What was skipped is asked for, from where this client stands.
    room.want(now + rejoinPause(room));
  }
}

function joined(machine: Machine, now: number, room: Membership, payload: wire.Joined): void {
  room.stage = "joined";
  follow(machine, now, payload.room, (_, tell) => room.handleJoined(payload, tell));
  if (payload.members && room.stage === "joined") {
    machine.tell(payload.room, { kind: "presence", value: { all: payload.members } });
  }
}

function notJoined(machine: Machine, now: number, name: string, room: Membership, failure: wire.Failure): void {
  if (failure.retryable) {
    const pause = rejoinPause(room) || REJOIN_PAUSE;
    room.want(now + Math.max(between(machine.settings.random, pause / 2, pause), failure.retryAfterMs ?? 0));
  } else denied(machine, name, room, failure);
}

function denied(machine: Machine, name: string, room: Membership, why: wire.Removed | wire.Failure): void {
  room.stage = "denied";
  tellStatus(machine, name, { status: "denied", code: why.code, message: why.message });
}

/** Something was not done. What has no number, a cast for one, nobody waits for. */
function failed(machine: Machine, now: number, ticket: number, failure: wire.Failure): void {
  if (!ticket) return void machine.outputs.push({ kind: "error", error: refusal(failure) });
  const { rooms, calls, publications, credentials } = machine;
  const name = rooms.askedWith(ticket);
  const room = name !== undefined && rooms.get(name);
  if (room) notJoined(machine, now, name, room, failure);
  else if (
    !calls.answer(ticket, refusal(failure)) &&
    !publications.refused(now, ticket, failure, failure.retryAfterMs ?? REJOIN_PAUSE)
  ) {
    credentials.refuseRefresh(now, ticket);
  }
}

/** How long a room is left alone after one more failure in a row; not at all after the first. */
function rejoinPause(room: Membership): number {
  const failures = room.failures++;
  return failures && Math.min(REJOIN_PAUSE * 2 ** (failures - 1), REJOIN_PAUSE_MAX);
}

function tellStatus(machine: Machine, room: string, state: RoomState): void {
  machine.tell(room, { kind: "status", value: state });
}
