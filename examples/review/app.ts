// A review: comments on paragraphs, where everybody is, and who has read what. All of it is read out of one durable room.

import { avatar, button, clock, connect, count, element, me, showPeople, the } from "../frame/frame.js";

const TEXT = [
  "A taut-line hitch holds a tent in the wind. It slides along the line while a hand moves it, and grips as soon as there is a load. Nobody ties it again at night because the weather has changed.",
  "Connections are lines of that kind. A train enters a tunnel, a laptop is shut, a server is replaced. None of this is an error: it is the weather, and whoever builds for fair days only builds twice.",
  "So a client keeps three things: what it has said and nobody has confirmed, how far it has heard, and who it is. With these it comes back as if nothing had been, or says honestly what it has missed.",
  "What it must not keep is hope. A message that may be lost is worse than one that is late, and a list that may have holes is worse than one that says where they are.",
];

type Review = {
  messages: { comment: { paragraph: number; text: string }; read: { paragraph: number; upTo: number } };
  presence: { at: number | null };
};
interface Comment {
  offset: number;
  user: string;
  text: string;
  sentAt: string;
}

const client = connect<{ rooms: { [room: `review:${string}`]: Review } }>();
const room = client.room(`review:${location.hash.slice(1) || "lines"}`);
let chosen: number | null = null;

/** What was said of each paragraph, and up to which offset each person has read that. */
const paragraphs = TEXT.map((text, at) => ({ at, text, comments: [] as Comment[], read: new Map<string, number>() }));
type Paragraph = (typeof paragraphs)[number];
const drawings = paragraphs.map(newParagraph);

room.on("comment", ({ offset, user = "", data, sentAt }) => {
  const paragraph = paragraphs[data.paragraph];
  paragraph?.comments.push({ offset, user, text: data.text, sentAt });
  paragraph?.read.set(user, offset);
  draw();
});
room.on("read", ({ user = "", data }) => {
  const read = paragraphs[data.paragraph]?.read;
  read?.set(user, Math.max(read.get(user) ?? 0, data.upTo));
  draw();
});
// What is missing is not worth guessing at: the page begins anew with what the room has.
room.onGap(() => location.reload());
room.onStatus(draw);
room.presence.subscribe(draw);
document.addEventListener("visibilitychange", draw);
showPeople(room.presence, the("#people", HTMLUListElement), (state) =>
  typeof state?.at === "number" ? `paragraph ${state.at + 1}` : "",
);
room.join({ last: 1_000, presence: { at: null } });

/** How many comments of a paragraph one has not read. */
function unread({ comments, read }: Paragraph): number {
  const upTo = read.get(me) ?? 0;
  return comments.filter(({ offset }) => offset > upTo).length;
}

function choose(at: number | null): void {
  chosen = chosen === at ? null : at;
  room.presence.set({ at: chosen }).catch(() => {
    // Without a connection nobody sees it anyway.
  });
  draw();
}

/** Whoever looks at a paragraph has read what was said of it. */
function readChosen(): void {
  const paragraph = paragraphs[chosen ?? -1];
  const newest = paragraph?.comments.at(-1);
  if (!paragraph || !newest || !unread(paragraph) || room.state.status !== "live" || document.hidden) return;
  paragraph.read.set(me, newest.offset);
  room.publish("read", { paragraph: paragraph.at, upTo: newest.offset }).catch(() => paragraph.read.delete(me));
}

function draw(): void {
  readChosen();
  for (const drawing of drawings) drawing();
}

/** Builds a paragraph with its thread; what it returns draws both anew. */
function newParagraph(paragraph: Paragraph): () => void {
  const { at, text } = paragraph;
  const words = element("p", {}, text);
  const opener = button("", () => choose(at), "opener");
  words.addEventListener("click", () => choose(at));
  const comments = element("ol", { "aria-live": "polite", "aria-label": `Comments on paragraph ${at + 1}` });
  const input = element("input", {
    placeholder: "Say something",
    required: "",
    maxlength: "1000",
    "aria-label": "Comment",
  });
  const form = element("form", { autocomplete: "off" }, input, element("button", { class: "primary" }, "Comment"));
  const failure = element("small", { role: "alert" });
  const thread = element("div", { class: "thread" }, comments, form, failure);
  const section = element(
    "section",
    { class: "paragraph", "aria-label": `Paragraph ${at + 1}` },
    words,
    opener,
    thread,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = { paragraph: at, text: input.value.trim() };
    if (!said.text) return;
    form.reset();
    failure.textContent = client.state.status === "connected" ? "" : "Sent as soon as there is a connection";
    await room.publish("comment", said).then(
      () => failure.replaceChildren(),
      (error) => failure.replaceChildren(`Not sent: “${said.text}” (${error.message})`),
    );
  });
  thread.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    choose(at);
    opener.focus();
  });
  the("#paragraphs", HTMLDivElement).append(section);
  return () => {
    section.classList.toggle("chosen", chosen === at);
    opener.setAttribute("aria-expanded", String(chosen === at));
    thread.hidden = chosen !== at;
    comments.replaceChildren(...paragraph.comments.map((comment) => showComment(comment, paragraph.read)));
    opener.replaceChildren(...marginOf(paragraph));
  };
}

/** How much was said, what is new to oneself, and who else is there. */
function marginOf(paragraph: Paragraph): (Node | string)[] {
  const { comments, at } = paragraph;
  const news = unread(paragraph);
  const others = [...room.presence.view.members.values()].filter(({ user, state }) => user !== me && state?.at === at);
  const shown = others.map(({ user }) => avatar(user));
  for (const face of shown) face.classList.add("tiny");
  const said = comments.length ? count(comments.length, "comment") : "No comments";
  return [said, ...(news ? [element("span", { class: "new" }, `${news} new`)] : []), ...shown];
}

function showComment({ offset, user, text, sentAt }: Comment, read: Map<string, number>): HTMLElement {
  const readers = [...read].filter(([reader, upTo]) => reader !== user && upTo >= offset).map(([reader]) => reader);
  const head = element("header", {}, element("b", {}, user), element("small", {}, clock(sentAt)));
  const seen = element("small", {}, readers.length ? `Read by ${readers.join(", ")}` : "Read by nobody else yet");
  return element("li", { class: "comment" }, avatar(user), head, element("p", {}, text), seen);
}
