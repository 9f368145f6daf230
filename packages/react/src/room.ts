// A room that a component is in for as long as it is shown.

import {
  type Joining,
  type PresenceOf,
  type Room,
  type RoomName,
  type RoomOf,
  type RoomSchema,
  type RoomState,
  type RoomStatus,
  type Schema,
  TautlineError,
} from "@tautline/client";
import { useCallback, useEffect } from "react";
import { useLatest } from "./latest.js";
import { useTautline } from "./provider.js";
import type { AppSchema } from "./register.js";
import { useSnapshot } from "./snapshot.js";

/** So long a room is kept after the last component has let go of it: whoever comes back meanwhile costs no traffic. */
const LEAVE_DELAY = 1_000;
const IDLE: RoomState = { status: "idle" };

/** A room as a component has it. */
export interface UseRoomResult<R extends RoomSchema, Held = Room<R>> {
  /** The room, for everything else that it can do; the same object for the same name. */
  readonly room: Held;
  /** How the membership stands. */
  readonly status: RoomStatus;
  /** Why the server does not let this client in, if that is so. */
  readonly denied: Extract<RoomState, { status: "denied" }> | null;
  /** Publishes in the room; the same function for the same room. */
  readonly publish: Room<R>["publish"];
}

/**
 * Is in a room for as long as the component is shown. Any number of components may be in the same one: it is joined once, as the first
 * of them says, and left one second after the last has gone.
 */
export function useRoom<S extends Schema = AppSchema, K extends RoomName<S> = RoomName<S>>(
  name: K,
  joining?: Joining<PresenceOf<RoomOf<S, K>>>,
): UseRoomResult<RoomOf<S, K>>;
/** With `null` for a name, in no room: for what is not known yet. */
export function useRoom<S extends Schema = AppSchema, K extends RoomName<S> = RoomName<S>>(
  name: K | null,
  joining?: Joining<PresenceOf<RoomOf<S, K>>>,
): UseRoomResult<RoomOf<S, K>, Room<RoomOf<S, K>> | null>;
export function useRoom<S extends Schema, K extends RoomName<S>>(
  name: K | null,
  joining?: Joining<PresenceOf<RoomOf<S, K>>>,
): UseRoomResult<RoomOf<S, K>, Room<RoomOf<S, K>> | null> {
  const client = useTautline<S>();
  const room = name === null ? null : client.room(name);
  const latest = useLatest(joining);
  useEffect(() => {
    if (!room) return;
    const leave = room.join(latest.current);
    return () => {
      setTimeout(leave, LEAVE_DELAY);
    };
  }, [room, latest]);

  const state = useSnapshot(room, () => room?.state ?? IDLE, IDLE);
  const publish: Room<RoomOf<S, K>>["publish"] = useCallback(
    (event, data, options) => room?.publish(event, data, options) ?? Promise.reject(noRoom()),
    [room],
  );
  return { room, status: state.status, denied: state.status === "denied" ? state : null, publish };
}

function noRoom(): TautlineError {
  return new TautlineError("not_joined", "There is no room to publish to: useRoom has no name yet.");
}
