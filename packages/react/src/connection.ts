// How the connection stands, in a component.

import type { ConnectionState } from "@tautline/client";
import { useTautline } from "./provider.js";
import { useSnapshot } from "./snapshot.js";

const IDLE: ConnectionState = { status: "idle" };

/** How the connection stands. What a server renders is `idle`. */
export function useConnectionState(): ConnectionState;
/** What is selected of that: the component renders again when it is another. */
export function useConnectionState<T>(select: (state: ConnectionState) => T): T;
export function useConnectionState<T>(select?: (state: ConnectionState) => T): ConnectionState | T {
  const client = useTautline();
  return useSnapshot<ConnectionState, ConnectionState | T>(client, () => client.state, IDLE, select);
}
