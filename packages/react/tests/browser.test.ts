// The hooks in a real Chromium against the real server, in strict mode, with the newest and the oldest React that they work with.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { CHROMIUM, HANG_MS, QUIET, type RunningServer, startServer } from "../../../e2e/harness.js";
import type { Wanted } from "./app.js";
import { type Site, startSite } from "./site.js";

const { TEST_ALL } = process.env;
const MISSING = `no Chromium at ${CHROMIUM}: \`apt-get install chromium\`, or set CHROMIUM to its path`;

/** A client may be in so many rooms, and publish as often as it wants to. */
const ROOMS_MAX = 3;
const SETTINGS = { TAUTLINE_LIMITS_ROOMS_PER_CONNECTION: `${ROOMS_MAX}`, TAUTLINE_LIMITS_PUBLISH_RATE: "off" };

/** What Chromium itself prints about a server that is down; no page can prevent it. */
const EXPECTED_WHILE_DOWN = /^WebSocket connection to .* failed/;

if (existsSync(CHROMIUM)) {
  for (const version of ["19", "18"] as const) {
    describe(`the hooks with React ${version}`, { timeout: 10 * HANG_MS }, () => hookTests(version));
  }
} else {
  test("the hooks", { skip: TEST_ALL !== "1" && MISSING }, () => assert.fail(MISSING));
}

/** A page, and every socket that it has opened. */
interface Opened {
  readonly page: Page;
  readonly sockets: Traffic[];
}

/** What these tests look at of what a client says. */
interface Message {
  readonly type: string;
  readonly payload: { readonly room: string; readonly rooms?: readonly { readonly room: string }[] };
}

/** What a page has sent on one socket. */
interface Traffic {
  isClosed: boolean;
  readonly sent: Message[];
}

