// The page of the tests: a client in one room, which writes down whatever it is told, in order.

import { createClient } from "/client/index.js";

/** `isKept`: what is written down outlives a reload, and the room goes on behind it. `options` are those of the client. */
const { url, token, name, isKept = false, options = {} } = JSON.parse(new URLSearchParams(location.search).get("asked"));

/** What the room told: messages, gaps, and when it was live. */
const diary = isKept ? earlier() : [];
/** What became of what was published. */
const acks = [];
const failures = [];
/** Whether the page came out of the back/forward cache, each time that it was shown. */
const shows = [];
/** How each connection ended, as the server hears it. */
const reports = [];
const waiting = new Set();

function earlier() {
  const read = [];
  for (let text = sessionStorage.getItem("0"); text; text = sessionStorage.getItem(`${read.length}`)) read.push(JSON.parse(text));
  return read;
}

function look() {
  for (const one of waiting) one();
}

function note(entry) {
  if (isKept) sessionStorage.setItem(`${diary.length}`, JSON.stringify(entry));
  diary.push(entry);
  look();
}

/** Resolves when something holds. */
function until(holds) {
  return new Promise((resolve) => {
    const one = () => {
      if (!holds()) return;
      waiting.delete(one);
      resolve();
    };
    waiting.add(one);
    one();
  });
}

const client = createClient({ url, token, ...options });
const room = client.room(name);
client.subscribe(look);
client.on("report", (report) => reports.push(report));
room.presence.subscribe(look);
room.onMessage(({ epoch, offset, id, data }) => note({ kind: "message", position: { epoch, offset, id }, data }));
room.onGap(({ from, to, reason, position }) => note({ kind: "gap", from, to, reason, position }));
room.onStatus((state) => state.status === "live" && note({ kind: "live", position: state.position, recovered: state.recovered }));

/** Publishes each, one behind the other, and does not wait. */
function publish(all, options) {
  for (const data of all) {
    room.publish("said", data, options).then(
      (ack) => acks.push({ data, ...ack }),
      (error) => failures.push({ data, code: error.code, outcome: error.outcome }),
    ).then(look);
  }
}

addEventListener("pageshow", ({ persisted }) => {
  shows.push(persisted);
  look();
});
document.addEventListener("visibilitychange", look);
addEventListener("offline", look);

globalThis.here = { createClient, client, room, diary, acks, failures, shows, reports, until, publish };
const last = diary.findLast(({ kind }) => kind !== "live");
room.join(last ? { since: last.position } : {});
