// What all examples have: who is there, a client, the header with the connection's badge, and a few small elements.

import { type ConnectionState, createClient, type PresenceView, type Tautline, type Valid } from "@tautline/client";
import { write } from "./rows.js";

const FIRST = "Ada Ben Cleo Dina Emil Fay Gus Hana Ivo Jun Kofi Lena Mira Nils Omar Pia Quinn Rosa Sven Tara".split(
  " ",
);
const LAST = "Anchor Bend Bowline Cleat Halyard Hitch Keel Ledger Mast Painter Reef Sheet Splice Strand Toggle".split(
  " ",
);
const NAME_KEY = "tautline.name";
/** How long what one does without a connection is kept, to be sent then. The server knows a key for ten minutes. */
const KEPT = 9 * 60_000;
/** How often it is looked whether something still waits to be sent. */
const LOOK_EVERY = 250;

/** Who this tab is, across reloads. Every tab is somebody else, so that one person can play a whole team. */
export const me: string = sessionStorage.getItem(NAME_KEY) ?? `${any(FIRST)} ${any(LAST)}`;
sessionStorage.setItem(NAME_KEY, me);

/** A client of the server that the page came from, which is in development mode; the header shows how it is. */
export function connect<S extends Valid<S>>(): Tautline<S> {
  const client = createClient<S>({
    url: "/ws",
    token: `dev-token:${me}`,
    program: { name: "tautline-examples", version: "0.1.0" },
    queue: { ttl: KEPT },
  });
  showHeader(client);
  open(client);
  return client;
}

/** What is of every client, whatever is said in its rooms. */
type Connection = Pick<Tautline, "state" | "pending" | "subscribe" | "connect" | "retryNow">;

/** Connects, if that is not under way. If the client is closed for good, the header says so. */
function open(client: Connection): void {
  client.connect().catch(() => {});
}

/** Loads the page anew as soon as nothing waits to be sent: what waits is in this page alone, and would be lost with it. */
export function loadAnew(client: Pick<Tautline, "pending">): void {
  if (client.pending === 0) location.reload();
  else setTimeout(loadAnew, LOOK_EVERY, client);
}

/** The element of a page that is there for certain. */
export function the<E extends Element>(selector: string, type: new () => E): E {
  const found = document.querySelector(selector);
  if (found instanceof type) return found;
  throw new Error(`the page has no ${type.name} at ${selector}`);
}

/** A new element. What is put into it as text stays text. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A button that does something. */
export function button(label: string, pressed: () => void, look = ""): HTMLButtonElement {
  const made = element("button", { type: "button", class: look }, label);
  made.addEventListener("click", pressed);
  return made;
}

/** A person as a small round sign. Somebody who reads the page with their ears hears the name beside it. */
export function avatar(name: string): HTMLElement {
  const initials = name.split(" ").map((word) => word[0] ?? "");
  const tint =
    [...name].reduce((mixed, letter) => Math.imul(mixed ^ letter.charCodeAt(0), 0x01000193) >>> 0, 0x811c9dc5) >>> 7;
  return element(
    "span",
    { class: `avatar tint-${tint % 8}`, title: name, "aria-hidden": "true" },
    initials.join("").slice(0, 2),
  );
}

/** The time of day of a message. */
export function clock(sentAt: string): string {
  return new Date(sentAt).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

/** `1 alert`, `2 alerts`. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/** Shows who is in a room, each person once, oneself first; `note` may say more of each. Returns what ends that. */
export function showPeople<P>(
  presence: { readonly view: PresenceView<P>; subscribe(onChange: () => void): () => void },
  list: HTMLElement,
  note: (state: P | undefined) => string = () => "",
): () => void {
  const draw = () => {
    const people = new Map([...presence.view.members.values()].map((member) => [member.user, member.state]));
    const names = [...people.keys()].sort((a, b) => Number(b === me) - Number(a === me) || a.localeCompare(b));
    const row = (name: string) => {
      const said = note(people.get(name));
      const label = element("span", { class: "person-name" }, name, name === me ? element("small", {}, " (you)") : "");
      return element("li", { class: "person" }, avatar(name), label, said ? element("small", {}, said) : "");
    };
    write(list, ...names.map(row));
  };
  draw();
  return presence.subscribe(draw);
}

const LABELS: Record<ConnectionState["status"], string> = {
  idle: "Connecting",
  connecting: "Connecting",
  connected: "Connected",
  reconnecting: "Reconnecting",
  offline: "Offline",
  suspended: "Paused",
  closed: "Closed",
};

const ROPE = `<svg class="line" viewBox="0 -3 48 16" aria-hidden="true"><path class="rope" d="M5 5Q24 17 43 5"/>
<path class="ends" d="M5 5q1 8 8 9M43 5q-1 8-8 9"/><circle cx="5" cy="5" r="3"/><circle cx="43" cy="5" r="3"/></svg>`;

/** The header: the way back, the name of the example, the badge, who one is, and a line of what to do when there is no connection. */
function showHeader(client: Connection): void {
  const label = element("span", { class: "badge-label", role: "status", "aria-live": "polite" });
  const badge = element("div", { class: "badge", id: "badge" });
  badge.innerHTML = ROPE;
  badge.append(label);
  const text = element("p");
  const retry = button("Try now", () => (client.state.status === "closed" ? open(client) : client.retryNow()));
  const notice = element("div", { class: "notice", hidden: "" }, text, retry);
  const title = element("h1", {}, document.title.replace(/ · .*/, ""));
  the("#header", HTMLElement).append(
    element("a", { class: "home", href: "../" }, "Tautline"),
    title,
    badge,
    whoAmI(client),
  );
  the("#header", HTMLElement).after(notice);
  const draw = () => {
    const { state } = client;
    badge.dataset.state = document.body.dataset.connection = state.status;
    write(label, LABELS[state.status]);
    const waits = ["reconnecting", "offline", "closed"].includes(state.status);
    notice.hidden = !waits;
    if (waits) write(text, explain(state));
  };
  client.subscribe(draw);
  setInterval(draw, 1_000);
  draw();
}

function explain(state: ConnectionState): string {
  if (state.status === "closed") return `The connection is closed: ${state.cause.reason || state.cause.code}.`;
  const after = "retryAt" in state && state.retryAt !== null ? Math.ceil((state.retryAt - Date.now()) / 1_000) : 0;
  const when = after > 0 ? `The next attempt is in ${after} s` : "It is tried now";
  const what = state.status === "offline" ? "There is no network." : "The connection is lost.";
  const name = sessionStorage.getItem(NAME_KEY) === me ? "" : ` Until then you are ${me}.`;
  return `${what} ${when}; what you do meanwhile is kept and sent then.${name}`;
}

/** Who one is, to be changed: another name is another user, for whom the page begins anew when all is sent in the name before. */
function whoAmI(client: Connection): HTMLElement {
  const input = element("input", { id: "me", value: me, maxlength: "32", autocomplete: "off", spellcheck: "false" });
  const label = element("label", { for: "me" }, avatar(me), element("span", { class: "unseen" }, "Your name"));
  const form = element("form", { class: "me" }, label, input);
  const rename = () => {
    const name = input.value.trim();
    input.value = name || me;
    sessionStorage.setItem(NAME_KEY, input.value);
    if (input.value !== me) loadAnew(client);
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    input.blur();
  });
  input.addEventListener("change", rename);
  input.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    input.value = me;
    input.blur();
  });
  return form;
}

function any(words: readonly string[]): string {
  return words[Math.floor(Math.random() * words.length)] ?? "";
}
