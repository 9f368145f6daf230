// One room: its transcript, and what is known of it. Everything a stranger typed goes in as text.

const ROWS_MAX = 500;
const GROUPED_WITHIN_MS = 5 * 60_000;
const AT_BOTTOM_PX = 48;

export class Room {
  id;
  /** Connections in the room, or null while nobody has told us. */
  memberCount = null;
  unread = 0;
  transcript = document.createElement("div");
  #isMine;
  /** Message id to row. */
  #known = new Map();
  /** Request id to what was sent under it and has no echo yet. */
  #waiting = new Map();
  #following = true;
  #scrolling = false;
  #empty = row("empty", "Nothing said yet. Open this page in a second window and say hello.");

  /** `isMine(userId)` tells whether one of this page's connections said it. */
  constructor(id, isMine) {
    this.id = id;
    this.#isMine = isMine;
    const { transcript } = this;
    transcript.className = "transcript";
    transcript.role = "log";
    transcript.ariaLabel = `Messages in ${id}`;
    transcript.tabIndex = 0;
    transcript.append(this.#empty);
    transcript.addEventListener("scroll", () => {
      const below = transcript.scrollHeight - transcript.scrollTop - transcript.clientHeight;
      this.#following = below < AT_BOTTOM_PX;
    });
  }

  /**
   * Shows what this page has sent, until the server's echo with the same request id takes its place.
   * `sendAgain` returns whether it could.
   */
  addSent(text, requestId, sendAgain) {
    const sent = messageRow({ userId: "you", text, mine: true });
    sent.classList.add("waiting");
    this.#waiting.set(requestId, { row: sent, sendAgain });
    this.#append(sent);
    this.scrollToEnd();
  }

  /** Live and from history alike; a message that is already shown is not shown twice. */
  addMessage(frame) {
    if (this.#known.has(frame.id)) return false;
    this.#waiting.get(frame.requestId)?.row.remove();
    this.#waiting.delete(frame.requestId);
    const { userId, text, payload, type, sentAt } = frame;
    const shown = messageRow({
      userId,
      mine: this.#isMine(userId),
      event: type === "chat" ? "" : type,
      text: text ?? JSON.stringify(payload),
      sentAt: new Date(sentAt),
    });
    this.#known.set(frame.id, shown);
    this.#append(shown);
    return true;
  }

  addHistory(frames) {
    const hadMessages = this.#known.size > 0;
    const news = frames.filter((frame) => !this.#known.has(frame.id));
    if (hadMessages && news.length > 0 && news.length === frames.length) {
      this.addNote("Messages from before this line may be missing.");
    }
    for (const frame of news) this.addMessage(frame);
    this.scrollToEnd();
  }

  addNote(text, kind = "note") {
    const note = row(kind, text);
    note.append(" ", timeOf(new Date()));
    this.#append(note);
  }

  /** The connection is gone: nobody knows now who is here, or whether what was sent arrived. */
  markLost(how) {
    if (this.memberCount !== null) this.addNote(how);
    this.memberCount = null;
    for (const requestId of this.#waiting.keys()) this.markUnsent(requestId, "Not confirmed before the connection ended.");
  }

  /** Returns false where no message of this room waits under `requestId`. */
  markUnsent(requestId, why) {
    const waiting = this.#waiting.get(requestId);
    if (!waiting) return false;
    if (waiting.row.classList.contains("unsent")) return true;
    waiting.row.classList.replace("waiting", "unsent");
    const again = document.createElement("button");
    again.type = "button";
    again.className = "quiet";
    again.textContent = "Send again";
    again.addEventListener("click", () => {
      if (!waiting.sendAgain()) return;
      this.#waiting.delete(requestId);
      waiting.row.remove();
    });
    const note = row("why", `${why} `);
    note.append(again);
    waiting.row.append(note);
    return true;
  }

  /** A burst of messages costs one layout, not one each. */
  scrollToEnd() {
    this.#following = true;
    if (this.#scrolling) return;
    this.#scrolling = true;
    requestAnimationFrame(() => {
      this.#scrolling = false;
      this.transcript.scrollTop = this.transcript.scrollHeight;
    });
  }

  #append(added) {
    const { transcript } = this;
    this.#empty.remove();
    if (continues(transcript.lastElementChild, added)) added.classList.add("continued");
    transcript.append(added);
    if (transcript.childElementCount > ROWS_MAX) this.#forgetOldest();
    if (this.#following) this.scrollToEnd();
  }

  #forgetOldest() {
    const oldest = this.transcript.firstElementChild;
    oldest.remove();
    for (const [id, shown] of this.#known) if (shown === oldest) this.#known.delete(id);
    for (const [id, waiting] of this.#waiting) if (waiting.row === oldest) this.#waiting.delete(id);
    this.transcript.firstElementChild.classList.remove("continued");
  }
}

/** Consecutive messages of one author read as one paragraph group, with one heading. */
function continues(before, after) {
  if (!before?.dataset.author || before.dataset.author !== after.dataset.author) return false;
  return after.dataset.at - before.dataset.at < GROUPED_WITHIN_MS;
}

function messageRow({ userId, text, event = "", mine, sentAt = new Date() }) {
  const message = row("message");
  message.dataset.author = mine ? "you" : userId;
  message.dataset.at = sentAt.getTime();
  message.classList.toggle("mine", mine);
  const author = element("b", mine ? "you" : userId);
  author.title = userId;
  const head = row("head");
  head.append(author, timeOf(sentAt));
  const body = element("p", "");
  if (event) body.append(element("i", event), " ", element("code", text));
  else body.textContent = text;
  message.append(head, body);
  return message;
}

function timeOf(date) {
  const time = element("time", date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
  time.dateTime = date.toISOString();
  return time;
}

function row(className, text = "") {
  const made = element("div", text);
  made.className = className;
  return made;
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
