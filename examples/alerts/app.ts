// Alerts of a team, in a room that asks for acknowledgements: the server gives an alert to each person until they have acknowledged
// it, whatever becomes of their windows. The page keeps nothing of that.

import type { Gap, Message, Room } from "@tautline/client";
import { button, clock, connect, count, element, showPeople, the } from "../frame/frame.js";
import { keyed, type Row, write } from "../frame/rows.js";

const TEAMS = ["payments", "network", "storage"] as const;
const SAMPLES = [
  "Card payments fail for one customer in twenty",
  "Latency between regions has doubled",
  "A disk of the archive is 95 % full",
  "A certificate ends in three days",
  "The queue of the ledger grows",
];

type Team = (typeof TEAMS)[number];
type Alerts = {
  messages: { alert: { severity: "critical" | "warning"; what: string } };
  /** Colleagues see how much waits for each. */
  presence: { waiting: number };
};
type Alert = Message<Alerts, "alert">;

const client = connect<{ rooms: Record<`alerts:${Team}`, Alerts> }>();
const isTeam = (word: string): word is Team => TEAMS.some((team) => team === word);

let team: Team = "payments";
let room: Room<Alerts>;
let waiting: Alert[] = [];
let handled: Alert[] = [];
/** Alerts that came while one was away for longer than the room keeps them. */
let lost = 0;
/** How many wait, as colleagues were told last. */
let told = 0;
/** Takes the page out of the room of the team before. */
let leave = () => {};
const heading = the("#waiting-title", HTMLHeadingElement);
const waitingList = the("#waiting", HTMLOListElement);
const showWaiting = keyed(waitingList, newWaiting);
const showHandled = keyed(the("#handled", HTMLOListElement), (alert: Alert) => ({ item: newAlert(alert) }));

/** Turns to the team that the address names. */
function choose(): void {
  const named = location.hash.slice(1);
  leave();
  team = isTeam(named) ? named : "payments";
  waiting = [];
  handled = [];
  lost = told = 0;
  room = client.room(`alerts:${team}`);
  const chosen = new AbortController();
  room.on("alert", take, { signal: chosen.signal });
  room.onGap(miss, { signal: chosen.signal });
  room.onStatus(draw, { signal: chosen.signal });
  const note = (state?: Alerts["presence"]) => (state?.waiting ? `${state.waiting} waiting` : "");
  const endPeople = showPeople(room.presence, the("#people", HTMLUListElement), note);
  const out = room.join({ presence: { waiting: 0 } });
  leave = () => {
    endPeople();
    chosen.abort();
    out();
  };
  draw();
}

/** An alert that comes again, because it was not acknowledged in time, is one alert. */
function take(alert: Alert): void {
  if (!waiting.some(({ id }) => id === alert.id)) waiting.push(alert);
  draw();
}

function miss({ from, to }: Gap): void {
  lost += Math.max(0, to - from + 1);
  draw();
}

/** Acknowledges an alert and all before it: that is what the room keeps for each person, how far they are. */
function acknowledge(alert: Alert): void {
  room.acknowledge(alert);
  handled.unshift(...waiting.filter(({ offset }) => offset <= alert.offset).reverse());
  waiting = waiting.filter(({ offset }) => offset > alert.offset);
  draw();
  (waitingList.querySelector("button") ?? heading).focus();
}

function draw(): void {
  const gone = lost ? `; ${count(lost, "alert")} before can no longer be shown` : "";
  const title = (waiting.length ? `${count(waiting.length, "alert")} to acknowledge` : "Nothing waits for you") + gone;
  write(heading, title);
  document.title = `${waiting.length ? `(${waiting.length}) ` : ""}Operations alerts · Tautline`;
  showWaiting(waiting);
  showHandled(handled);
  the("#handled-section", HTMLElement).hidden = handled.length === 0;
  for (const tab of the("#teams", HTMLElement).querySelectorAll("button")) {
    tab.setAttribute("aria-current", String(tab.textContent === team));
  }
  if (room.state.status !== "live" || told === waiting.length) return;
  told = waiting.length;
  room.presence.set({ waiting: told }).catch(() => {
    told = -1;
  });
}

function newAlert({ data: { severity, what }, user = "a program", sentAt }: Alert): HTMLElement {
  const degree = element("span", { class: "severity" }, severity);
  const source = element("small", {}, `${user}, ${clock(sentAt)}`);
  return element("li", { class: "alert", "data-severity": severity }, degree, element("h3", {}, what), source);
}

/** An alert that waits: the button says what it does, which depends on the alert's place. */
function newWaiting(alert: Alert): Row<Alert> {
  const made = button("", () => acknowledge(alert));
  const item = newAlert(alert);
  item.append(made);
  const show = (_: Alert, at: number) => {
    made.className = at === 0 ? "primary" : "";
    write(made, at === 0 ? "Acknowledge" : "Acknowledge up to here");
  };
  return { item, show };
}

for (const name of TEAMS) {
  const turn = () => {
    location.hash = name;
  };
  the("#teams", HTMLElement).append(button(name, turn));
  the("#team", HTMLSelectElement).append(element("option", { value: name }, name));
}
the("#samples", HTMLDataListElement).append(...SAMPLES.map((value) => element("option", { value })));

the("#raise", HTMLFormElement).addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(event.target as HTMLFormElement);
  const what = the("#what", HTMLInputElement);
  const raised = the("#raised", HTMLParagraphElement);
  const chosen = the("#team", HTMLSelectElement).value;
  const severity = form.get("severity") === "warning" ? "warning" : "critical";
  if (!isTeam(chosen)) return;
  const sent = client.room(`alerts:${chosen}`).publish("alert", { severity, what: what.value });
  what.value = "";
  raised.textContent = client.state.status === "connected" ? "" : "Raised as soon as there is a connection";
  await sent.then(
    () => raised.replaceChildren(`Raised for ${chosen}, and kept`),
    (error) => raised.replaceChildren(`Not raised: ${error.message}`),
  );
});
addEventListener("hashchange", choose);
choose();
