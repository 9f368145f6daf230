// What a room has of its past, for a page that has missed something.

import { type AnyMessage, type Gap, type Room, type RoomSchema, TautlineError } from "@tautline/client";

/** A page is made of so many of a room's newest messages. */
export const PAST = 1_000;
/** So many are read at a time. */
const PAGE = 100;
/** After this long it is tried again. */
const AGAIN_AFTER = 1_000;

/**
 * Reads what a room has up to the end of a gap, oldest first. None of that is told again: what comes behind the gap waits for the
 * promise of `onGap`. It does so for 10 s; if there is no connection for longer, this is late, and has what is older than what was told.
 */
export async function past<R extends RoomSchema>(room: Room<R>, { position }: Gap): Promise<AnyMessage<R>[]> {
  const said: AnyMessage<R>[] = [];
  let before = position.offset + 1;
  while (before > 1 && said.length < PAST) {
    const page = await readBefore(room, before);
    // The room has begun anew meanwhile, and another gap says so.
    if (page.position.epoch !== position.epoch) return [];
    said.unshift(...page.messages);
    before = page.more ? (page.messages[0]?.offset ?? 1) : 1;
  }
  return said;
}

async function readBefore<R extends RoomSchema>(room: Room<R>, before: number): ReturnType<Room<R>["history"]> {
  for (;;) {
    try {
      return await room.history({ before, limit: PAGE });
    } catch (error) {
      if (!(error instanceof TautlineError) || !error.retryable) throw error;
      await new Promise((waited) => setTimeout(waited, AGAIN_AFTER));
    }
  }
}
