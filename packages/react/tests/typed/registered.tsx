// What an application that has registered its schema may write, and what is refused. Compiled only.

import { createClient, type Room } from "@tautline/client";
import { TautlineProvider, useConnectionState, usePresence, useRoom, useRoomEvent, useTautline } from "@tautline/react";
import type { ReactNode } from "react";

interface App {
  rooms: {
    lobby: { messages: { chat: { text: string } } };
    [doc: `doc:${string}`]: Doc;
  };
  requests: { rename: { data: { title: string }; result: { version: number } } };
}
interface Doc {
  messages: { edit: { at: number }; comment: string };
  presence: { name: string };
}

declare module "@tautline/react" {
  interface Register {
    schema: App;
  }
}

const client = createClient<App>({ url: "ws://127.0.0.1:8080/ws" });

export function Provided(): ReactNode {
  return (
    <TautlineProvider client={client}>
      <Editor id="7" />
    </TautlineProvider>
  );
}

export function Strange(): ReactNode {
  const other = createClient<{ rooms: { kitchen: { messages: { ready: string } } } }>({ url: "/ws" });
  // @ts-expect-error: a client of another schema
  return <TautlineProvider client={other} />;
}

function Editor({ id }: { readonly id: string | null }) {
  const { room } = useRoom("doc:7", { presence: { name: "ada" } });
  room satisfies Room<Doc>;
  const maybe = useRoom(id === null ? null : `doc:${id}`);
  maybe.room satisfies Room<Doc> | null;
  // @ts-expect-error: there may be none
  maybe.room.name;
  // @ts-expect-error: there is no such room
  useRoom("kitchen");
  // @ts-expect-error: a presence has a name
  useRoom("doc:7", { presence: { mood: "good" } });

  useRoomEvent(room, "edit", ({ data }) => data.at satisfies number);
  useRoomEvent(maybe.room, "comment", ({ data }) => data satisfies string);
  // @ts-expect-error: nothing of that kind is said there
  useRoomEvent(room, "chat", () => {});

  maybe.publish("edit", { at: 1 });
  // @ts-expect-error: an edit has a place
  maybe.publish("edit", "here");

  usePresence(room).me?.state?.name satisfies string | undefined;
  usePresence(maybe.room, (view) => view.count) satisfies number;
  useConnectionState().status satisfies string;
  useConnectionState((state) => state.status === "connected") satisfies boolean;
  useTautline().request("rename", { title: "A" }) satisfies Promise<{ version: number }>;
  // @ts-expect-error: there is no such method
  useTautline().request("erase", {});

  const lobby = useRoom("lobby");
  useRoomEvent(lobby.room, "chat", ({ data }) => data.text satisfies string);
  if (lobby.denied) lobby.denied.message satisfies string;
  return null;
}
