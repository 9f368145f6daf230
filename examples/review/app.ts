// A review: comments on paragraphs, where everybody is, and who has read what. All of it is read out of one durable room.

import type { AnyMessage, Message } from "@tautline/client";
import { avatar, button, clock, connect, count, element, me, showPeople, the } from "../frame/frame.js";
import { PAST, past } from "../frame/past.js";
import { keyed, type Row, write } from "../frame/rows.js";

type Review = {
  messages: { comment: { paragraph: number; text: string }; read: { paragraph: number; upTo: number } };
  presence: { at: number | null };
};
type Comment = Message<Review, "comment">;

const client = connect<{ rooms: { [room: `review:${string}`]: Review } }>();
const room = client.room(`review:${location.hash.slice(1) || "lines"}`);
let chosen: number | null = null;

/** What was said of each paragraph, and up to which offset each person has read that. */
const words = [...the("#paragraphs", HTMLDivElement).children];
const paragraphs = words.map((text, at) => ({ at, text, comments: [] as Comment[], read: new Map<string, number>() }));
type Paragraph = (typeof paragraphs)[number];
const drawings = paragraphs.map(newParagraph);

room.onMessage((message) => {
  hear(message);
  draw();
});
room.onGap(async (gap) => {
  for (const { comments, read } of gap.reason === "epoch-changed" ? paragraphs : []) {
    comments.length = 0;
    read.clear();
  }
  for (const message of await past(room, gap)) hear(message);
  draw();
});
room.onStatus(draw);
room.presence.subscribe(draw);
document.addEventListener("visibilitychange", draw);
showPeople(room.presence, the("#people", HTMLUListElement), (state) =>
  typeof state?.at === "number" ? `paragraph ${state.at + 1}` : "",
);
room.join({ last: PAST, presence: { at: null } });

/** Takes in what was said. It may have been there already, and need not be the newest. */
function hear(message: AnyMessage<Review>): void {
  const { event, data, offset, id, user = "" } = message;
  const { comments = [], read } = paragraphs[data.paragraph] ?? {};
  read?.set(user, Math.max(read.get(user) ?? 0, event === "read" ? data.upTo : offset));
  if (event === "read" || comments.some((comment) => comment.id === id)) return;
  comments.push(message);
  comments.sort((one, other) => one.offset - other.offset);
}

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
  const before = paragraph.read.get(me) ?? 0;
  paragraph.read.set(me, newest.offset);
  room.publish("read", { paragraph: paragraph.at, upTo: newest.offset }).catch(() => paragraph.read.set(me, before));
}

function draw(): void {
  readChosen();
  for (const drawing of drawings) drawing();
}

/** Builds a paragraph with its thread; what it returns draws both anew. */
function newParagraph(paragraph: Paragraph): () => void {
  const { at, text } = paragraph;
  const name = `Paragraph ${at + 1}`;
  const opener = button("", () => choose(at), "opener");
  text.addEventListener("click", () => choose(at));
  const list = element("ol", { "aria-live": "polite", "aria-label": `Comments: ${name}` });
  const input = element("input", {
    required: "",
    maxlength: "1000",
    "aria-label": "Comment",
    placeholder: "Say something",
  });
  const form = element("form", { autocomplete: "off" }, input, element("button", { class: "primary" }, "Comment"));
  const failure = element("small", { role: "alert" });
  const thread = element("div", { class: "thread" }, list, form, failure);
  const section = element("section", { class: "paragraph", "aria-label": name }, opener, thread);
  text.replaceWith(section);
  section.prepend(text);
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
  const show = keyed(list, (comment: Comment) => newComment(comment, paragraph.read));
  return () => {
    section.classList.toggle("chosen", chosen === at);
    opener.setAttribute("aria-expanded", String(chosen === at));
    thread.hidden = chosen !== at;
    if (chosen === at) show(paragraph.comments);
    write(opener, ...marginOf(paragraph));
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

/** A comment, and who has read it, which changes and need not be read out. */
function newComment({ offset, user = "", data, sentAt }: Comment, read: Map<string, number>): Row<Comment> {
  const head = element("header", {}, element("b", {}, user), element("small", {}, clock(sentAt)));
  const seen = element("small", { "aria-live": "off" });
  const show = () => {
    const readers = [...read].filter(([reader, upTo]) => reader !== user && upTo >= offset).map(([reader]) => reader);
    write(seen, readers.length ? `Read by ${readers.join(", ")}` : "Read by nobody else yet");
  };
  return { item: element("li", { class: "comment" }, avatar(user), head, element("p", {}, data.text), seen), show };
}
