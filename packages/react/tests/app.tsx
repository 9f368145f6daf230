// An application as the tests show it: a component for each room that is wanted, and a badge.

import type { Room, Tautline } from "@tautline/client";
import {
  ConnectionBadge,
  TautlineProvider,
  useConnectionState,
  usePresence,
  useRoom,
  useRoomEvent,
} from "@tautline/react";
import { type ReactNode, StrictMode, useInsertionEffect, useState } from "react";

/** What is said in the rooms of the tests. */
export interface Said {
  rooms: { [room: `room:${string}`]: Talk };
  requests: { echo: { data: number; result: number } };
}
interface Talk {
  messages: { count: number };
  presence: { mood: string };
}

declare module "@tautline/react" {
  interface Register {
    schema: Said;
  }
}

/** What is shown: a component for each room, in its place. */
export interface Wanted {
  readonly rooms: readonly (`room:${string}` | null)[];
}

/** What was heard. */
export interface Heard {
  readonly place: number;
  readonly data: number;
  /** Whether what heard it was passed by the render that is on the screen. */
  readonly isLatest: boolean;
}

export interface AppProps {
  readonly client: Tautline<Said>;
  readonly wanted: Wanted;
  onHeard(heard: Heard): void;
}

export function App({ client, wanted, onHeard }: AppProps): ReactNode {
  return (
    <StrictMode>
      <TautlineProvider client={client}>
        <Connection />
        <ConnectionBadge className="badge" />
        {wanted.rooms.map((name, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a component is known by its place
          <Seat key={place} place={place} name={name} onHeard={onHeard} />
        ))}
      </TautlineProvider>
    </StrictMode>
  );
}

function Connection() {
  const status = useConnectionState((state) => state.status);
  return <p id="connection">{status}</p>;
}

interface SeatProps {
  readonly place: number;
  readonly name: `room:${string}` | null;
  onHeard(heard: Heard): void;
}

function Seat({ place, name, onHeard }: SeatProps) {
  const { room, status, denied } = useRoom(name, { presence: { mood: `mood ${place}` } });
  const [counted, setCounted] = useState<readonly number[]>([]);
  const [screen] = useState({ rendered: 0, shown: 0 });
  const render = ++screen.rendered;
  useInsertionEffect(() => {
    screen.shown = render;
  });
  useRoomEvent(room, "count", ({ data }) => {
    onHeard({ place, data, isLatest: render === screen.shown });
    setCounted((before) => [...before, data]);
  });
  return (
    <section id={`place-${place}`}>
      <p className="status">{denied ? `${status}: ${denied.code}` : status}</p>
      <p className="counted">{counted.join(" ")}</p>
      <Present room={room} />
    </section>
  );
}

function Present({ room }: { readonly room: Room<Talk> | null }) {
  const moods = usePresence(room, (view) => [...view.members.values()].map(({ state }) => state?.mood).sort());
  return <p className="present">{moods.join(", ")}</p>;
}
