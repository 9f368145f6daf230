// What a room holds, as the server's own interface for operators tells it, and what a page was told of it: the two have to agree.

import assert from "node:assert/strict";

const KEY = { authorization: "Bearer dev-key", "content-type": "application/json" };
const PAGE_MAX = 300;

const publications = (server, room) => `${server.operators}/v1/rooms/${encodeURIComponent(room)}/publications`;

async function json(answer) {
  const body = await answer.json();
  assert.ok(answer.ok, JSON.stringify(body));
  return body;
}

/** Publishes, as the application's backend. */
export async function say(server, room, data) {
  const body = JSON.stringify({ event: "said", data });
  return json(await fetch(publications(server, room), { method: "POST", headers: KEY, body }));
}

/** Everything that the room keeps, oldest first, and where it stands. */
export async function truthOf(server, room) {
  const messages = [];
  let position;
  for (let before, more = true; more; before = messages[0]?.offset) {
    const query = `?limit=${PAGE_MAX}${before === undefined ? "" : `&before=${before}`}`;
    const page = await json(await fetch(publications(server, room) + query, { headers: KEY }));
    position ??= page.position;
    messages.unshift(...page.messages);
    ({ more } = page);
  }
  return { position, messages };
}

/** The connections that the server has in a room. */
export async function connectionsIn(server, room) {
  const query = `?room=${encodeURIComponent(room)}`;
  return (await json(await fetch(`${server.operators}/v1/connections${query}`, { headers: KEY }))).connections;
}

/** Resolves when those are so many. */
export async function connectionsToBe(server, room, count) {
  while ((await connectionsIn(server, room)).length !== count);
}

/** Each message is told once and in order, or a gap is in its place, from the first to where the room stands. Answers the gaps. */
export function judge(diary, { position, messages }) {
  const gaps = diary.filter(({ kind }) => kind === "gap");
  const kept = new Map(messages.map((message) => [message.offset, message]));
  let stands = { epoch: diary[0]?.position.epoch, offset: 0 };
  for (const entry of diary) {
    const { epoch, offset, id } = entry.position;
    const what = `${JSON.stringify(entry)} behind ${JSON.stringify(stands)}`;
    if (entry.kind === "live") {
      assert.deepEqual([epoch, offset], [stands.epoch, stands.offset], `live at the wrong place: ${what}`);
      continue;
    }
    if (entry.reason !== "epoch-changed") {
      assert.equal(epoch, stands.epoch, `another order, and not a word of it: ${what}`);
      assert.equal(entry.from ?? offset, stands.offset + 1, `lost, twice, or out of order: ${what}`);
    }
    stands = { epoch, offset };
    if (entry.kind === "gap") continue;
    const truth = epoch === position.epoch && kept.get(offset);
    if (truth) assert.deepEqual([id, entry.data], [truth.id, truth.data], `not what was published: ${what}`);
  }
  assert.deepEqual(stands, { epoch: position.epoch, offset: position.offset }, "everything was told");
  return gaps.map(({ from, to, reason }) => ({ from, to, reason }));
}

/** Each of these was published once, and those of one publisher in their order. */
export function assertOnce({ messages }, wanted) {
  const found = messages.map(({ data }) => data).filter((data) => wanted.includes(data));
  assert.deepEqual(found, wanted, "published once, in order");
}
