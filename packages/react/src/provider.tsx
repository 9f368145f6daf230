// Which client the components below go by.

import type { Schema, Tautline } from "@tautline/client";
import { createContext, type ReactNode, useContext } from "react";
import type { AppClient, AppSchema } from "./register.js";

const Client = createContext<unknown>(null);

/** What a provider is given. */
export interface TautlineProviderProps {
  /** Made by `createClient`, once: in a module, or in `useState(() => createClient(…))` where a server renders. */
  readonly client: AppClient;
  readonly children?: ReactNode;
}

/** Gives a client to the components below. It neither opens nor closes anything: the first room that is used connects. */
export function TautlineProvider({ client, children }: TautlineProviderProps): ReactNode {
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
