// The examples in a real Chromium against the real server, driven as people would: each as two people where it has two, over lost
// networks, reloads, and a server that is killed.

import assert from "node:assert/strict";
import { chmod, copyFile, mkdtemp, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { CHROMIUM, EXAMPLES, HANG_MS, QUIET, startServer } from "./harness.js";

const MISSING = `no Chromium at ${CHROMIUM}: \`apt-get install chromium\`, or set CHROMIUM to its path`;
const CONFIG = fileURLToPath(new URL("../examples/tautline.toml", import.meta.url));
const NAMES = ["chat", "job-progress", "review", "alerts", "training", "ticker"];
/** As many messages as a chat keeps. */
const CHAT_KEEPS = 200;

/** What Chromium itself prints about a server or a network that is down; no page can prevent it. */
const EXPECTED_WHILE_DOWN = /^WebSocket connection to .* failed|ERR_INTERNET_DISCONNECTED/;

if (existsSync(CHROMIUM)) {
  describe("the examples", { timeout: 10 * HANG_MS }, exampleTests);
} else {
  test("the examples", { skip: process.env.TEST_ALL !== "1" && MISSING }, () => assert.fail(MISSING));
}

function exampleTests() {
  let browser;
  let server;
  let folder;
  let contexts;
  let complaints;

  before(async () => {
    assert.ok(existsSync(EXAMPLES), `no pages at ${EXAMPLES}: run \`npm ci\` and \`npm run build\` in the root`);
    browser = await chromium.launch({ executablePath: CHROMIUM, args: QUIET });
  });
  after(() => browser?.close());

  beforeEach(async () => {
    contexts = [];
    complaints = [];
    folder = await mkdtemp(join(tmpdir(), "tautline-examples-"));
    await copyFile(CONFIG, join(folder, "tautline.toml"));
    await chmod(join(folder, "tautline.toml"), 0o600);
    server = await start();
  });
  afterEach(async () => {
    for (const context of contexts) await context.close();
    await server.kill();
    await rm(folder, { recursive: true });
    assert.deepEqual(complaints, [], "the console and the content security policy stay silent");
  });

  /** The server as `cargo xtask up` starts it; what it keeps outlives it. */
  const start = (port = 0) => {
    const args = ["--config", join(folder, "tautline.toml"), "--data", join(folder, "data"), "--pages", EXAMPLES];
    return startServer(port, {}, args);
  };

  /** Somebody's window, with an example. */
  async function open(path, name, options = {}) {
    const context = await browser.newContext(options);
    contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(HANG_MS);
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      const text = message.text();
      const isLoud = message.type() === "error" || message.type() === "warning";
      if (isLoud && !EXPECTED_WHILE_DOWN.test(text)) complaints.push(text);
    });
    await page.exposeFunction("complain", (text) => complaints.push(text));
    await page.addInitScript((person) => {
      addEventListener("securitypolicyviolation", (event) => window.complain(`${event.violatedDirective} ${event.blockedURI}`));
      if (person) sessionStorage.setItem("tautline.name", person);
    }, name);
    const response = await page.goto(server.page + path);
    assert.equal(response.status(), 200, path);
    if (path) await badge(page, "connected");
    return page;
  }

  const badge = (page, state) => page.locator(`#badge[data-state="${state}"]`).waitFor();
  const lost = (page) => page.locator('#badge:is([data-state="offline"], [data-state="reconnecting"])').waitFor();
  const here = (page, name) => page.locator("#people li", { hasText: name }).waitFor();
  const text = (page, selector, wanted) => page.locator(selector, { hasText: wanted }).first().waitFor();
  const number = async (page, selector) => Number((await page.locator(selector).textContent()).replaceAll(",", ""));

  /** Waits until a page says that something is so. */
  const until = (page, condition, argument) => page.waitForFunction(condition, argument, { timeout: HANG_MS });

  test("the start page leads to every example, and to the plain page", async () => {
    const page = await open("", "Ada Reef");
    assert.equal(await page.locator(".card").count(), NAMES.length + 1);
    for (const name of NAMES) {
      const title = await page.locator(`a[href="${name}/"] h2`).textContent();
      await page.locator(`a[href="${name}/"]`).click();
      await badge(page, "connected");
      assert.equal(await page.locator("h1").textContent(), title);
      await page.locator(".home").click();
      await page.waitForURL(server.page);
    }
    await page.locator('a[href="plain/"]').click();
    await page.locator('#badge[data-state="live"]').waitFor();
  });

  test("every page fits a phone", async () => {
    const page = await open("", "Ada Reef", { viewport: { width: 360, height: 740 } });
    for (const path of ["", ...NAMES.map((name) => `${name}/`), "training/#participant", "training/#instructor"]) {
      await page.goto(server.page + path);
      if (path) await badge(page, "connected");
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= 360, `${path} is ${width} wide`);
    }
  });

  test("everybody has a name of their own, and may choose another", async () => {
    const [page, other] = [await open("chat/"), await open("chat/")];
    const name = page.getByLabel("Your name");
    assert.notEqual(await name.inputValue(), "");
    await name.fill("Zoe Anchor");
    await name.press("Enter");
    await here(other, "Zoe Anchor");
    await page.reload();
    await here(page, "Zoe Anchor (you)");
    assert.equal(await name.inputValue(), "Zoe Anchor");
  });

  async function say(page, words) {
    await page.getByLabel("Message", { exact: true }).fill(words);
    await page.getByRole("button", { name: "Send", exact: true }).click();
  }
  const said = (page, words) => page.locator(".message:not(.pending, .failed)", { hasText: words }).waitFor();

  test("chat: two people see one another, who is typing, and what was said before", async () => {
    const ada = await open("chat/", "Ada Reef");
    await say(ada, "is anybody here?");
    await said(ada, "is anybody here?");
    const ben = await open("chat/", "Ben Keel");
    await said(ben, "is anybody here?");
    for (const page of [ada, ben]) for (const name of ["Ada Reef", "Ben Keel"]) await here(page, name);
    await ben.getByLabel("Message", { exact: true }).pressSequentially("I am");
    await text(ada, "#typing", "Ben Keel is typing");
    await ben.keyboard.press("Enter");
    await said(ada, "I am");
    await until(ada, () => document.querySelector("#typing").textContent === "");
    await ada.reload();
    await said(ada, "is anybody here?");
    assert.deepEqual(await ada.locator(".message p").allTextContents(), ["is anybody here?", "I am"]);
  });

  test("chat: what is said without a network is shown at once and said once", async () => {
    const [ada, ben] = [await open("chat/", "Ada Reef"), await open("chat/", "Ben Keel")];
    await here(ada, "Ben Keel");
    await ada.context().setOffline(true);
    await lost(ada);
    await say(ada, "from the tunnel");
    await ada.locator(".message.pending", { hasText: "from the tunnel" }).waitFor();
    await say(ben, "meanwhile");
    await said(ben, "meanwhile");
    await ada.context().setOffline(false);
    await badge(ada, "connected");
    for (const page of [ada, ben]) {
      await said(page, "from the tunnel");
      assert.deepEqual(await page.locator(".message p").allTextContents(), ["meanwhile", "from the tunnel"]);
    }
  });

  test("chat: messages that the room no longer keeps are shown as a gap", async () => {
    const ada = await open("chat/", "Ada Reef");
    await say(ada, "before the tunnel");
    await said(ada, "before the tunnel");
    await ada.context().setOffline(true);
    await lost(ada);
    const missed = 5;
    for (let each = 0; each < CHAT_KEEPS + missed; each += 1) {
      const answer = await fetch(`${server.operators}/v1/rooms/chat:lobby/publications`, {
        method: "POST",
        headers: { authorization: "Bearer dev-key", "content-type": "application/json" },
        body: JSON.stringify({ event: "said", data: { id: `e${each}`, text: `number ${each}` } }),
      });
      assert.ok(answer.ok, `${answer.status}`);
    }
    await ada.context().setOffline(false);
    await text(ada, ".gap", `${missed} messages are missing here`);
    await said(ada, `number ${CHAT_KEEPS + missed - 1}`);
    assert.equal(await ada.locator(".message").count(), 1 + CHAT_KEEPS);
    assert.equal(await ada.locator(".message:first-child + .gap + .message p").textContent(), `number ${missed}`);
  });

  const done = (page) => page.locator(".job progress").first().evaluate((bar) => bar.value);
  const moves = (page, beyond) => until(page, (value) => document.querySelector(".job progress")?.value > value, beyond);

  test("job progress: a job goes on after a kill of the server and after a reload", async () => {
    const [ada, ben] = [await open("job-progress/", "Ada Reef"), await open("job-progress/", "Ben Keel")];
    await ada.getByRole("button", { name: "Start" }).click();
    for (const page of [ada, ben]) await moves(page, 2);
    await text(ben, ".job", "Runs in the window of Ada Reef");

    await server.kill();
    for (const page of [ada, ben]) await lost(page);
    await text(ben, ".job", "Waits for the connection");
    const before = await done(ben);
    server = await start(server.port);
    for (const page of [ada, ben]) await badge(page, "connected");
    for (const page of [ada, ben]) await moves(page, before + 2);

    const reached = await done(ada);
    await ada.reload();
    await text(ada, ".job", "Runs in this window");
    for (const page of [ada, ben]) await moves(page, reached + 2);
    for (const page of [ada, ben]) assert.equal(await page.locator(".job").count(), 1, "it is the same job");

    const left = await done(ben);
    await ada.context().close();
    await ben.getByRole("button", { name: "Take over" }).click();
    await text(ben, ".job", "Runs in this window");
    await moves(ben, left + 1);
  });

  test("review: comments, who has read them, and where everybody is", async () => {
    const [ada, ben] = [await open("review/", "Ada Reef"), await open("review/", "Ben Keel")];
    const paragraph = (page) => page.getByRole("region", { name: "Paragraph 2" });
    await paragraph(ada).getByRole("button", { name: "No comments" }).click();
    await here(ben, "paragraph 2");
    await paragraph(ada).getByLabel("Comment", { exact: true }).fill("Weather is a good word for it.");
    await ada.keyboard.press("Enter");
    await paragraph(ada).getByText("Read by nobody else yet").waitFor();
    await paragraph(ben).getByText("1 new").waitFor();
    await paragraph(ben).getByRole("button", { name: "1 comment" }).click();
    await paragraph(ben).getByText("Weather is a good word for it.").waitFor();
    await paragraph(ada).getByText("Read by Ben Keel").waitFor();
    assert.equal(await paragraph(ben).getByText("1 new").count(), 0);
    await ada.keyboard.press("Escape");
    await paragraph(ada).getByText("Read by Ben Keel").waitFor({ state: "hidden" });

    await ben.reload();
    await paragraph(ben).getByRole("button", { name: "1 comment" }).click();
    assert.equal(await paragraph(ben).getByText("1 new").count(), 0, "what was read stays read");
  });

  test("alerts: an alert comes again until it is acknowledged, to each person", async () => {
    const [ada, ben] = [await open("alerts/", "Ada Reef"), await open("alerts/", "Ben Keel")];
    await here(ada, "Ben Keel");
    await here(ben, "Ada Reef");
    await ben.getByLabel("What", { exact: true }).fill("A disk is full");
    await ben.getByRole("button", { name: "Raise" }).click();
    await text(ben, "#raised", "Raised for payments, and kept");
    for (const page of [ada, ben]) await text(page, "#waiting-title", "1 alert to acknowledge");
    await here(ben, /Ada Reef.*1 waiting/);

    await ada.reload();
    await text(ada, "#waiting .alert", "A disk is full");
    await ada.getByRole("button", { name: "Acknowledge" }).click();
    await text(ada, "#waiting-title", "Nothing waits for you");
    await ada.locator("#handled .alert", { hasText: "A disk is full" }).waitFor();
    // The others hear of it behind the acknowledgement: it has reached the server.
    await until(ben, () => [...document.querySelectorAll("#people li")].every((row) => !/Ada.*waiting/.test(row.textContent)));
    assert.equal(await ben.locator("#waiting .alert").count(), 1, "everybody acknowledges for themselves");

    await ada.reload();
    await here(ada, "Ben Keel");
    await ben.getByLabel("What", { exact: true }).fill("A second disk is full");
    await ben.getByRole("button", { name: "Raise" }).click();
    await text(ada, "#waiting .alert", "A second disk is full");
    assert.equal(await ada.locator("#waiting .alert").count(), 1, "what was acknowledged does not come again");
    await ada.getByRole("button", { name: "network" }).click();
    await text(ada, "#waiting-title", "Nothing waits for you");
  });

  test("training: the instructor sees what each participant does", async () => {
    const teacher = await open("training/#instructor", "Tara Mast");
    const [ada, ben] = [await open("training/#participant", "Ada Reef"), await open("training/#participant", "Ben Keel")];
    await text(teacher, "#class-title", "2 participants");
    await ada.getByLabel("Open a room in two windows").check();
    await text(teacher, ".pupil", "1 of 5 done");
    await ben.getByLabel("What about").fill("which room?");
    await ben.keyboard.press("Enter");
    await text(teacher, "#class-title", "1 asking for help");
    await text(teacher, ".pupil:first-child", "Asks: which room?");
    await teacher.getByLabel("The class is at").selectOption("2");
    for (const page of [ada, ben]) await text(page, "#now", "The class is at exercise 3");

    await ada.reload();
    assert.ok(await ada.getByLabel("Open a room in two windows").isChecked());
    await ben.context().close();
    await text(teacher, "#class-title", "1 participant");
  });

  test("ticker: hundreds of quotes a second are drawn as the newest of each symbol", async () => {
    const [ada, ben] = [await open("ticker/", "Ada Reef"), await open("ticker/", "Ben Keel")];
    await ben.locator("#quiet").waitFor();
    await ada.getByRole("button", { name: "Send quotes" }).click();
    for (const page of [ada, ben]) {
      await until(page, () => Number(document.querySelector("#sent").textContent.replaceAll(",", "")) > 1_000);
    }
    await ada.getByRole("button", { name: "Stop sending" }).click();
    await ben.locator("#quiet").waitFor();
    const counts = async (page) => [await number(page, "#sent"), await number(page, "#received"), await number(page, "#drawn")];
    for (const page of [ada, ben]) {
      const [sent, received, drawn] = await counts(page);
      assert.ok(sent >= received && received > drawn && drawn > 0, `${sent} sent, ${received} received, ${drawn} drawn`);
    }
    const prices = (page) => page.locator(".price").allTextContents();
    assert.deepEqual(await prices(ada), await prices(ben), "both stand at the newest");
  });
}
