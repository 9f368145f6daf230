// A connection to Tautline that comes back. Plain protocol (v1), no dependency: copy this file and
// close-codes.js into your own project.
//
//   const connection = new Connection({ url: "ws://127.0.0.1:8080/ws", token: "dev-token" });
//   connection.addEventListener("message", ({ detail }) => console.log(detail.type, detail));
//   connection.addEventListener("state", () => console.log(connection.state.name));
//   connection.join("lobby");
//   connection.connect();
//
// It dials, authenticates, joins its rooms, probes a silent line with `ping`, and after every loss
// does all of that again: after a random wait that doubles from 1 s to 30 s, so that a thousand
// pages do not return in the same instant, and at once when the network is back.
//
// What it cannot do: v1 has no resume. After a reconnect the server's `history` may repeat what was
// shown (compare the ids), and a `chat` whose echo never came may or may not have arrived.
//
// Events: "state" (read `connection.state`), "message" (a parsed frame, in `detail`), "frame"
// (`{ direction: "in" | "out", text }`, for a log) and "latency" (read `connection.latencyMs`).

import { closeCode, STRIKES_MAX } from "./close-codes.js";

const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_CAP_MS = 30_000;
const STABLE_AFTER_MS = 10_000;
const DIAL_TIMEOUT_MS = 10_000;
const PING_AFTER_SILENCE_MS = 15_000;
const PONG_TIMEOUT_MS = 5_000;
const WAKE_PONG_TIMEOUT_MS = 3_000;

/** Exponential backoff with full jitter: anything from nothing to the whole window. */
export function backoffMs(attempt, random = Math.random) {
  const windowMs = Math.min(BACKOFF_CAP_MS, BACKOFF_FIRST_MS * 2 ** attempt);
  return Math.round(random() * windowMs);
}

/**
 * `state.name` is one of
 *   "idle"          before `connect`
 *   "connecting"    the first dial
 *   "live"          authenticated; `connectionId`, `userId`
 *   "reconnecting"  lost; `ended`, `attempt`, and `retryAt` (null while dialing)
 *   "offline"       the same, while the browser says that there is no network
 *   "closed"        over until `connect` is called; `ended`
 * where `ended` is `{ code, reason, meaning }`.
 */
export class Connection extends EventTarget {
  #url;
  #token;
  #rooms = new Set();
  #state = { name: "idle" };
  #socket = null;
  #attempt = 0;
  #strikes = 0;
  #probes = 0;
  #probe = { id: null, sentAt: 0 };
  #latencyMs = null;
  #timers = new Map();
  #wakeSignals = null;

  constructor({ url, token }) {
    super();
    this.#url = url;
    this.#token = token;
  }

  get state() {
    return this.#state;
  }

  /** The last round trip of a `ping`, or null when there was none on this connection. */
  get latencyMs() {
    return this.#latencyMs;
  }

