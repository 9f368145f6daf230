// A chat room: its history, who is there, who is typing, and what one says, shown at once and confirmed later.

import type { HistoryPage, Message, TautlineError } from "@tautline/client";
import { avatar, button, clock, connect, count, element, me, showPeople, the } from "../frame/frame.js";
import { write } from "../frame/rows.js";

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
const earlier = the("#earlier", HTMLButtonElement);
const composer = the("#composer", HTMLFormElement);
const text = the("#text", HTMLInputElement);

/** One's own messages that are not confirmed. */
const pending = new Map<string, HTMLElement>();
/** Who types, and what ends believing it. */
const typists = new Map<string, number>();
/** Behind this stands what is shown of the room's present order, from this offset on. */
const beginning = list.appendChild(element("li", { hidden: "" }));
let oldest = Number.POSITIVE_INFINITY;

room.on("said", (message) => {
  pending.get(message.data.id)?.remove();
  pending.delete(message.data.id);
  oldest = Math.min(oldest, message.offset);
  place(row(message));
  showTyping(message.user ?? "", 0);
});
room.onGap(({ from, to, reason, position }) => {
  const isAnew = reason === "epoch-changed";
  const missing = `Missing here: ${count(to - from + 1, "message")}${reason === "evicted" ? ", no longer kept" : ""}`;
  place(element("li", { class: "gap" }, isAnew ? "The room begins anew here" : missing));
  if (!isAnew) return;
  place(beginning);
  oldest = position.offset + 1;
  earlier.hidden = oldest <= 1;
});
room.onCast("typing", ({ user = "" }) => {
  if (user !== me) showTyping(user, TYPING_LASTS);
});
showPeople(room.presence, the("#people", HTMLUListElement));
room.onStatus((state) => {
  if (state.status === "denied") place(element("li", { class: "gap" }, state.message));
  if (state.status === "live" && !state.recovered) earlier.hidden = oldest <= 1 || oldest > state.position.offset;
});
room.join({ last: PAGE });

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
      text.focus();
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

/** Puts something into the list, before what is not confirmed, and stays at the end of the list if one was there. */
function place(made: HTMLElement, before = list.querySelector(".pending")): void {
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 48;
  list.insertBefore(made, before);
  join(made);
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}

/** Somebody who goes on talking is not named again. */
function join(made: HTMLElement): void {
  const before = made.previousElementSibling?.getAttribute("data-user");
  made.classList.toggle("goes-on", before === made.dataset.user);
}

earlier.addEventListener("click", () => {
  room.history({ before: oldest, limit: PAGE }).then(showEarlier, ({ message }: TautlineError) => {
    write(earlier, `Not loaded: ${message}. Try again`);
  });
});

/** Puts a page of the past above what is there, which stays where it is on the screen. */
function showEarlier({ messages, more }: HistoryPage<Lobby>): void {
  // Somebody who is in a hurry presses twice.
  if ((messages.at(-1)?.offset ?? 0) >= oldest) return;
  const fromEnd = list.scrollHeight - list.scrollTop;
  beginning.after(...messages.map(row));
  for (const made of list.querySelectorAll<HTMLElement>(".message")) join(made);
  list.scrollTop = list.scrollHeight - fromEnd;
  oldest = messages[0]?.offset ?? oldest;
  write(earlier, "Show earlier messages");
  if (!more && document.activeElement === earlier) list.focus();
  earlier.hidden = !more;
}

/** Somebody types, and does so for a while, or has stopped. */
function showTyping(user: string, lasts: number): void {
  clearTimeout(typists.get(user));
  typists.delete(user);
  if (lasts) typists.set(user, setTimeout(showTyping, lasts, user, 0));
  const names = [...typists.keys()].sort().join(" and ");
  write(the("#typing", HTMLParagraphElement), names && `${names} ${typists.size > 1 ? "are" : "is"} typing`);
}
