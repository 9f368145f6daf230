// The development page: rooms by hand, and the wire beside them. This file ties the parts together;
// the connection, which is worth copying, is connection.js.

import { Badge } from "./badge.js";
import { Connection } from "./connection.js";
import { Log } from "./log.js";
import { offerFrames } from "./raw.js";
import { Rooms } from "./rooms.js";
import { showSnippets } from "./snippet.js";

const TOKEN = "dev-token";
const FIRST_ROOM = "lobby";
const ROOM_NAME = /^[a-zA-Z0-9:_-]{1,64}$/;

const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
const connection = new Connection({ url, token: TOKEN });
const log = new Log();
new Badge(connection);
const rooms = new Rooms(connection);
offerFrames(connection, TOKEN, () => rooms.active?.id ?? FIRST_ROOM);
showSnippets(url, TOKEN);

const identity = document.querySelector("#identity");
const disconnect = document.querySelector("#disconnect");
const joinForm = document.querySelector("#join");
const joinRoom = document.querySelector("#join-room");
const chatForm = document.querySelector("#chat");
const chatText = document.querySelector("#chat-text");
const chatSend = chatForm.querySelector("button");

connection.addEventListener("frame", ({ detail }) => log.add(detail.direction, detail.text));
connection.addEventListener("state", showState);
rooms.addEventListener("active", showComposer);

disconnect.addEventListener("click", () => connection.close());

joinForm.addEventListener("submit", (event) => {
  event.preventDefault();
  rooms.join(joinRoom.value);
  joinForm.reset();
});

chatForm.addEventListener("submit", (event) => {
  event.preventDefault();
  if (chatSend.disabled || !chatText.value.trim()) return;
  say(rooms.active, chatText.value);
  chatForm.reset();
});

/** The request id comes back with the echo, which is how a sent message is known to have arrived. */
function say(room, text) {
  const requestId = crypto.randomUUID();
  const sent = connection.send({ type: "chat", roomId: room.id, text, requestId });
  if (sent) room.addSent(text, requestId, () => say(room, text));
  return sent;
}

function showState() {
  const { state } = connection;
  log.add("note", describe(state));
  identity.textContent = state.name === "live" ? state.userId : "";
  disconnect.hidden = state.name === "closed";
  showComposer();
}

function showComposer() {
  const live = connection.state.name === "live";
  chatSend.disabled = !live || !rooms.active;
  chatText.placeholder = live ? "Write a message" : "Waiting for the connection";
}

function describe({ name, userId, ended, retryAt }) {
  if (name === "live") return `live as ${userId}`;
  if (!ended || retryAt === null) return `dialing ${url}`;
  const end = `ended: ${ended.code} ${ended.reason || ended.meaning}`;
  return retryAt ? `${end}; next dial in ${((retryAt - Date.now()) / 1_000).toFixed(1)} s` : end;
}

const named = location.hash.slice(1).split(",").filter((name) => ROOM_NAME.test(name));
if (named.length === 0) named.push(FIRST_ROOM);
for (const name of named) rooms.join(name);
rooms.show(named[0]);
connection.connect();
