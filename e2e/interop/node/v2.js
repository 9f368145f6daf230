// A client of v2: greets whoever says "hello", goes away on "goodbye", and comes back for what it missed.
//
//     node e2e/interop/node/v2.js ws://127.0.0.1:8080/ws lobby json
//
// The last word is json or msgpack; "the end" ends it. Needs the packages ws and @msgpack/msgpack.
import { randomUUID } from "node:crypto";
import { on, once } from "node:events";
import WebSocket from "ws";
import * as messagepack from "./messagepack.js";

const [url, room, encoding] = process.argv.slice(2);
const form = encoding === "msgpack" ? messagepack : JSON;
const producer = randomUUID(); // Who this program is, however often it connects.
const hello = { token: "dev-token", client: { name: "v2.js", version: "1" }, producer };

/** Listens from the position `since` on, until "goodbye"; returns the position to come back with. */
async function attend(since) {
  const socket = new WebSocket(url, `tautline.v2.${encoding}`);
  const frames = on(socket, "message", { close: ["close"] });
  await once(socket, "open");

  function send(type, payload = {}, requestId = undefined) {
    const message = { type, payload, requestId };
    console.log(">", JSON.stringify(message));
    socket.send(form.stringify(message));
  }

  send("hello", { ...hello, rooms: [{ room, since }] }, 1);
  send("request", { method: "echo", data: { from: "Node" } }, 2);
  send("join", { room: "no name of a room" }, 3); // An error is the answer, and no more.
  send("ping", {}, 4);
  let position;
  for await (const [frame] of frames) {
    const message = form.parse(frame);
    console.log("<", JSON.stringify(message));
    const { type, payload } = message;
    if (type === "ping") send("pong");
    if (type === "welcome") position = payload.rooms[0].payload.position;
    if (type === "gap") position = payload.position; // What is missing is lost to us; here it goes on.
    if (type === "left") return socket.close(1000);
    const arrived = type === "welcome" ? payload.rooms[0].payload.messages : type === "message" ? [payload] : [];
    for (const { offset, id, data } of arrived) {
      position = { ...position, offset, id };
      if (data?.text === "hello") {
        const words = { room, event: "chat", data: { text: "hello from Node" }, key: `${producer}:${offset}` };
        send("publish", words, 5);
        send("publish", words, 6); // With the same key it is the same publication.
      }
      if (data?.text === "goodbye") return socket.close(1000), position;
      if (data?.text === "the end") send("leave", { room }, 7);
    }
  }
}

let position = await attend();
while (position) position = await attend(position);
