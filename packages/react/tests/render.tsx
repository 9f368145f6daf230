// What a server renders of the application.

import { createClient } from "@tautline/client";
import { renderToString } from "react-dom/server";
import { App, type Said, type Wanted } from "./app.js";

/** The application as a server renders it, with a client that cannot open anything. */
export function render(wanted: Wanted): string {
  class WebSocket {
    constructor() {
      throw new Error("a socket was opened where a server renders");
    }
  }
  const client = createClient<Said>({ url: "ws://127.0.0.1:1", env: { WebSocket: WebSocket as never } });
  return renderToString(<App client={client} wanted={wanted} onHeard={() => {}} />);
}
