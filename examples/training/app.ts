// A training session. What a participant does is their presence state: the instructor sees it at once, and it goes when they go.
// Where the class is at is a message, of which the room's newest counts.

import { avatar, connect, count, element, loadAnew, me, the } from "../frame/frame.js";
import { keyed, type Row, write } from "../frame/rows.js";

const EXERCISES = [
  "Open a room in two windows",
  "Send a message, and see it arrive",
  "Go offline, and write another one",
  "Come back, and see it said once",
  "Kill the server, and start it again",
];
const STATE_KEY = "tautline.training";

type Participant = { role: "participant"; done: number[]; asks: string | null };
/** A participant as the instructor sees them, by their name. */
type Pupil = { id: string; state: Participant };
type Session = { messages: { exercise: { at: number } }; presence: Participant | { role: "instructor" } };

const client = connect<{ rooms: { [room: `training:${string}`]: Session } }>();
const room = client.room("training:first-steps");
const steps = the("#steps", HTMLOListElement);
const current = the("#current", HTMLSelectElement);
const hand = the("#hand", HTMLButtonElement);
const note = the("#note", HTMLInputElement);
const now = the("#now", HTMLParagraphElement);
const showPupils = keyed(the("#class", HTMLUListElement), newPupil);

/** What one shows others; kept across a reload. */
let mine: Participant = JSON.parse(sessionStorage.getItem(STATE_KEY) ?? '{"role":"participant","done":[],"asks":null}');
let at = 0;

const role = location.hash.slice(1);
addEventListener("hashchange", () => loadAnew(client));
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
  write(now, `The class is at exercise ${at + 1}: ${EXERCISES[at]?.toLowerCase()}.`);
  for (const [number, item] of [...steps.children].entries()) item.classList.toggle("now", number === at);
  hand.setAttribute("aria-pressed", String(mine.asks !== null));
  write(hand, mine.asks === null ? "Ask for help" : "Asking for help");
  if (role === "instructor") showClass();
}

/** The class at one glance: who asks comes first. */
function showClass(): void {
  const members = [...room.presence.view.members.values()];
  const pupils = new Map<string, Pupil>();
  for (const { user: id, state } of members) if (state?.role === "participant") pupils.set(id, { id, state });
  const asks = ({ state }: Pupil) => Number(state.asks !== null);
  const sorted = [...pupils.values()].sort((one, other) => asks(other) - asks(one) || one.id.localeCompare(other.id));
  const waiting = sorted.filter(asks).length;
  const words = `${count(pupils.size, "participant")}${waiting ? `, ${waiting} asking for help` : ""}`;
  write(the("#class-title", HTMLHeadingElement), words);
  the("#nobody", HTMLParagraphElement).hidden = pupils.size > 0;
  showPupils(sorted);
}

function newPupil({ id }: Pupil): Row<Pupil> {
  const name = element("b", {}, id, id === me ? " (you)" : "");
  const dots = element("div", { class: "dots", "aria-hidden": "true" });
  const progress = element("small");
  const asking = element("p", { class: "asking" });
  const item = element("li", { class: "panel pupil" }, avatar(id), name, dots, progress, asking);
  const show = ({ state: { done, asks } }: Pupil) => {
    write(dots, ...EXERCISES.map((_, number) => element("span", done.includes(number) ? { class: "done" } : {})));
    write(progress, `${done.length} of ${EXERCISES.length} done`);
    write(asking, asks ? `Asks: ${asks}` : "Asks for help");
    asking.hidden = asks === null;
    item.classList.toggle("asks", asks !== null);
  };
  return { item, show };
}
