// A member of rooms by the TypeScript client, for `cargo xtask prove --typescript`: does what the lines on its standard input say,
// and says on its standard output what happens. The first line says who it is; src/crowd/script.rs speaks with it.

import { createInterface } from "node:readline";
import { createClient } from "@tautline/client";
import { messagePack } from "@tautline/client/msgpack";
import { WebSocket } from "ws";

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const written = ({ epoch, offset, id }) => `${epoch}:${offset}:${id}`;

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { value: first } = await lines.next();
const { rooms: names, packed, ...options } = JSON.parse(first);
const client = createClient({ ...options, ...(packed && { encoding: messagePack() }), env: { WebSocket } });
client.on("error", (error) => say({ is: "nonsense", reason: String(error) }));
client.subscribe(() => {
  const { status, cause } = client.state;
  if (status === "connected") say({ is: "connected" });
  else if (status === "closed") say({ is: "closed", reason: cause.reason });
  else if (cause?.kind === "nonsense") say({ is: "nonsense", reason: cause.reason });
  else say({ is: "away", kind: cause?.kind, code: cause?.code });
});

const rooms = names.map((name, at) => {
  const room = client.room(name);
  room.onStatus((state) => {
    if (state.status === "joining") say({ is: "joining", at });
    else if (state.status === "denied") say({ is: "denied", at, message: state.message });
    else if (state.status === "live") {
      const { position, recovered, wantsAcks } = state;
      say({ is: "live", at, position: written(position), recovered, wantsAcks });
    }
  });
  room.onMessage((message) => say({ is: "message", at, position: written(message), key: message.data?.key }));
  room.onGap(({ from, to, position }) => say({ is: "gap", at, from, to, position: written(position) }));
  return { room, leave: room.join() };
});

const commands = {
  joinAnew({ at }) {
    rooms[at].leave();
    rooms[at].leave = rooms[at].room.join();
  },
  async publish({ at, sequence, data }) {
    try {
      const position = written(await rooms[at].room.publish("chat", data, { key: String(sequence) }));
      say({ is: "published", at, sequence, position });
    } catch (error) {
      say({ is: "failed", at, sequence, reason: String(error) });
    }
  },
  acknowledge({ at, position }) {
    rooms[at].room.acknowledge(position);
  },
  ask() {
    say({ is: "quiet" });
  },
};
for await (const line of lines) {
  const command = JSON.parse(line);
  commands[command.do](command);
}
process.exit();
