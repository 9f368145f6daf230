// A crowd of clients in one page, which lose their connections as often as they are told to.

import { createClient } from "/client/index.js";

class Socket extends WebSocket {
  static newest = [];

  constructor(...all) {
    super(...all);
    Socket.newest.push(this);
  }
}

/** No client waits longer than it has to before it comes back. */
const env = { WebSocket: Socket, random: () => 0 };

/** So many clients in one room. */
export function gather(count, url, token, name) {
  const rooms = Array.from({ length: count }, () => {
    const client = createClient({ url, token, env });
    return { client, room: client.room(name), heard: [] };
  });
  for (const { room, heard } of rooms) {
    room.onMessage(({ data }) => heard.push(data));
    room.join();
  }

  /** Everybody is in the room, on another connection than that. */
  const live = (old) => Promise.all(rooms.map(({ client, room }, at) => new Promise((resolve) => {
    const look = () => {
      if (room.state.status !== "live" || client.state.connection === old[at]) return;
      stop();
      resolve();
    };
    const stop = room.subscribe(look);
    look();
  })));

  return {
    /** Everybody loses their connection, in turns by its end and by a return from the back/forward cache. */
    async reconnect(times) {
      await live([]);
      for (let each = 0; each < times; each += 1) {
        const back = live(rooms.map(({ client }) => client.state.connection));
        const sockets = Socket.newest.splice(0);
        if (each % 2) dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
        else for (const socket of sockets) socket.close();
        await back;
      }
    },
    /** What each has heard, when all have heard so many. */
    heard: (count) => Promise.all(rooms.map(({ room, heard }) => new Promise((resolve) => {
      const look = () => heard.length >= count && resolve(heard);
      room.onMessage(look);
      look();
    }))),
  };
}
