// The wire as it is: every frame in and out with its time, newest last, at most ROWS_MAX of them.

const ROWS_MAX = 500;
const TEXT_KEPT_MAX = 16_384;
const PREVIEW_MAX = 300;
const AT_BOTTOM_PX = 24;

const ARROWS = { in: ["↓", "received"], out: ["↑", "sent"], note: ["·", "note"] };

export class Log {
  #list = document.querySelector("#wire-list");
  #count = document.querySelector("#wire-count");
  #text = document.querySelector("#filter-text");
  #direction = document.querySelector("#filter-direction");
  #heartbeat = document.querySelector("#filter-heartbeat");
  /** `{ at, direction, text, type, row }`; `row` is null until the next animation frame. */
  #entries = [];
  #drawing = false;

  constructor() {
    document.querySelector("#wire-clear").addEventListener("click", () => this.clear());
    const form = document.querySelector("#filters");
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => this.#filter());
  }

  /** `direction` is "in", "out", or "note" for what is not a frame: a dial, a close. */
  add(direction, text) {
    const kept = text.length > TEXT_KEPT_MAX ? `${text.slice(0, TEXT_KEPT_MAX)}…` : text;
    this.#entries.push({ at: new Date(), direction, text: kept, ...read(direction, kept), row: null });
    if (this.#entries.length > ROWS_MAX) this.#entries.shift().row?.remove();
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => this.#draw());
  }

  clear() {
    this.#entries = [];
    this.#list.replaceChildren();
    this.#showCount();
  }

  /** A burst of frames costs one layout, not one each. */
  #draw() {
    this.#drawing = false;
    const list = this.#list;
    const follow = list.scrollHeight - list.scrollTop - list.clientHeight < AT_BOTTOM_PX;
    const rows = document.createDocumentFragment();
    for (const entry of this.#entries) {
      if (entry.row) continue;
      entry.row = frameRow(entry);
      entry.row.hidden = !this.#wanted(entry);
      rows.append(entry.row);
    }
    list.append(rows);
    this.#showCount();
    if (follow) list.scrollTop = list.scrollHeight;
  }

  #filter() {
    for (const entry of this.#entries) if (entry.row) entry.row.hidden = !this.#wanted(entry);
    this.#list.scrollTop = this.#list.scrollHeight;
    this.#showCount();
  }

  #wanted({ direction, text, type }) {
    if (this.#direction.value && direction !== this.#direction.value) return false;
    if (!this.#heartbeat.checked && (type === "ping" || type === "pong")) return false;
    return text.toLowerCase().includes(this.#text.value.toLowerCase());
  }

  #showCount() {
    const shown = this.#entries.filter(({ row }) => row && !row.hidden).length;
    const all = this.#entries.length;
    const limit = all === ROWS_MAX ? ", the newest" : "";
    this.#count.textContent = shown === all ? `${all} rows${limit}` : `${shown} of ${all} rows${limit}`;
  }
}

/** The type and the rest of a frame; text that is not a JSON object is shown as it is. */
function read(direction, text) {
  if (direction === "note") return { type: "", rest: text };
  try {
    const { type, ...fields } = JSON.parse(text);
    return { type: String(type ?? "no type"), rest: Object.keys(fields).length ? JSON.stringify(fields) : "" };
  } catch {
    return { type: "not JSON", rest: text };
  }
}

function frameRow({ at, direction, text, type, rest }) {
  const row = document.createElement("li");
  row.dataset.direction = direction;
  const time = element("time", "", clock(at));
  time.dateTime = at.toISOString();
  const [arrow, spoken] = ARROWS[direction];
  const mark = element("span", "arrow", arrow);
  mark.role = "img";
  mark.ariaLabel = spoken;
  const line = element(direction === "note" ? "div" : "summary", "frame", "");
  line.append(time, mark, element("b", "", type), element("span", "rest", rest.slice(0, PREVIEW_MAX)));
  if (direction === "note") {
    row.append(line);
    return row;
  }
  const details = document.createElement("details");
  details.append(line);
  details.addEventListener("toggle", () => details.append(element("pre", "", pretty(text))), { once: true });
  row.append(details);
  return row;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function clock(date) {
  const two = (number) => String(number).padStart(2, "0");
  const milliseconds = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${milliseconds}`;
}

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}
