// Who is in a room, in a component.

import type { Member, PresenceOf, PresenceView, Room, RoomSchema } from "@tautline/client";
import { useSnapshot } from "./snapshot.js";

const NOBODY: PresenceView<never> = { members: new Map<string, Member<never>>(), me: null, count: 0, complete: false };

/** Who is present in a room, as long as it is joined. Nobody, as far as servers and a `null` room know. */
export function usePresence<R extends RoomSchema>(room: Room<R> | null): PresenceView<PresenceOf<R>>;
/** What is selected of that: the component renders again when it is another. */
export function usePresence<R extends RoomSchema, T>(
  room: Room<R> | null,
  select: (view: PresenceView<PresenceOf<R>>) => T,
): T;
export function usePresence<R extends RoomSchema, T>(
  room: Room<R> | null,
  select?: (view: PresenceView<PresenceOf<R>>) => T,
): PresenceView<PresenceOf<R>> | T {
  const presence = room?.presence ?? null;
  const read = () => presence?.view ?? NOBODY;
  return useSnapshot<PresenceView<PresenceOf<R>>, PresenceView<PresenceOf<R>> | T>(presence, read, NOBODY, select);
}
