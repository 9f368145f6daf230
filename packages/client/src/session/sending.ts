// What goes out on the connection, and how fast.

import { TautlineError } from "../errors.js";
import type { ClientMessage } from "../wire.js";
import type { Machine } from "./machine.js";
import type { Membership } from "./membership.js";
import type { Frame } from "./output.js";
import { wanted } from "./rooms.js";
import type { RateKind } from "./terms.js";

/** While so many bytes wait to be written, nothing more is added that can wait. */
export const BACKLOG_MAX: number = 64 * 1024;

/** How many bytes a message takes. */
export function measure(frame: Frame): number {
  return typeof frame === "string" ? new TextEncoder().encode(frame).length : frame.length;
}

/** Says something on the present connection, at once. */
export function say(machine: Machine, message: ClientMessage): void {
  send(machine, machine.settings.encoding.encode(message));
}

function send({ live, outputs }: Machine, frame: Frame): void {
  if (!live) return;
  live.backlog += frame.length;
  outputs.push({ kind: "send", line: live.line, frame });
}

/** Everything that waits and may leave now. Casts come last: of them, the newest is worth most. */
export function sendWhatMayLeave(machine: Machine, now: number): void {
  const { rooms, calls, publications, casts } = machine;
  if (!machine.live) return;
  const each = <T>(kind: RateKind, next: () => T | undefined, send: (waiting: T) => void) => {
    for (let one = next(); one !== undefined && may(machine, now, kind); one = next()) send(one);
  };
  for (const payload of rooms.takeAcks()) say(machine, { type: "ack", payload });
  each(
    "join",
    () => rooms.leaving.values().next().value,
    (room) => {
      rooms.leaving.delete(room);
      say(machine, { type: "leave", payload: { room } });
    },
  );
  each(
    "join",
    () => rooms.nextJoin(now),
    ([room, membership]) => join(machine, room, membership),
  );
  each(
    "request",
    () => calls.unwanted[0],
    (requestId) => {
      calls.unwanted.shift();
      say(machine, { type: "cancel", payload: {}, requestId });
    },
  );
  each(
    "request",
    () => calls.next(),
    (call) => {
      const error = tooLarge(machine, call.frame);
      if (error) return void calls.settle(call, error);
      call.isInFlight = true;
      send(machine, call.frame);
    },
  );
  each(
    "publish",
    () => publications.next(now),
    (next) => {
      const error = tooLarge(machine, next.frame);
      if (error) return void publications.fail(next, error.code, error.message);
      publications.sent(next, now);
      send(machine, next.frame);
    },
  );
  each(
    "publish",
    () => casts[0]?.frame,
    (frame) => {
      casts.shift();
      if (!tooLarge(machine, frame)) send(machine, frame);
    },
  );
}

/** Asks to be let into a room. */
function join(machine: Machine, room: string, membership: Membership): void {
  const { last } = membership;
  membership.stage = "asked";
  membership.asked = ++machine.number;
  const payload = { ...wanted(room, membership), ...(last !== undefined && { last }) };
  say(machine, { type: "join", payload, requestId: membership.asked });
}

/** Why this may not be sent: the server would end the connection. */
export function tooLarge({ terms: { messageBytes } }: Machine, frame: Frame): TautlineError | undefined {
  // No character takes more than three bytes.
  if (frame.length * 3 <= messageBytes || measure(frame) <= messageBytes) return undefined;
  return new TautlineError("too_large", "it is larger than the server takes (welcome.limits.messageBytes)");
}

/** Takes one of what the server allows of this kind, if there is one left and room to write it. */
function may({ live, terms }: Machine, now: number, kind: RateKind): boolean {
  return live !== undefined && live.backlog < BACKLOG_MAX && live.allowance[kind].take(now, terms.rates[kind]);
}

/** When something that waits may leave. What waits for room to be written hears of that from the driver. */
export function sendingAt({ live, terms, rooms, calls, publications, casts }: Machine, now: number): number {
  if (!live || live.backlog >= BACKLOG_MAX) return Infinity;
  const allowed = (waits: unknown, kind: RateKind) =>
    waits ? now + live.allowance[kind].wait(now, terms.rates[kind]) : Infinity;
  return Math.min(
    allowed(rooms.leaving.size || rooms.nextJoin(now), "join"),
    allowed(calls.next() ?? calls.unwanted[0], "request"),
    allowed(casts.length || publications.next(now), "publish"),
    publications.nextDeferred(now),
    rooms.nextTimeout(now),
  );
}