  connect() {
    if (this.#state.name !== "idle" && this.#state.name !== "closed") return;
    this.#attempt = 0;
    this.#strikes = 0;
    this.#listenForWakeSignals();
    this.#become({ name: "connecting" });
    this.#dial();
  }

  /** Ends for good: no timer and no wake signal brings it back, only `connect` does. */
  close() {
    if (this.#state.name === "idle" || this.#state.name === "closed") return;
    this.#socket?.close(1000, "closed by the page");
    this.#finish({ code: 1000, reason: "", meaning: "closed by this page" });
  }

  /** Cuts the wait before the next dial short. Does nothing unless one is being waited for. */
  retryNow() {
    if (this.#timers.has("retry")) this.#dial();
  }

  /** Joins a room now, or as soon as the connection is open, and again after every reconnect. */
  join(roomId) {
    this.#rooms.add(roomId);
    this.send(joinFrame(roomId));
  }

  leave(roomId) {
    this.#rooms.delete(roomId);
    this.send({ type: "leave", roomId });
  }

  /** Sends `frame` as JSON. False means that it was not sent: nothing is kept for later. */
  send(frame) {
    return this.sendText(JSON.stringify(frame));
  }

  sendText(text) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(text);
    this.#emit("frame", { direction: "out", text });
    return true;
  }

  #dial() {
    this.#cancelTimers();
    if (this.#state.name !== "connecting") this.#become({ ...this.#state, retryAt: null });

    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    // A socket that was given up may still speak; only the newest is listened to.
    const whileCurrent = (listener) => (event) => {
      if (this.#socket === socket) listener(event);
    };
    socket.onopen = whileCurrent(() => this.#greet());
    socket.onmessage = whileCurrent(({ data }) => this.#receive(data));
    // An error event says nothing and is always followed by a close event, which does.
    socket.onclose = whileCurrent(({ code, reason }) => this.#lose(code, reason));
    this.#after("deadline", DIAL_TIMEOUT_MS, () => this.#abandon("no answer to the dial"));
  }

  /** The server takes frames in order, so the joins need not wait for the answer to `auth`. */
  #greet() {
    this.send({ type: "auth", token: this.#token });
    for (const roomId of this.#rooms) this.send(joinFrame(roomId));
  }

  #receive(text) {
    // Whatever arrives proves that the line is alive.
    this.#cancel("deadline");
    this.#after("silence", PING_AFTER_SILENCE_MS, () => this.#ping(PONG_TIMEOUT_MS));
    this.#emit("frame", { direction: "in", text });

    const message = JSON.parse(text);
    if (message.type === "auth_ok") this.#settle(message);
    if (message.type === "pong" && message.requestId === this.#probe.id) this.#measure();
    this.#keepRooms(message);
    this.#emit("message", message);
  }

  /** What the server says is joined, by whichever frame that came about, is what will be rejoined. */
  #keepRooms({ type, roomId, topic, topics }) {
    if (type === "joined") this.#rooms.add(roomId);
    if (type === "subscribed") for (const each of topics) this.#rooms.add(each);
    if (type === "left") this.#rooms.delete(roomId);
    if (type === "unsubscribed") this.#rooms.delete(topic);
  }

  #settle({ connectionId, userId }) {
    if (this.#state.name === "live") return;
    this.#become({ name: "live", connectionId, userId });
    this.#after("stable", STABLE_AFTER_MS, () => {
      this.#attempt = 0;
      this.#strikes = 0;
    });
    this.#ping(PONG_TIMEOUT_MS);
  }

  /** Asks whether the other end is still there; a line that stays silent is given up. */
  #ping(timeoutMs) {
    if (this.#state.name !== "live" || this.#timers.has("deadline")) return;
    this.#probe = { id: `probe-${++this.#probes}`, sentAt: performance.now() };
    this.send({ type: "ping", requestId: this.#probe.id });
    this.#after("deadline", timeoutMs, () => this.#abandon("no answer to a ping"));
  }

  #measure() {
    this.#latencyMs = performance.now() - this.#probe.sentAt;
    this.#emit("latency");
  }

  /** On a dead line the close event can take minutes; this does not wait for it. */
  #abandon(reason) {
    this.#socket.close();
    this.#lose(1006, reason);
  }

  #lose(code, reason) {
    const { meaning, then, pauseMs = 0 } = closeCode(code);
    const ended = { code, reason, meaning };
    this.#strikes = then === "strikes" ? this.#strikes + 1 : 0;
    if (then === "final" || this.#strikes === STRIKES_MAX) return this.#finish(ended);

    this.#socket = null;
    this.#cancelTimers();
    const delayMs = Math.max(pauseMs, backoffMs(this.#attempt));
    this.#attempt += 1;
    this.#latencyMs = null;
    this.#after("retry", delayMs, () => this.#dial());
    const retryAt = Date.now() + delayMs;
    this.#become({ name: "reconnecting", ended, attempt: this.#attempt, retryAt });
  }

  #finish(ended) {
    this.#socket = null;
    this.#cancelTimers();
    this.#wakeSignals.abort();
    this.#latencyMs = null;
    this.#become({ name: "closed", ended });
  }

  /** Browsers tell when the network or the page comes back; a sleeping page's timers do not. */
  #listenForWakeSignals() {
    this.#wakeSignals = new AbortController();
    const { signal } = this.#wakeSignals;
    const on = (target, type, listener) => target.addEventListener(type, listener, { signal });
    const waiting = () => this.#timers.has("retry");
    const probe = () => this.#ping(WAKE_PONG_TIMEOUT_MS);

    on(window, "online", () => (waiting() ? this.retryNow() : probe()));
    on(window, "offline", () => (waiting() ? this.#become(this.#state) : probe()));
    on(document, "visibilitychange", () => document.hidden || probe());
    // A page put aside for the back button keeps a socket that is open in name only.
    on(window, "pagehide", ({ persisted }) => {
      if (persisted && this.#socket) this.#abandon("the page was put aside");
    });
    on(window, "pageshow", ({ persisted }) => persisted && this.retryNow());
  }

  #become(state) {
    // A loopback server needs no network: "offline" is a name for the wait and never stops it.
    const lost = state.name === "reconnecting" || state.name === "offline";
    const lostName = navigator.onLine ? "reconnecting" : "offline";
    this.#state = lost ? { ...state, name: lostName } : state;
    this.#emit("state");
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #after(name, delayMs, action) {
    this.#cancel(name);
    const fire = () => {
      this.#timers.delete(name);
      action();
    };
    this.#timers.set(name, setTimeout(fire, delayMs));
  }

  #cancel(name) {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }

  #cancelTimers() {
    for (const name of [...this.#timers.keys()]) this.#cancel(name);
  }
}

/** An `error` that answers a join carries this request id, so the page can tell which room it is. */
function joinFrame(roomId) {
  return { type: "join", roomId, requestId: `join:${roomId}` };
}
