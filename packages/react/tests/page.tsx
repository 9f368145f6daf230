// The page of the tests: what a test calls to show, change and take away the application, and what it has heard.

import { createClient, type Tautline } from "@tautline/client";
import type { ReactNode } from "react";
import { createRoot, hydrateRoot, type Root } from "react-dom/client";
import { App, type Heard, type Said, type Wanted } from "./app.js";

/** What tests reach as `lab`. */
export interface Lab {
  readonly client: Tautline<Said>;
  /** What was heard, in its order. */
  readonly heard: Heard[];
  /** What React found wrong with what the server had rendered. */
  readonly mismatches: string[];
  /** The subscriptions to the room that is watched: how many were ever made, and how many have not ended. */
  readonly subscriptions: { made: number; open: number };
  watch(room: `room:${string}`): void;
  show(wanted: Wanted): void;
  /** Takes over what the server has rendered. */
  hydrate(wanted: Wanted): void;
  takeAway(): void;
  /** Publishes these, as many at once as a client's queue takes, and resolves when all are acknowledged. */
  publish(room: `room:${string}`, counts: readonly number[]): Promise<void>;
}

declare global {
  var lab: Lab;
}

const QUEUE = 256;
const place = document.getElementById("root") as HTMLElement;
const url = new URL(location.href).searchParams.get("server") as string;
const client = createClient<Said>({ url, token: "dev-token" });
let root: Root | undefined;

globalThis.lab = {
  client,
  heard: [],
  mismatches: [],
  subscriptions: { made: 0, open: 0 },
  watch(name) {
    const room = client.room(name);
    for (const source of [room, room.presence]) source.subscribe = counted(source.subscribe.bind(source));
    room.on = counted(room.on.bind(room)) as typeof room.on;
  },
  show(wanted) {
    root ??= createRoot(place);
    root.render(element(wanted));
  },
  hydrate(wanted) {
    const onRecoverableError = (error: unknown) => lab.mismatches.push(String(error));
    root = hydrateRoot(place, element(wanted), { onRecoverableError });
  },
  takeAway() {
    root?.unmount();
    root = undefined;
  },
  async publish(name, counts) {
    const room = client.room(name);
    for (let sent = 0; sent < counts.length; sent += QUEUE) {
      await Promise.all(counts.slice(sent, sent + QUEUE).map((count) => room.publish("count", count)));
    }
  },
};

function element(wanted: Wanted): ReactNode {
  return <App client={client} wanted={wanted} onHeard={(heard) => lab.heard.push(heard)} />;
}

/** The same way to subscribe, counted. */
function counted<A extends unknown[]>(subscribe: (...args: A) => () => void): (...args: A) => () => void {
  return (...args) => {
    const end = subscribe(...args);
    lab.subscriptions.made++;
    lab.subscriptions.open++;
    return () => {
      lab.subscriptions.open--;
      end();
    };
  };
}
