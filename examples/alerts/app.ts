// Alerts of a team, in a room that asks for acknowledgements: the server gives an alert to each person until they have acknowledged
// it, whatever becomes of their windows. The page keeps nothing of that.

import type { Gap, Message, Room } from "@tautline/client";
import { button, clock, connect, count, element, showPeople, the } from "../frame/frame.js";

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
/** Takes the page out of the room of the team before. */
let leave = () => {};

/** Turns to the team that the address names. */
function choose(): void {
  const named = location.hash.slice(1);
  leave();
  team = isTeam(named) ? named : "payments";
  waiting = [];
  handled = [];
  lost = 0;
  room = client.room(`alerts:${team}`);
  const chosen = new AbortController();
  room.on("alert", take, { signal: chosen.signal });
  room.onGap(miss, { signal: chosen.signal });
  room.onStatus(draw, { signal: chosen.signal });
  const out = room.join({ presence: { waiting: 0 } });
  leave = () => {
    chosen.abort();
    out();
  };
  const people = element("ul", { id: "people", class: "people", "aria-labelledby": "here" });
  the("#people", HTMLUListElement).replaceWith(people);
  showPeople(room.presence, people, (state) => (state?.waiting ? `${state.waiting} waiting` : ""));
  draw();
}

/** An alert that comes again, because it was not acknowledged in time, is one alert. */
function take(alert: Alert): void {
  if (waiting.some(({ id }) => id === alert.id)) return;
  waiting.push(alert);
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
  the("#waiting", HTMLOListElement).querySelector("button")?.focus();
}

let told = -1;
function draw(): void {
  const gone = lost ? `; ${count(lost, "alert")} before can no longer be shown` : "";
  const title = (waiting.length ? `${count(waiting.length, "alert")} to acknowledge` : "Nothing waits for you") + gone;
  const heading = the("#waiting-title", HTMLHeadingElement);
  if (heading.textContent !== title) heading.textContent = title;
  document.title = `${waiting.length ? `(${waiting.length}) ` : ""}Operations alerts · Tautline`;
  the("#waiting", HTMLOListElement).replaceChildren(...waiting.map((alert, at) => show(alert, at)));
  the("#handled", HTMLOListElement).replaceChildren(...handled.map((alert) => show(alert)));
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

/** An alert; `at` is its place among those that wait. */
function show(alert: Alert, at?: number): HTMLElement {
  const { severity, what } = alert.data;
  const item = element(
    "li",
    { class: "alert", "data-severity": severity },
    element("span", { class: "severity" }, severity),
  );
  item.append(element("h3", {}, what), element("small", {}, `${alert.user ?? "a program"}, ${clock(alert.sentAt)}`));
  if (at === undefined) return item;
  const made = button(
    at === 0 ? "Acknowledge" : "Acknowledge up to here",
    () => acknowledge(alert),
    at === 0 ? "primary" : "",
  );
  item.append(made);
  return item;
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
