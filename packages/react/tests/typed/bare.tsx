// What an application that has registered no schema may write: everything, of data that is yet to be looked at. Compiled only.

import { type AnyRoom, createClient, type Room } from "@tautline/client";
import { TautlineProvider, usePresence, useRoom, useRoomEvent, useTautline } from "@tautline/react";
import type { ReactNode } from "react";

export function Anything({ name }: { readonly name: string }): null {
  const { room, publish } = useRoom(name);
  room satisfies Room<AnyRoom>;
  useRoomEvent(room, "whatever", ({ data }) => {
    data satisfies unknown;
    // @ts-expect-error: it is yet to be looked at
    data.text;
  });
  publish("whatever", { text: "x" });
  usePresence(room).me?.state satisfies unknown;
  useTautline().request("any", 1) satisfies Promise<unknown>;
  return null;
}

interface App {
  rooms: { lobby: { messages: { chat: { text: string } } } };
}

export function Provided(): ReactNode {
  return <TautlineProvider client={createClient<App>({ url: "/ws" })} />;
}

export function Named(): null {
  const { room } = useRoom<App, "lobby">("lobby");
  useRoomEvent(room, "chat", ({ data }) => data.text satisfies string);
  useTautline<App>().room("lobby");
  // @ts-expect-error: there is no such room
  useRoom<App>("kitchen");
  return null;
}
