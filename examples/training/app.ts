// A training session. What a participant does is their presence state: the instructor sees it at once, and it goes when they go.
// Where the class is at is a message, of which the room's newest counts.

import { avatar, connect, count, element, me, the } from "../frame/frame.js";

const EXERCISES = [
  "Open a room in two windows",
  "Send a message, and see it arrive",
  "Go offline, and write another one",
  "Come back, and see it said once",
  "Kill the server, and start it again",
];
const STATE_KEY = "tautline.training";

type Participant = { role: "participant"; done: number[]; asks: string | null };
type Session = { messages: { exercise: { at: number } }; presence: Participant | { role: "instructor" } };

const client = connect<{ rooms: { [room: `training:${string}`]: Session } }>();
const room = client.room("training:first-steps");
const steps = the("#steps", HTMLOListElement);
const current = the("#current", HTMLSelectElement);
const hand = the("#hand", HTMLButtonElement);
const note = the("#note", HTMLInputElement);

/** What one shows others; kept across a reload. */
let mine: Participant = JSON.parse(sessionStorage.getItem(STATE_KEY) ?? '{"role":"participant","done":[],"asks":null}');
let at = 0;

const role = location.hash.slice(1);
addEventListener("hashchange", () => location.reload());
if (role === "instructor") {
  the("#instructor", HTMLElement).hidden = false;
  enter({ role: "instructor" });
  room.presence.subscribe(showClass);
} else if (role === "participant") {
  the("#participant", HTMLElement).hidden = false;
  enter(mine);
} else the("#door", HTMLDivElement).hidden = false;

function enter(presence: Session["presence"]): void {
  room.on("exercise", ({ data }) => {
    at = data.at;
    draw();
  });
  room.join({ last: 1, presence });
  draw();
}

/** A participant has done something, or asks: others see it. */
function change(changed: Partial<Participant>): void {
  mine = { ...mine, ...changed };
  sessionStorage.setItem(STATE_KEY, JSON.stringify(mine));
  room.presence.set(mine).catch(() => {
    // It is shown when there is a connection again.
  });
  draw();
}

EXERCISES.forEach((exercise, number) => {
  const box = element("input", { type: "checkbox" });
  box.checked = mine.done.includes(number);
  box.addEventListener("change", () => {
    const others = mine.done.filter((each) => each !== number);
    change({ done: box.checked ? [...others, number] : others });
  });
  steps.append(element("li", {}, element("label", {}, box, exercise)));
  current.append(element("option", { value: String(number) }, `${number + 1}. ${exercise}`));
});
hand.addEventListener("click", () => change({ asks: mine.asks === null ? note.value.trim() : null }));
note.addEventListener("keydown", (event) => {
  if (event.key === "Enter") change({ asks: note.value.trim() });
  if (event.key === "Escape") change({ asks: null });
});
note.value = mine.asks ?? "";
current.addEventListener("change", () => {
  room.publish("exercise", { at: Number(current.value) }).catch(draw);
});

function draw(): void {
  current.value = String(at);
  the("#now", HTMLParagraphElement).textContent =
    `The class is at exercise ${at + 1}: ${EXERCISES[at]?.toLowerCase()}.`;
  for (const [number, item] of [...steps.children].entries()) item.classList.toggle("now", number === at);
  hand.setAttribute("aria-pressed", String(mine.asks !== null));
  hand.textContent = mine.asks === null ? "Ask for help" : "Asking for help";
  if (role === "instructor") showClass();
}

/** The class at one glance: who asks comes first. */
function showClass(): void {
  const members = [...room.presence.view.members.values()];
  const pupils = new Map<string, Participant>();
  for (const { user, state } of members) if (state?.role === "participant") pupils.set(user, state);
  const asks = (state: Participant) => Number(state.asks !== null);
  const sorted = [...pupils].sort(([a, one], [b, other]) => asks(other) - asks(one) || a.localeCompare(b));
  const waiting = sorted.filter(([, state]) => asks(state)).length;
  const title = the("#class-title", HTMLHeadingElement);
  const words = `${count(pupils.size, "participant")}${waiting ? `, ${waiting} asking for help` : ""}`;
  if (title.textContent !== words) title.textContent = words;
  the("#nobody", HTMLParagraphElement).hidden = pupils.size > 0;
  the("#class", HTMLUListElement).replaceChildren(...sorted.map(([user, state]) => pupil(user, state)));
}

function pupil(user: string, { done, asks }: Participant): HTMLElement {
  const name = element("b", {}, user, user === me ? " (you)" : "");
  const dots = EXERCISES.map((_, number) => element("span", done.includes(number) ? { class: "done" } : {}));
  const row = element("div", { class: "dots", "aria-hidden": "true" }, ...dots);
  const item = element("li", { class: `panel pupil${asks === null ? "" : " asks"}` }, avatar(user), name, row);
  item.append(element("small", {}, `${done.length} of ${EXERCISES.length} done`));
  if (asks !== null) item.append(element("p", { class: "asking" }, asks ? `Asks: ${asks}` : "Asks for help"));
  return item;
}
