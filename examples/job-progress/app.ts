// Jobs whose progress outlives the window and the server. What happens to a job is said in a durable room and nowhere else: who has
// taken it, and each step that they have done. Who comes, or comes back, reads the room and goes on.

import type { AnyMessage } from "@tautline/client";
import { avatar, button, connect, element, me, the } from "../frame/frame.js";
import { PAST, past } from "../frame/past.js";
import { keyed, type Row, write } from "../frame/rows.js";

const STEPS = 60;
const STEP_TAKES = 400;
/** So many of the newest jobs are shown. */
const SHOWN_MAX = 8;

interface Job {
  id: string;
  title: string;
  /** Whose window runs it: whoever has taken it last, at this offset. */
  by: string;
  takenAt: number;
  done: number;
}
type Said = { taken: { id: string; title: string }; step: { id: string; done: number } };
type Jobs = { messages: Said };

const client = connect<{ rooms: { jobs: Jobs } }>();
const room = client.room("jobs");
const show = keyed(the("#jobs", HTMLOListElement), newRow);

/** By id, the newest last. */
const jobs = new Map<string, Job>();
/** Those that this window runs. */
const running = new Set<string>();

room.onMessage((message) => {
  hear(message);
  runMine();
});
room.onGap(async (gap) => {
  if (gap.reason === "epoch-changed") jobs.clear();
  const said = await past(room, gap);
  // A job that is not told of again may have another window since.
  for (const { id, takenAt } of jobs.values()) if (takenAt < gap.from) jobs.delete(id);
  for (const message of said) hear(message);
  runMine();
});
room.presence.subscribe(draw);
client.subscribe(draw);
room.onStatus(runMine);
room.join({ last: PAST });

function hear({ event, user = "", offset, data }: AnyMessage<Jobs>): void {
  const job = jobs.get(data.id);
  const { done = 0, takenAt = 0 } = job ?? {};
  if (event === "taken" && offset > takenAt) jobs.set(data.id, { ...data, done, by: user, takenAt: offset });
  // Somebody who was away does not know yet that the job was taken over.
  if (event === "step" && job?.by === user) job.done = Math.max(done, data.done);
}

the("#start", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  take({ id: crypto.randomUUID(), title: the("#title", HTMLSelectElement).value });
});

function take({ id, title }: Said["taken"]): void {
  insist("taken", { id, title }, `${id}/${me}`);
}

/** Runs what is to be run in this window, as soon as everything that was said before has been told. */
function runMine(): void {
  const isMine = ({ id, by, done }: Job) => by === me && done < STEPS && !running.has(id);
  if (room.state.status === "live") for (const job of jobs.values()) if (isMine(job)) run(job.id);
  draw();
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
  show(shown);
}

function newRow({ id, title }: Job): Row<Job> {
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
    write(said, words);
    write(face, avatar(job.by));
    bar.value = job.done;
    part.textContent = `${Math.round((job.done / STEPS) * 100)} %`;
    over.hidden = state !== "waits" || client.state.status !== "connected";
  };
  return { item, show };
}

/** How a job stands, for the eye and in words. */
function standing({ id, by, done }: Job): ["done" | "runs" | "waits", string] {
  if (done >= STEPS) return ["done", `Done by ${by}`];
  if (client.state.status !== "connected") return ["waits", "Waits for the connection"];
  if (running.has(id)) return ["runs", "Runs in this window"];
  const isHere = [...room.presence.view.members.values()].some(({ user }) => user === by);
  return isHere ? ["runs", `Runs in the window of ${by}`] : ["waits", `The window of ${by} is gone`];
}
