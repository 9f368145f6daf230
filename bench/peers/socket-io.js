// A room broadcast on Socket.IO's own rooms, WebSocket transport only. The fields of a broadcast are those of the plain
// protocol's `chat`, so that every system delivers frames of about the same size.
import { createServer } from "node:http";
import { randomUUID } from "node:crypto";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  perMessageDeflate: false,
  maxHttpBufferSize: 1 << 20,
  // The load client answers no heartbeats; no run lasts as long as this.
  pingInterval: 600_000,
});

io.on("connection", (socket) => {
  socket.on("join", (roomId) => {
    socket.join(roomId);
    socket.emit("joined", roomId);
  });
  socket.on("chat", ({ roomId, text }) => {
    const id = randomUUID();
    const sentAt = new Date().toISOString();
    io.to(roomId).emit("chat", { id, requestId: id, roomId, userId: "bench", text, sentAt });
  });
  socket.on("echo", (payload) => socket.emit("echo", payload));
});

http.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => {
  const { address, port } = http.address();
  console.error(JSON.stringify({ message: "listening", address: `${address}:${port}` }));
});
