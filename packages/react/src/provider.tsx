// Which client the components below go by.

import type { Schema, Tautline } from "@tautline/client";
import { createContext, type ReactNode, useContext } from "react";
import type { AppSchema } from "./register.js";

const Client = createContext<unknown>(null);

/** What a provider is given. */
export interface TautlineProviderProps<S extends Schema> {
  /** Made by `createClient`, once: in a module, or in `useState(() => createClient(…))` where a server renders. */
  readonly client: Tautline<S>;
  readonly children?: ReactNode;
}

/** Gives a client to the components below. It neither opens nor closes anything: the first room that is used connects. */
export function TautlineProvider<S extends Schema>({ client, children }: TautlineProviderProps<S>): ReactNode {
  return <Client.Provider value={client}>{children}</Client.Provider>;
}

/** The client that the nearest `TautlineProvider` gives. */
export function useTautline<S extends Schema = AppSchema>(): Tautline<S> {
  const client = useContext(Client);
  if (!client) {
    throw new Error("There is no Tautline client here: render this inside <TautlineProvider client={client}>.");
  }
  return client as Tautline<S>;
}
