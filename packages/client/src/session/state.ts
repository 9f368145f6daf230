// What the application sees of the connection.

import type { ConnectionState, Ending } from "../state.js";
import type { Machine } from "./machine.js";

/** Tells the application how the connection stands, if that is another state than the last. */
export function tellState(machine: Machine): void {
  const state = stateOf(machine);
  const text = JSON.stringify(state);
  if (text === machine.told) return;
  machine.told = text;
  machine.outputs.push({ kind: "state", state });
}

function stateOf({ stage, live, ending, failures, retryAt, isOffline, isSuspended }: Machine): ConnectionState {
  const attempt = failures + 1;
  const next = retryAt === Infinity ? null : retryAt;
  const cause: Ending | null = ending ?? null;
  if (stage === "closed" && cause) return { status: "closed", cause };
  if (live) return { status: "connected", connection: live.connection, user: live.user };
  if (stage === "idle") return { status: "idle" };
  if (isSuspended) return { status: "suspended", cause };
  if (isOffline) return { status: "offline", retryAt: next, cause };
  if (!cause) return { status: "connecting", attempt };
  return { status: "reconnecting", attempt, retryAt: next, cause };
}
