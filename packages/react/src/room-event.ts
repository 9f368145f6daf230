// What is said in a room, heard by a component.

import type { Message, MessageEvent, Room, RoomSchema } from "@tautline/client";
import { useEffect } from "react";
import { useLatest } from "./latest.js";

/**
 * Hears each message of an event, one call for each, in the room's order, however many come at once. What is called is always what the
 * newest render has passed; a new function is no new subscription. A `null` room is silent.
 */
export function useRoomEvent<R extends RoomSchema, E extends MessageEvent<R>>(
  room: Room<R> | null,
  event: E,
  heard: (message: Message<R, E>) => void,
): void {
  const latest = useLatest(heard);
  useEffect(() => room?.on(event, (message) => latest.current(message)), [room, event, latest]);
}
