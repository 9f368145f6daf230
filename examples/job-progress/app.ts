// Jobs whose progress outlives the window and the server. What happens to a job is said in a durable room and nowhere else: who has
// taken it, and each step that they have done. Who comes, or comes back, reads the room and goes on.

import { avatar, button, connect, element, me, the } from "../frame/frame.js";

const STEPS = 60;
const STEP_TAKES = 400;
/** So many of the newest jobs are shown. */
const SHOWN_MAX = 8;

interface Job {
  id: string;
  title: string;
  /** Whose window runs it: whoever has taken it last. */
  by: string;
  done: number;
}
type Said = { taken: { id: string; title: string }; step: { id: string; done: number } };

const client = connect<{ rooms: { jobs: { messages: Said } } }>();
const room = client.room("jobs");
const list = the("#jobs", HTMLOListElement);

/** By id, the newest last. */
const jobs = new Map<string, Job>();
/** Those that this window runs. */
const running = new Set<string>();

room.on("taken", ({ user = "", data: { id, title } }) => {
  jobs.set(id, { id, title, done: jobs.get(id)?.done ?? 0, by: user });
  if (room.state.status === "live") runMine();
  draw();
});
room.on("step", ({ user, data: { id, done } }) => {
  const job = jobs.get(id);
  // Somebody who was away does not know yet that the job was taken over.
  if (job && job.by === user) job.done = Math.max(job.done, done);
  draw();
});
// Everything that was said before has been told by then.
room.onStatus(({ status }) => status === "live" && runMine());
// A job may have another window since: the page begins anew with what the room has.
room.onGap(() => location.reload());
room.presence.subscribe(draw);
client.subscribe(draw);
room.subscribe(draw);
room.join({ last: 1_000 });

the("#start", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  take({ id: crypto.randomUUID(), title: the("#title", HTMLSelectElement).value });
});

function take({ id, title }: Said["taken"]): void {
  insist("taken", { id, title }, `${id}/${me}`);
}

function runMine(): void {
  for (const job of jobs.values()) if (job.by === me && job.done < STEPS && !running.has(job.id)) run(job.id);
}

/** Does the work, from where it stands, as long as nobody else has taken it over. */
async function run(id: string): Promise<void> {
  running.add(id);
  for (let job = jobs.get(id); job?.by === me && job.done < STEPS; job = jobs.get(id)) {
    const done = job.done + 1;
    await new Promise((worked) => setTimeout(worked, STEP_TAKES));
    await insist("step", { id, done }, `${id}/${me}/${done}`);
    job.done = Math.max(job.done, done);
  }
  running.delete(id);
  draw();
}

/** Publishes something once, however long there is no connection: the same key is the same publication. */
async function insist<E extends keyof Said>(event: E, data: Said[E], key: string): Promise<void> {
  for (;;) {
    try {
      await room.publish(event, data, { key });
      return;
    } catch (error) {
      console.warn("it is said again", error);
      await new Promise((waited) => setTimeout(waited, STEP_TAKES));
    }
  }
}

function draw(): void {
  const shown = [...jobs.values()].reverse().slice(0, SHOWN_MAX);
  the("#empty", HTMLParagraphElement).hidden = shown.length > 0 || room.state.status !== "live";
  for (const [at, job] of shown.entries()) {
    const row = rows.get(job.id) ?? newRow(job);
    if (list.children[at] !== row.item) list.insertBefore(row.item, list.children[at] ?? null);
    row.show(job);
  }
  while (list.children.length > shown.length) list.lastElementChild?.remove();
}

interface Row {
  item: HTMLElement;
  show(job: Job): void;
}
const rows = new Map<string, Row>();

function newRow({ id, title }: Job): Row {
  const part = element("span", { class: "part" });
  const bar = element("progress", { max: String(STEPS), "aria-label": title });
  const said = element("small", { "aria-live": "polite" });
  const over = button("Take over", () => take({ id, title }));
  const face = element("span");
  const item = element("li", { class: "panel job", id: `job-${id}` }, face, element("h3", {}, title), part, bar);
  item.append(element("div", { class: "foot" }, said, over));
  const show = (job: Job) => {
    const [state, words] = standing(job);
    item.dataset.state = state;
    if (said.textContent !== words) said.textContent = words;
    if (face.title !== job.by) face.replaceChildren(avatar(job.by));
    face.title = job.by;
    bar.value = job.done;
    part.textContent = `${Math.round((job.done / STEPS) * 100)} %`;
    over.hidden = state !== "waits" || client.state.status !== "connected";
  };
  const row = { item, show };
  rows.set(id, row);
  return row;
}

/** How a job stands, for the eye and in words. */
function standing({ id, by, done }: Job): ["done" | "runs" | "waits", string] {
  if (done >= STEPS) return ["done", `Done by ${by}`];
  if (client.state.status !== "connected") return ["waits", "Waits for the connection"];
  if (running.has(id)) return ["runs", "Runs in this window"];
  const isHere = [...room.presence.view.members.values()].some(({ user }) => user === by);
  return isHere ? ["runs", `Runs in the window of ${by}`] : ["waits", `The window of ${by} is gone`];
}