function hookTests(version: "19" | "18") {
  let browser: Browser;
  let site: Site;
  let server: RunningServer;
  let contexts: BrowserContext[];
  let complaints: string[];

  before(async () => {
    site = await startSite(version);
    browser = await chromium.launch({ executablePath: CHROMIUM, args: QUIET });
  });
  after(async () => {
    await browser?.close();
    site?.close();
  });
  beforeEach(async () => {
    contexts = [];
    complaints = [];
    server = await startServer(0, SETTINGS);
  });
  afterEach(async () => {
    for (const context of contexts) await context.close();
    await server.kill();
    assert.deepEqual(complaints, [], "the console stays silent");
  });

  async function open(wanted?: Wanted): Promise<Opened> {
    const context = await browser.newContext();
    contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(HANG_MS);
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      const isLoud = message.type() === "error" || message.type() === "warning";
      if (isLoud && !EXPECTED_WHILE_DOWN.test(message.text())) complaints.push(message.text());
    });
    const sockets: Traffic[] = [];
    page.on("websocket", (socket) => {
      const traffic: Traffic = { isClosed: false, sent: [] };
      sockets.push(traffic);
      socket.on("framesent", ({ payload }) => traffic.sent.push(JSON.parse(String(payload))));
      socket.on("close", () => {
        traffic.isClosed = true;
      });
    });
    await page.clock.install();
    await page.goto(site.page(server.socket, wanted));
    return { page, sockets };
  }

  const show = (page: Page, wanted: Wanted) => page.evaluate((wanted) => lab.show(wanted), wanted);
  const shows = (page: Page, selector: string, text: string) =>
    page
      .locator(selector)
      .filter({ hasText: new RegExp(`^${text}$`) })
      .waitFor();
  const isLive = (page: Page, place: number) => shows(page, `#place-${place} .status`, "live");
  const publish = (page: Page, room: `room:${string}`, counts: number[]) =>
    page.evaluate(([room, counts]) => lab.publish(room, counts), [room, counts] as const);
  const heard = (page: Page) => page.evaluate(() => lab.heard);
  /** Resolves when the server has answered what was sent before. */
  const settled = (page: Page) => page.evaluate(() => lab.client.request("echo", 1));
  const sent = ({ sockets }: Opened, type: string) =>
    sockets.flatMap((socket) => socket.sent.filter((message) => message.type === type));
  /** The rooms that were asked for, in a greeting or later. */
  const joins = (opened: Opened) => {
    const greeted = sent(opened, "hello").flatMap(({ payload }) => payload.rooms ?? []);
    return [...greeted, ...sent(opened, "join").map(({ payload }) => payload)].map(({ room }) => room);
  };
  const leaves = (opened: Opened) => sent(opened, "leave").map(({ payload }) => payload.room);

  /** Stops the page's timers for good, so soon ahead that the client does not take it for a machine that slept. */
  const standStill = async (page: Page) => page.clock.pauseAt((await page.evaluate(() => Date.now())) + 10_000);

  test("a page has one socket, and none is left when the client is closed", async () => {
    const opened = await open();
    const { page, sockets } = opened;
    await show(page, { rooms: ["room:a", "room:a", "room:b"] });
    for (const place of [0, 1, 2]) await isLive(page, place);
    await shows(page, "#connection", "connected");
    assert.equal(sockets.length, 1);
    assert.deepEqual(joins(opened).sort(), ["room:a", "room:b"]);

    await page.evaluate(() => lab.takeAway());
    await page.evaluate(() => lab.client.close());
    await until(() => sockets.every(({ isClosed }) => isClosed));
    assert.equal(sockets.length, 1);
  });

  test("a room is left a second after the last component has gone", async () => {
    const opened = await open();
    const { page } = opened;
    await show(page, { rooms: ["room:a", "room:a"] });
    await isLive(page, 1);
    await standStill(page);

    await show(page, { rooms: ["room:a"] });
    await page.clock.runFor(1_000);
    await settled(page);
    assert.deepEqual(leaves(opened), [], "one component is still there");

    await show(page, { rooms: [] });
    await page.clock.runFor(999);
    await settled(page);
    assert.deepEqual(leaves(opened), []);
    await page.clock.runFor(1);
    await settled(page);
    assert.deepEqual(leaves(opened), ["room:a"]);
  });

  test("a component that is back within a second costs no traffic", async () => {
    const opened = await open();
    const { page } = opened;
    await show(page, { rooms: ["room:a"] });
    await isLive(page, 0);
    await standStill(page);
    for (let visit = 0; visit < 5; visit += 1) {
      await page.evaluate(() => lab.takeAway());
      await page.clock.runFor(999);
      await show(page, { rooms: ["room:a"] });
      await isLive(page, 0);
    }
    await page.clock.runFor(5_000);
    await settled(page);
    assert.deepEqual([joins(opened), leaves(opened)], [["room:a"], []]);
    assert.equal(opened.sockets.length, 1);
  });

  test("a component without a name is in no room, and goes along when its name changes", async () => {
    const opened = await open();
    const { page } = opened;
    await show(page, { rooms: [null] });
    await shows(page, "#place-0 .status", "idle");
    assert.deepEqual(opened.sockets, [], "nothing is needed of the server");

    await show(page, { rooms: ["room:a"] });
    await isLive(page, 0);
    await standStill(page);
    await show(page, { rooms: ["room:b"] });
    await isLive(page, 0);
    await page.clock.runFor(1_000);
    await settled(page);
    assert.deepEqual([joins(opened), leaves(opened)], [["room:a", "room:b"], ["room:a"]]);

    await publish(page, "room:b", [1]);
    await publish(page, "room:a", [2]);
    await publish(page, "room:b", [3]);
    await shows(page, "#place-0 .counted", "1 3");
    await show(page, { rooms: [null] });
    await shows(page, "#place-0 .status", "idle");
  });

  test("every message of a burst is heard, once and in order, by the newest render", async () => {
    const [speaker, listener] = [await open(), await open()];
    await show(listener.page, { rooms: ["room:a", "room:a"] });
    await isLive(listener.page, 1);
    const counts = Array.from({ length: 1_000 }, (_, count) => count);
    await publish(speaker.page, "room:a", counts);
    for (const place of [0, 1]) await shows(listener.page, `#place-${place} .counted`, counts.join(" "));
    const all = await heard(listener.page);
    for (const place of [0, 1]) {
      const here = all.filter((each) => each.place === place);
      assert.deepEqual(
        here.map(({ data }) => data),
        counts,
      );
      assert.ok(here.every(({ isLatest }) => isLatest));
    }
  });

  test("a render adds no subscription, and a component takes its own along when it goes", async () => {
    const { page } = await open();
    await page.evaluate(() => lab.watch("room:a"));
    await show(page, { rooms: ["room:a"] });
    await isLive(page, 0);
    const made = await page.evaluate(() => lab.subscriptions.made);
    const counts = Array.from({ length: 20 }, (_, count) => count);
    for (const count of counts) await publish(page, "room:a", [count]);
    await shows(page, "#place-0 .counted", counts.join(" "));
    assert.equal(await page.evaluate(() => lab.subscriptions.made), made);
    await page.evaluate(() => lab.takeAway());
    assert.equal(await page.evaluate(() => lab.subscriptions.open), 0);
  });

  test("who is present is shown, and who has gone is not", async () => {
    const [ada, ben] = [await open(), await open()];
    await show(ada.page, { rooms: ["room:a"] });
    await show(ben.page, { rooms: [null, "room:a"] });
    await shows(ada.page, "#place-0 .present", "mood 0, mood 1");
    await shows(ben.page, "#place-1 .present", "mood 0, mood 1");
    await show(ben.page, { rooms: [] });
    await shows(ada.page, "#place-0 .present", "mood 0");
  });

  test("a room that is refused says why", async () => {
    const { page } = await open();
    const rooms = Array.from({ length: ROOMS_MAX }, (_, each) => `room:${each}` as const);
    await show(page, { rooms });
    for (const place of rooms.keys()) await isLive(page, place);
    await show(page, { rooms: [...rooms, "room:more"] });
    await shows(page, `#place-${ROOMS_MAX} .status`, "denied: limit_exceeded");
  });

  test("a page takes over what a server has rendered, though its client is far ahead", async () => {
    const wanted: Wanted = { rooms: ["room:a", null] };
    const { page, sockets } = await open(wanted);
    await shows(page, "#place-0 .status", "idle");
    await page.evaluate(async () => {
      const room = lab.client.room("room:a");
      room.join({ presence: { mood: "early" } });
      await room.joined();
    });
    await page.evaluate((wanted) => lab.hydrate(wanted), wanted);
    await isLive(page, 0);
    await shows(page, "#place-0 .present", "early");
    await shows(page, "#connection", "connected");
    assert.deepEqual(await page.evaluate(() => lab.mismatches), []);
    assert.equal(sockets.length, 1);
  });

  test("the badge is silent about trouble that is over soon, and tells of what stays", async () => {
    const { page } = await open();
    await show(page, { rooms: ["room:a"] });
    await isLive(page, 0);
    await standStill(page);
    const badge = page.getByRole("status");
    assert.equal(await badge.textContent(), "");

    await server.kill();
    await shows(page, "#connection", "reconnecting");
    await page.clock.runFor(1_499);
    assert.equal(await badge.textContent(), "");
    await page.clock.runFor(1);
    await shows(page, '.badge[data-status="reconnecting"]', "Connection lost. Reconnecting…");

    server = await startServer(server.port, SETTINGS);
    await page.evaluate(() => lab.client.retryNow());
    await shows(page, '.badge[data-status="back"]', "Back online");
    await page.clock.runFor(2_000);
    await page.locator(".badge:not([data-status])").waitFor({ state: "attached" });
    assert.equal(await badge.textContent(), "");

    await page.evaluate(() => lab.client.close());
    await page.clock.runFor(10_000);
    await shows(page, "#connection", "closed");
    assert.equal(await badge.textContent(), "", "the application knows that it has closed its client");
  });
}

/** Waits until something holds that a browser tells of; the hang guard of the tests ends it. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
