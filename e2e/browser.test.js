// The plain page in a real Chromium against the real server, which is killed, frozen and
// started again under it. Time passes by a clock that the test owns, so nothing waits for a timer.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { chromium } from "playwright-core";
import { CHROMIUM, HANG_MS, QUIET, startServer } from "./harness.js";

const MISSING = `no Chromium at ${CHROMIUM}: \`apt-get install chromium\`, or set CHROMIUM to its path`;

/** What Chromium itself prints about a server that is down; no page can prevent it. */
const EXPECTED_WHILE_DOWN = /^WebSocket connection to .* failed/;

if (existsSync(CHROMIUM)) {
  describe("the plain page", { timeout: 10 * HANG_MS }, pageTests);
} else {
  test("the plain page", { skip: process.env.TEST_ALL !== "1" && MISSING }, () => assert.fail(MISSING));
}

function pageTests() {
  let browser;
  let server;
  let contexts;
  let complaints;

  before(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: QUIET });
  });
  after(() => browser?.close());

  beforeEach(async () => {
    contexts = [];
    complaints = [];
    server = await startServer();
  });
  afterEach(async () => {
    for (const context of contexts) await context.close();
    await server.kill();
    assert.deepEqual(complaints, [], "the console and the content security policy stay silent");
  });

  /** Pages have a context each, as two people have. `hash` names the rooms. */
  async function openPage(hash = "") {
    const context = await browser.newContext();
    contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(HANG_MS);
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      const text = message.text();
      const silent = message.type() !== "error" && message.type() !== "warning";
      if (!silent && !EXPECTED_WHILE_DOWN.test(text)) complaints.push(text);
    });
    await page.exposeFunction("complain", (text) => complaints.push(text));
    await page.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => window.complain(`${event.violatedDirective} ${event.blockedURI}`));
    });
    await page.clock.install();
    const response = await page.goto(server.plain + hash);
    const policy = response.headers()["content-security-policy"] ?? "no policy";
    assert.match(policy, /^default-src '(self|none)'/);
    assert.doesNotMatch(policy, /unsafe/);
    await badge(page, "live");
    return page;
  }

  const badge = (page, state) => page.waitForSelector(`#badge[data-state="${state}"]`);
  const transcript = (page) => page.locator(".transcript:visible");
  const seen = (page, text) => transcript(page).locator(".message:not(.waiting)", { hasText: text }).waitFor();
  const members = (page, text) => page.locator("#members", { hasText: text }).waitFor();

  async function say(page, text) {
    await page.getByLabel("Message", { exact: true }).fill(text);
    await page.getByRole("button", { name: "Send", exact: true }).click();
  }

  async function together(...pages) {
    for (const page of pages) await members(page, `${pages.length} members`);
  }

  test("two pages chat in one room and see how many they are", async () => {
    const [ada, ben] = [await openPage(), await openPage()];
    await together(ada, ben);
    await say(ada, "hello from ada");
    await say(ben, "hello from ben");
    for (const page of [ada, ben]) {
      await seen(page, "hello from ada");
      await seen(page, "hello from ben");
    }
    await ben.context().close();
    await members(ada, "1 member");
  });

  test("both pages come back when the server was killed and started again", async () => {
    const pages = [await openPage(), await openPage()];
    const [ada, ben] = pages;
    await together(...pages);
    await say(ada, "before the crash");
    await seen(ben, "before the crash");

    // The clocks stand still: no page redials before the test has seen that it lost the server.
    for (const page of pages) await standStill(page);
    await server.kill();
    for (const page of pages) await badge(page, "reconnecting");
    server = await startServer(server.port);
    for (const page of pages) await page.clock.resume();
    for (const page of pages) await badge(page, "live");

    await together(...pages);
    await say(ada, "after the crash");
    await seen(ben, "after the crash");
    await say(ben, "good to see you");
    await seen(ada, "good to see you");
    assert.equal(await transcript(ada).locator(".message").count(), 3, "nothing is lost from view, or shown twice");
  });

  test("a lost page comes back at once on `Retry now` and when the network returns", async () => {
    const page = await openPage();
    const wakes = {
      button: () => page.getByRole("button", { name: "Retry now" }).click(),
      online: () => page.evaluate(() => dispatchEvent(new Event("online"))),
    };
    await standStill(page);
    for (const wake of Object.values(wakes)) {
      await server.kill();
      await badge(page, "reconnecting");
      server = await startServer(server.port);
      await wake();
      await badge(page, "live");
    }
  });

  test("a server that stands still is given up after a ping without an answer", async () => {
    const page = await openPage();
    await members(page, "1 member");
    server.freeze();
    // 15 s of silence until the ping, 5 s until it is given up.
    await page.clock.fastForward(15_000);
    await page.clock.fastForward(5_000);
    await page.locator("#notice-text", { hasText: "no answer to a ping" }).waitFor();
    await badge(page, "reconnecting");
    server.thaw();
    await page.clock.fastForward(30_000);
    await badge(page, "live");
  });

  test("what was sent and never confirmed is marked, and can be sent again", async () => {
    const page = await openPage();
    await members(page, "1 member");
    await standStill(page);
    server.freeze();
    await say(page, "into the void");
    await transcript(page).locator(".waiting", { hasText: "into the void" }).waitFor();
    await server.kill();
    await transcript(page).locator(".unsent", { hasText: "into the void" }).waitFor();
    server = await startServer(server.port);
    await page.getByRole("button", { name: "Retry now" }).click();
    await badge(page, "live");
    await page.getByRole("button", { name: "Send again" }).click();
    await seen(page, "into the void");
    assert.equal(await transcript(page).locator(".message").count(), 1);
  });

  test("what the history repeats after a reconnect is not shown twice", async () => {
    const page = await openPage();
    await say(page, "said once");
    await seen(page, "said once");
    await page.getByRole("button", { name: "Disconnect" }).click();
    await badge(page, "closed");
    await page.getByRole("button", { name: "Connect again" }).click();
    await badge(page, "live");
    await members(page, "1 member");
    await say(page, "said later");
    await seen(page, "said later");
    assert.equal(await transcript(page).locator(".message").count(), 2);
  });

  test("the count of attempts begins anew after 10 s of being live", async () => {
    const page = await openPage();
    const lose = async (attempt) => {
      await server.kill();
      await page.locator("#notice-text", { hasText: `Attempt ${attempt}.` }).waitFor();
      server = await startServer(server.port);
      await page.getByRole("button", { name: "Retry now" }).click();
      await badge(page, "live");
    };
    await standStill(page);
    await lose(1);
    await lose(2);
    await page.clock.fastForward(10_000);
    await lose(1);
  });

  test("markup in a message is shown as text", async () => {
    const [ada, ben] = [await openPage(), await openPage()];
    const markup = `<img src=x onerror="document.title='owned'"><b>bold</b>`;
    await say(ada, markup);
    await seen(ben, markup);
    for (const page of [ada, ben]) {
      assert.equal(await page.locator("#transcripts img, #transcripts p b, #wire-list img").count(), 0);
      assert.doesNotMatch(await page.title(), /owned/);
    }
  });

  test("several rooms are open side by side and the unread are counted", async () => {
    const ada = await openPage("#lobby,kitchen");
    const ben = await openPage("#kitchen");
    await say(ben, "tea is ready");
    await ada.getByLabel("1 unread").waitFor();
    assert.match(await ada.title(), /^\(1\) lobby/);
    await ada.getByRole("button", { name: /^kitchen/ }).click();
    await seen(ada, "tea is ready");
    await ada.getByRole("button", { name: "Leave kitchen" }).click();
    await members(ben, "1 member");
    assert.equal(new URL(ada.url()).hash, "#lobby");
  });

  test("a frame typed by hand is sent as it is and its answer is in the log", async () => {
    const page = await openPage();
    await sendByHand(page, `{"type":"request","method":"echo","payload":"marco","requestId":41}`);
    await page.getByLabel("Show only frames that contain").fill("marco");
    const row = page.locator("#wire-list li:visible", { hasText: "response" });
    await row.waitFor();
    assert.equal(await page.locator("#wire-list li:visible").count(), 2);
    await row.locator("summary").click();
    assert.deepEqual(JSON.parse(await row.locator("pre").textContent()), {
      type: "response",
      requestId: 41,
      payload: "marco",
    });
  });

  test("a frame that the server refuses three times in a row ends in a closed badge", async () => {
    const page = await openPage();
    await standStill(page);
    for (const state of ["reconnecting", "reconnecting", "closed"]) {
      await sendByHand(page, "not JSON");
      await badge(page, state);
      if (state === "reconnecting") {
        await page.getByRole("button", { name: "Retry now" }).click();
        await badge(page, "live");
      }
    }
    assert.match(await page.locator("#notice-text").textContent(), /1008, a message the server does not accept/);
    await page.getByRole("button", { name: "Connect again" }).click();
    await badge(page, "live");
  });

  test("the log keeps its newest 500 rows", async () => {
    const page = await openPage();
    await page.evaluate(async () => {
      const { Log } = await import("/plain/log.js");
      const log = new Log();
      for (let each = 0; each < 600; each += 1) log.add("in", `{"type":"row","each":${each}}`);
    });
    await page.clock.runFor(100);
    const rows = page.locator("#wire-list li", { hasText: "each" });
    assert.equal(await rows.count(), 500);
    assert.match(await rows.first().textContent(), /"each":100/);
  });

  test("the wait before a dial is anything up to a window that doubles from 1 s to 30 s", async () => {
    const page = await openPage();
    const windows = await page.evaluate(async () => {
      const { backoffMs } = await import("/plain/connection.js");
      const attempts = [0, 1, 2, 3, 4, 5, 6, 5_000];
      return { longest: attempts.map((attempt) => backoffMs(attempt, () => 1)), shortest: backoffMs(6, () => 0) };
    });
    assert.deepEqual(windows.longest, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    assert.equal(windows.shortest, 0);
  });

  test("the page fits a screen 375 px wide", async () => {
    const page = await openPage();
    await page.setViewportSize({ width: 375, height: 812 });
    await say(page, "a-word-that-has-no-place-to-break-".repeat(10));
    await seen(page, "a-word-that-has-no-place-to-break-");
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 375);
  });

  async function sendByHand(page, text) {
    await page.getByLabel("Send a frame by hand").fill(text);
    await page.getByRole("button", { name: "Send frame" }).click();
  }

  /** Stops the page's timers for good, a minute ahead; its sockets and events go on. */
  async function standStill(page) {
    await page.clock.pauseAt((await page.evaluate(() => Date.now())) + 60_000);
  }
}
