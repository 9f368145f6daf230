// A room broadcast on npm's `ws`, as one writes it by hand: parse the message, encode the broadcast once, send it to
// every member. It speaks the few plain-protocol messages that the load client uses, so that one client drives both.
import { createServer } from "node:http";
import { randomUUID } from "node:crypto";
import { WebSocketServer } from "ws";

const rooms = new Map();
const http = createServer();
const server = new WebSocketServer({ server: http, perMessageDeflate: false, maxPayload: 1 << 20 });

server.on("connection", (socket) => {
  const joined = new Set();
  socket.on("message", (data) => receive(socket, joined, JSON.parse(data)));
  socket.on("error", () => {}); // `close` follows, and does what there is to do.
  socket.on("close", () => {
    for (const room of joined) leave(socket, room);
  });
});

function receive(socket, joined, message) {
  switch (message.type) {
    case "auth":
      socket.send(JSON.stringify({ type: "auth_ok", connectionId: randomUUID(), userId: "bench" }));
      break;
    case "join":
      if (!rooms.has(message.roomId)) rooms.set(message.roomId, new Set());
      rooms.get(message.roomId).add(socket);
      joined.add(message.roomId);
      socket.send(JSON.stringify({ type: "joined", roomId: message.roomId }));
      break;
    case "chat":
      broadcast(message);
      break;
    case "request":
      socket.send(JSON.stringify({ type: "response", requestId: message.requestId, payload: message.payload }));
      break;
  }
}

function broadcast({ roomId, text }) {
  const id = randomUUID();
  const sentAt = new Date().toISOString();
  const frame = JSON.stringify({ type: "chat", id, requestId: id, roomId, userId: "bench", text, sentAt });
  for (const member of rooms.get(roomId)) member.send(frame);
}

function leave(socket, room) {
  const members = rooms.get(room);
  members.delete(socket);
  if (members.size === 0) rooms.delete(room);
}

http.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => {
  const { address, port } = http.address();
  console.error(JSON.stringify({ message: "listening", address: `${address}:${port}` }));
});
