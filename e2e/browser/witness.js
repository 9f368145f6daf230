// A member of a room that is no browser, and no client of ours: it hears who comes and goes, and how the server counts time.

import WebSocket from "ws";
import { within } from "../harness.js";

/** Joins a room, in a name of its own. */
export async function startWitness(server, room) {
  const socket = new WebSocket(server.socket, ["tautline.v2.json"]);
  const waiting = new Set();
  const heard = [];
  const send = (type, payload) => socket.send(JSON.stringify({ type, payload }));
  socket.on("open", () => {
    const client = { name: "witness", version: "1" };
    send("hello", { token: "dev-token:witness", client, producer: "witness", rooms: [{ room }] });
  });
  socket.on("message", (text) => {
    const message = JSON.parse(text);
    if (message.type === "ping") send("pong", {});
    heard.push(message);
    for (const look of waiting) look();
  });
  const witness = {
    /** So many messages of this type have come. */
    count: (type) => heard.filter((message) => message.type === type).length,
    until(what, holds) {
      const held = new Promise((resolve, reject) => {
        const look = () => {
          if (!holds()) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        socket.on("close", (code) => reject(new Error(`closed with ${code}`)));
        socket.on("error", reject);
        look();
      });
      return within(held, what);
    },
    /** Waits until one more message of this type has come. */
    more(type) {
      const before = witness.count(type);
      return witness.until(`one more ${type}`, () => witness.count(type) > before);
    },
    close: () => socket.terminate(),
  };
  await witness.until("welcome", () => witness.count("welcome") > 0);
  return witness;
}
