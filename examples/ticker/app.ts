// A ticker at hundreds of quotes a second. A quote is a cast with `latest`: whoever cannot take them all, a connection or a person,
// gets the newest of each symbol, and nothing piles up. The page itself draws once a frame, whatever comes.

import { connect, element, the } from "../frame/frame.js";

const SYMBOLS = {
  BOWL: 128.4,
  CLEAT: 42.15,
  HITCH: 310.8,
  KEEL: 76.3,
  MAST: 19.95,
  REEF: 205.1,
  SHEET: 58.6,
  SPLICE: 91.25,
};
/** So many points of a symbol are drawn, one each so often. */
const POINTS = 90;
const POINT_EVERY = 100;
const SEND_EVERY = 20;
/** After this long without a quote the board says so. */
const QUIET_AFTER = 3_000;

type Symbol = keyof typeof SYMBOLS;
/** A price, and how many quotes its sender had sent with it. */
interface Quote {
  price: number;
  sent: number;
}

const client = connect<{ rooms: { ticker: { messages: object; casts: Record<Symbol, Quote> } } }>();
const room = client.room("ticker");
const names = Object.keys(SYMBOLS) as Symbol[];
const rate = the("#rate", HTMLInputElement);
const send = the("#send", HTMLButtonElement);

/** How many quotes each sender had sent when this window heard of them. */
const senders = new Map<string, number>();
const tally = { sent: 0, received: 0, drawn: 0 };
let heardAt = Number.NEGATIVE_INFINITY;
const rows = names.map(newRow);
for (const { symbol, item, hear } of rows) {
  the("#board", HTMLUListElement).append(item);
  room.onCast(symbol, ({ user = "", data }) => {
    tally.received += 1;
    tally.sent += Math.max(1, data.sent - (senders.get(user) ?? data.sent - 1));
    senders.set(user, data.sent);
    heardAt = performance.now();
    hear(data.price);
  });
}
room.join();
requestAnimationFrame(draw);

function draw(now: number): void {
  for (const row of rows) tally.drawn += row.draw(now) ? 1 : 0;
  for (const name of ["sent", "received", "drawn"] as const) {
    const text = tally[name].toLocaleString("en");
    const shown = the(`#${name}`, HTMLElement);
    if (shown.textContent !== text) shown.textContent = text;
  }
  the("#quiet", HTMLParagraphElement).hidden = now - heardAt < QUIET_AFTER;
  requestAnimationFrame(draw);
}

/** A symbol on the board: it hears as often as quotes come, and is drawn when the page is. */
function newRow(symbol: Symbol) {
  const price = element("span", { class: "price" }, "–");
  const change = element("span", { class: "change" });
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  const chart = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  chart.setAttribute("viewBox", `0 0 ${POINTS - 1} 30`);
  chart.setAttribute("preserveAspectRatio", "none");
  chart.setAttribute("aria-hidden", "true");
  chart.append(line);
  const item = element(
    "li",
    { class: "panel quote" },
    element("span", { class: "symbol" }, symbol),
    price,
    element("span"),
    change,
  );
  item.append(chart);
  let newest: number | undefined;
  let pointAt = 0;
  let isDrawn = true;
  const points: number[] = [];
  const hear = (heard: number) => {
    newest = heard;
    isDrawn = false;
  };
  const draw = (now: number): boolean => {
    if (newest === undefined || isDrawn) return false;
    isDrawn = true;
    if (now - pointAt >= POINT_EVERY) {
      pointAt = now;
      points.push(newest);
      points.splice(0, points.length - POINTS);
      line.setAttribute("points", outline(points));
    }
    const percent = (newest / SYMBOLS[symbol] - 1) * 100;
    price.textContent = newest.toFixed(2);
    change.textContent = `${percent < 0 ? "−" : "+"}${Math.abs(percent).toFixed(2)} %`;
    item.dataset.way = percent < 0 ? "down" : "up";
    return true;
  };
  return { symbol, item, hear, draw };
}

/** Prices as a line through a field 30 high. */
function outline(points: readonly number[]): string {
  const [low, high] = [Math.min(...points), Math.max(...points)];
  const height = (price: number) => 28 - ((price - low) / (high - low || 1)) * 26;
  return points.map((price, at) => `${at + POINTS - points.length},${height(price).toFixed(1)}`).join(" ");
}

/** Sends as many quotes as are due since the last time, symbol by symbol. */
const prices = { ...SYMBOLS };
let sent = 0;
let timer: ReturnType<typeof setInterval> | undefined;
send.addEventListener("click", () => {
  clearInterval(timer);
  const isSending = timer === undefined;
  timer = undefined;
  send.setAttribute("aria-pressed", String(isSending));
  send.textContent = isSending ? "Stop sending" : "Send quotes";
  if (!isSending) return;
  let at = performance.now();
  timer = setInterval(() => {
    const due = Math.floor(((performance.now() - at) * Number(rate.value)) / 1_000);
    at += (due * 1_000) / Number(rate.value);
    for (let each = 0; each < due; each += 1) quote(names[sent % names.length] ?? "BOWL");
  }, SEND_EVERY);
});
rate.addEventListener("input", () => {
  the("#rate-shown", HTMLOutputElement).textContent = `${Number(rate.value).toLocaleString("en")} a second`;
});

function quote(symbol: Symbol): void {
  // A walk that is drawn back to where it began.
  const pull = (SYMBOLS[symbol] - prices[symbol]) * 0.002;
  prices[symbol] += pull + (Math.random() - 0.5) * SYMBOLS[symbol] * 0.002;
  sent += 1;
  room.cast(symbol, { price: Math.round(prices[symbol] * 100) / 100, sent }, { latest: true });
}
