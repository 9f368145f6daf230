// A worker with a client: what the room tells goes to the page, and what the page says is published.

import { createClient } from "/client/index.js";

onmessage = ({ data: { url, token, name, said } }) => {
  const client = createClient({ url, token });
  const room = client.room(name);
  room.onMessage(({ data }) => postMessage(data));
  room.join();
  room.publish("said", said);
};
