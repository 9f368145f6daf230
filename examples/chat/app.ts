// A chat room: its history, who is there, who is typing, and what one says, shown at once and confirmed later.

import type { Gap, Message, TautlineError } from "@tautline/client";
import { avatar, button, clock, connect, count, element, me, showPeople, the } from "../frame/frame.js";

/** How often others hear that somebody types, and how long they believe it. */
const TYPING_EVERY = 2_000;
const TYPING_LASTS = 4_000;
const PAGE = 50;

interface Said {
  /** Tells one's own message apart when it comes back; also the key by which it is published once. */
  id: string;
  text: string;
}
type Lobby = { messages: { said: Said }; casts: { typing: null } };

const client = connect<{ rooms: { [room: `chat:${string}`]: Lobby } }>();
const room = client.room(`chat:${location.hash.slice(1) || "lobby"}`);
const list = the("#messages", HTMLOListElement);
const typing = the("#typing", HTMLParagraphElement);
const earlier = the("#earlier", HTMLButtonElement);
const composer = the("#composer", HTMLFormElement);
const text = the("#text", HTMLInputElement);

/** One's own messages that are not confirmed. */
const pending = new Map<string, HTMLElement>();
const typists = new Map<string, number>();
let oldest = Number.POSITIVE_INFINITY;

room.on("said", (message) => {
  pending.get(message.data.id)?.remove();
  pending.delete(message.data.id);
  oldest = Math.min(oldest, message.offset);
  place(row(message));
  nobodyTypes(message.user ?? "");
});
room.onGap((gap) => place(divider(gap)));
room.onCast("typing", ({ user = "" }) => {
  if (user === me) return;
  clearTimeout(typists.get(user));
  typists.set(user, setTimeout(nobodyTypes, TYPING_LASTS, user));
  showTyping();
});
showPeople(room.presence, the("#people", HTMLUListElement));
room.join({ last: PAGE });
room.joined().then(() => {
  earlier.hidden = oldest <= 1 || list.childElementCount === 0;
});

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!text.value.trim()) return;
  say({ id: crypto.randomUUID(), text: text.value.trim() });
  composer.reset();
});

let typedAt = 0;
text.addEventListener("input", () => {
  if (Date.now() - typedAt < TYPING_EVERY) return;
  typedAt = Date.now();
  room.cast("typing", null, { latest: true });
});

/** Shows it at once, and publishes it: now, or when there is a connection again. */
async function say(said: Said): Promise<void> {
  const words = client.state.status === "connected" ? "Sending" : "Waits for the connection";
  const state = element("span", { class: "state" }, words);
  const waiting = line(me, said.text, element("header", {}, element("b", {}, me)), state);
  waiting.classList.add("pending");
  pending.set(said.id, waiting);
  place(waiting, null);
  list.scrollTop = list.scrollHeight;
  try {
    await room.publish("said", said, { key: said.id });
  } catch (error) {
    if (!pending.delete(said.id)) return;
    waiting.classList.replace("pending", "failed");
    const again = button("Send again", () => {
      waiting.remove();
      say(said);
    });
    state.replaceChildren(`Not sent: ${(error as TautlineError).message}`, again);
  }
}

function row({ user = "", data, sentAt }: Message<Lobby, "said">): HTMLElement {
  return line(user, data.text, element("header", {}, element("b", {}, user), element("small", {}, clock(sentAt))));
}

function line(user: string, said: string, head: HTMLElement, ...more: HTMLElement[]): HTMLElement {
  return element("li", { class: "message", "data-user": user }, avatar(user), head, element("p", {}, said), ...more);
}

function divider({ from, to, reason }: Gap): HTMLElement {
  const missing = count(to - from + 1, "message");
  const what =
    reason === "epoch-changed"
      ? "The room begins anew here"
      : `${missing} are missing here: the room no longer keeps them`;
  return element("li", { class: "gap" }, `${what}.`);
}

/** Puts something into the list, before what is not confirmed, and stays at the end of the list if one was there. */
function place(made: HTMLElement, before = list.querySelector(".pending")): void {
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 48;
  list.insertBefore(made, before);
  join(made);
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}

/** Somebody who goes on talking is not named again. */
function join(made: HTMLElement): void {
  const before = made.previousElementSibling;
  const goesOn = before instanceof HTMLElement && before.dataset.user === made.dataset.user;
  made.classList.toggle("goes-on", goesOn);
}

earlier.addEventListener("click", async () => {
  const page = await room.history({ before: oldest, limit: PAGE });
  oldest = page.messages[0]?.offset ?? oldest;
  earlier.hidden = !page.more;
  const rows = page.messages.map(row);
  list.prepend(...rows);
  for (const made of rows) join(made);
});

function nobodyTypes(user: string): void {
  clearTimeout(typists.get(user));
  typists.delete(user);
  showTyping();
}

function showTyping(): void {
  const names = [...typists.keys()];
  typing.textContent = names.length ? `${names.join(" and ")} ${names.length > 1 ? "are" : "is"} typing` : "";
}
