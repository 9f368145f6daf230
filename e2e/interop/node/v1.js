// A client of the plain protocol, v1: greets whoever says "hello", and leaves on "the end".
//
//     node e2e/interop/node/v1.js ws://127.0.0.1:8080/ws lobby
//
// Needs the package ws.
import WebSocket from "ws";

const [url, room] = process.argv.slice(2);
const socket = new WebSocket(url, "tautline.v1.json");

function send(message) {
  console.log(">", JSON.stringify(message));
  socket.send(JSON.stringify(message));
}

// Commands take effect in order: none has to wait for the answer to the one before.
socket.on("open", () => {
  send({ type: "auth", token: "dev-token" });
  send({ type: "join", roomId: room });
  send({ type: "request", method: "echo", payload: { from: "Node" }, requestId: 1 });
  send({ type: "request", method: "nobody.answers.this", requestId: 2 });
  send({ type: "ping", requestId: 3 });
});

socket.on("message", (frame) => {
  const message = JSON.parse(frame);
  console.log("<", JSON.stringify(message));
  if (message.type === "chat" && message.text === "hello") send({ type: "chat", roomId: room, text: "hello from Node in v1" });
  if (message.type === "chat" && message.text === "the end") send({ type: "leave", roomId: room, requestId: 4 });
  if (message.type === "left") socket.close(1000);
});
