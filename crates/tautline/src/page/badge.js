// The badge and the notice below it: how the connection is, why, and when it is tried again.

const COUNTDOWN_STEP_MS = 1_000;

const LABELS = {
  idle: "Connecting",
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
  offline: "Offline",
  closed: "Closed",
};

export class Badge {
  #connection;
  #root = document.querySelector("#badge");
  #label = this.#root.querySelector(".badge-label");
  #detail = this.#root.querySelector(".badge-detail");
  #notice = document.querySelector("#notice");
  #noticeText = document.querySelector("#notice-text");
  #retry = document.querySelector("#retry");
  #tick = 0;

  constructor(connection) {
    this.#connection = connection;
    connection.addEventListener("state", () => this.#show());
    connection.addEventListener("latency", () => this.#showDetail());
    this.#retry.addEventListener("click", () => {
      if (connection.state.name === "closed") connection.connect();
      else connection.retryNow();
    });
  }

  #show() {
    const { state } = this.#connection;
    this.#root.dataset.state = state.name;
    // The label alone is announced: a countdown read aloud every second helps nobody.
    if (this.#label.textContent !== LABELS[state.name]) this.#label.textContent = LABELS[state.name];
    this.#notice.hidden = !state.ended;
    this.#notice.dataset.state = state.name;
    this.#noticeText.textContent = state.ended ? explain(state) : "";
    this.#retry.textContent = state.name === "closed" ? "Connect again" : "Retry now";
    this.#retry.disabled = state.retryAt === null;
    clearInterval(this.#tick);
    if (state.retryAt) this.#tick = setInterval(() => this.#showDetail(), COUNTDOWN_STEP_MS);
    this.#showDetail();
  }

  #showDetail() {
    this.#detail.textContent = detail(this.#connection);
  }
}

function detail({ state, latencyMs }) {
  if (state.name === "live") return latencyMs === null ? "" : `${latencyMs.toFixed(latencyMs < 10 ? 1 : 0)} ms`;
  if (state.name === "closed") return String(state.ended.code);
  if (state.retryAt === null) return "now";
  if (!state.retryAt) return "";
  const seconds = Math.ceil((state.retryAt - Date.now()) / 1_000);
  return seconds > 0 ? `in ${seconds} s` : "now";
}

function explain({ name, ended, attempt }) {
  const why = `${ended.code}, ${ended.meaning}${ended.reason ? ` (“${ended.reason}”)` : ""}.`;
  if (name === "closed") return `Closed: ${why} The page stays away until you connect again.`;
  const tries = `Attempt ${attempt}.`;
  if (name === "offline") return `No network, says the browser. Connection ended with ${why} ${tries}`;
  return `Connection ended with ${why} ${tries}`;
}
