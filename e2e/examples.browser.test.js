// The examples in a real Chromium against the real server, driven as people would: each as two people where it has two, over lost
// networks, reloads, and a server that is killed.

import assert from "node:assert/strict";
import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
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
/** How the server begins a refusal for want of permission. */
const REFUSED = /you may not/;
/** What a room keeps in a test that has it forget. */
const FEW = 20;
/** The narrowest phone, and the longest name that fits the field: nothing breaks it. */
const PHONE = { width: 360, height: 640 };
const LONG = "Wolfeschlegelsteinhausenbergerdo";
/** No key is pressed more often on the way to something. */
const TABS_MAX = 30;

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

  /** The server goes, and another one comes with a room's settings changed, or without what it kept. */
  async function replace(match, change, keeps = true) {
    await server.kill();
    const path = join(folder, "tautline.toml");
    const rooms = (await readFile(path, "utf8")).split("[[room]]");
    const at = rooms.findIndex((room) => room.includes(`match = "${match}"`));
    rooms[at] = change(rooms[at]);
    await writeFile(path, rooms.join("[[room]]"));
    if (!keeps) await rm(join(folder, "data"), { recursive: true });
    server = await start(server.port);
  }
  const keepsFew = (room) => room.replace(/history = \d+/, `history = ${FEW}`);
  const forbids = (permission) => (room) => room.replace(`"${permission}", `, "");

  /** Publishes as an application's backend does, in somebody's name. */
  async function publish(room, event, data, user = "Ben Keel") {
    const answer = await fetch(`${server.operators}/v1/rooms/${room}/publications`, {
      method: "POST",
      headers: { authorization: "Bearer dev-key", "content-type": "application/json" },
      body: JSON.stringify({ event, data, user }),
    });
    assert.ok(answer.ok, `${answer.status}`);
  }

  /** Somebody's window, with an example. */
  async function open(path, name, { prepare, ...options } = {}) {
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
    await prepare?.(page);
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

  /** What of a page is seen beyond its right edge, or is wider than that. */
  const tooWide = (page) =>
    page.evaluate(() => {
      const ends = (element) => element.getBoundingClientRect().right > innerWidth + 0.5;
      const isOut = (element) => element.checkVisibility() && !element.closest(".unseen") && ends(element);
      const named = (element) => `${element.tagName}.${element.className}: ${element.textContent.slice(0, 40)}`;
      const out = [...document.body.querySelectorAll(":not(svg *)")].filter(isOut).map(named);
      return document.documentElement.scrollWidth > innerWidth ? ["the page", ...out] : out;
    });

  /** What people do on a page, so that there is something on it, and what they see then. */
  const FILLED = {
    "": { seen: ".card" },
    "chat/": { fill: (page) => say(page, LONG.repeat(3)), seen: ".message" },
    "job-progress/": { fill: (page) => page.getByRole("button", { name: "Start" }).click(), seen: ".job" },
    "review/": {
      async fill(page) {
        await page.getByRole("region", { name: "Paragraph 2" }).getByRole("button").first().click();
        await page.getByRole("region", { name: "Paragraph 2" }).getByLabel("Comment", { exact: true }).fill(LONG.repeat(3));
        await page.keyboard.press("Enter");
      },
      seen: ".comment",
    },
    "alerts/": {
      async fill(page) {
        for (const what of [LONG.repeat(3), "A disk is full"]) {
          await page.getByLabel("What", { exact: true }).fill(what);
          await page.getByRole("button", { name: "Raise" }).click();
          await text(page, "#waiting .alert", what);
        }
      },
      seen: ".alert",
    },
    "training/": { seen: "#door" },
    "training/#participant": {
      async fill(page) {
        await page.getByLabel("What about").fill(LONG.repeat(2));
        await page.keyboard.press("Enter");
      },
      seen: "#participant",
    },
    "training/#instructor": { seen: ".pupil.asks" },
    "ticker/": { fill: (page) => page.getByRole("button", { name: "Send quotes" }).click(), seen: '.quote[data-way="up"]' },
  };

  for (const colorScheme of ["light", "dark"]) {
    test(`every page fits a phone, with and without a network, where it is ${colorScheme}`, async () => {
      for (const [path, { fill, seen }] of Object.entries(FILLED)) {
        const page = await open(path, LONG, { viewport: PHONE, colorScheme });
        await fill?.(page);
        await page.locator(seen).first().waitFor();
        assert.deepEqual(await tooWide(page), [], `${path}, connected`);
        if (!path) continue;
        await page.context().setOffline(true);
        await lost(page);
        await page.locator(".notice").waitFor();
        assert.deepEqual(await tooWide(page), [], `${path}, offline`);
        await page.context().setOffline(false);
        await badge(page, "connected");
      }
    });
  }

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
    await sayMany(CHAT_KEEPS + missed);
    await ada.context().setOffline(false);
    await text(ada, ".gap", `Missing here: ${missed} messages, no longer kept`);
    await said(ada, `number ${CHAT_KEEPS + missed - 1}`);
    assert.equal(await ada.locator(".message").count(), 1 + CHAT_KEEPS);
    assert.equal(await ada.locator(".message + .gap + .message p").textContent(), `number ${missed}`);
  });

  /** As many short messages as that, from elsewhere. */
  async function sayMany(many) {
    for (let each = 0; each < many; each += 1) await publish("chat:lobby", "said", { id: `e${each}`, text: `number ${each}` });
  }
  const rows = (page, many) => until(page, (wanted) => document.querySelectorAll(".message").length === wanted, many);
  const earlier = (page) => page.getByRole("button", { name: "Show earlier messages" });

  test("chat: earlier messages are shown page by page, and the keys stay where they are", async () => {
    await sayMany(120);
    const ada = await open("chat/", "Ada Reef");
    await rows(ada, 50);
    await tabTo(ada, earlier(ada));
    await ada.getByRole("log").evaluate((list) => list.scrollTo(0, 0));
    const first = ada.locator(".message p", { hasText: "number 70" });
    const before = await first.boundingBox();
    await ada.keyboard.press("Enter");
    await rows(ada, 100);
    assert.deepEqual(await first.boundingBox(), before, "what is read does not move");
    assert.ok(await hasFocus(earlier(ada)));
    await ada.keyboard.press("Enter");
    await rows(ada, 120);
    const wanted = Array.from({ length: 120 }, (_, number) => `number ${number}`);
    assert.deepEqual(await ada.locator(".message p").allTextContents(), wanted);
    assert.ok(await earlier(ada).isHidden());
    assert.ok(await hasFocus(ada.getByRole("log")), "where there is no button any more, the list has the focus");
  });

  test("chat: earlier messages that are refused, and a room that is, are said and do no harm", async () => {
    await sayMany(60);
    const ada = await open("chat/", "Ada Reef");
    await rows(ada, 50);
    await replace("chat:*", forbids("history"));
    await badge(ada, "connected");
    await earlier(ada).click();
    await ada.getByRole("button", { name: "Not loaded" }).waitFor();
    await replace("chat:*", (room) => forbids("join")(room).replace("everyone = [", 'everyone = ["history", '));
    await text(ada, ".gap", REFUSED);
    await ada.getByRole("button", { name: "Not loaded" }).click();
    await rows(ada, 60);
    await text(await open("chat/", "Ben Keel"), ".gap", REFUSED);
  });

  test("chat: a room that begins anew has nothing earlier", async () => {
    await sayMany(60);
    const ada = await open("chat/", "Ada Reef");
    await rows(ada, 50);
    assert.ok(await earlier(ada).isVisible());
    await replace("chat:*", (room) => room, false);
    await sayMany(2);
    await text(ada, ".gap", "The room begins anew here");
    await rows(ada, 52);
    assert.ok(await earlier(ada).isHidden());
  });

  test("chat: what is earlier in a room that has begun anew stands behind that", async () => {
    await sayMany(60);
    const ada = await open("chat/", "Ada Reef", { prepare: losing("said", "epoch-changed") });
    await rows(ada, 50);
    await sayMany(2);
    await rows(ada, 51);
    await earlier(ada).click();
    await rows(ada, 101);
    assert.equal(await ada.locator(".gap ~ .message").count(), 51);
  });

  test("chat: who has a new name has said before what they said in the old one", async () => {
    const [page, ben] = [await open("chat/"), await open("chat/", "Ben Keel")];
    const name = page.getByLabel("Your name");
    const old = await name.inputValue();
    await page.context().setOffline(true);
    await lost(page);
    await say(page, "from the tunnel");
    await name.fill("Zoe Anchor");
    await name.press("Enter");
    await text(page, ".notice", `Until then you are ${old}`);
    await page.context().setOffline(false);
    await here(ben, "Zoe Anchor");
    await here(page, "Zoe Anchor (you)");
    for (const each of [page, ben]) await text(each, `.message[data-user="${old}"]`, "from the tunnel");
  });

  const hasFocus = (locator) => locator.evaluate((found) => found === document.activeElement);

  /** Goes somewhere by the key that everybody has, and sees where that is. */
  async function tabTo(page, locator) {
    for (let pressed = 0; pressed < TABS_MAX; pressed += 1) {
      await page.keyboard.press("Tab");
      if (!(await hasFocus(locator))) continue;
      await isSeen(locator);
      return;
    }
    assert.fail(`${TABS_MAX} times Tab, and not there`);
  }

  /** The focus is where somebody sees it. */
  async function isSeen(locator) {
    const outline = await locator.evaluate((found) => getComputedStyle(found).outline);
    assert.match(outline, /solid 2px/);
    assert.ok(await hasFocus(locator));
  }

  test("chat: keys are enough", async () => {
    const ada = await open("chat/", "Ada Reef");
    const field = ada.getByLabel("Message", { exact: true });
    await tabTo(ada, field);
    for (const words of ["without a mouse", "and once more"]) {
      await ada.keyboard.type(words);
      await ada.keyboard.press("Enter");
      await said(ada, words);
      await isSeen(field);
    }
    await tabTo(ada, ada.getByRole("button", { name: "Send", exact: true }));
  });

  test("alerts: keys are enough, and an alert that comes leaves them where they are", async () => {
    const ada = await open("alerts/", "Ada Reef");
    const raise = (what) => publish("alerts:payments", "alert", { severity: "critical", what });
    const button = ada.locator("#waiting button").first();
    await text(ada, "#waiting-title", "Nothing waits for you");
    for (const what of ["A disk is full", "A second disk is full"]) await raise(what);
    await text(ada, "#waiting-title", "2 alerts to acknowledge");
    await tabTo(ada, button);
    await raise("A third disk is full");
    await text(ada, "#waiting-title", "3 alerts to acknowledge");
    await isSeen(button);
    for (const left of ["2 alerts", "1 alert"]) {
      await ada.keyboard.press("Enter");
      await text(ada, "#waiting-title", `${left} to acknowledge`);
      await isSeen(button);
    }
    await ada.keyboard.press("Space");
    await text(ada, "#waiting-title", "Nothing waits for you");
    await isSeen(ada.locator("#waiting-title"));
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

  /** A page that was loaded anew does not know this any more. */
  const remember = (page) => page.evaluate(() => (globalThis.isRemembered = true));
  const remembers = (page) => page.evaluate(() => globalThis.isRemembered === true);

  test("review: what waits to be sent is sent behind a gap", async () => {
    await replace("review:*", keepsFew);
    const [ada, ben] = [await open("review/", "Ada Reef"), await open("review/", "Ben Keel")];
    const paragraph = (page) => page.getByRole("region", { name: "Paragraph 1" });
    for (const page of [ada, ben]) await paragraph(page).getByRole("button", { name: "No comments" }).click();
    await paragraph(ben).getByLabel("Comment", { exact: true }).fill("before the tunnel");
    await ben.keyboard.press("Enter");
    await paragraph(ada).getByText("before the tunnel").waitFor();
    await remember(ada);
    await ada.context().setOffline(true);
    await lost(ada);
    await paragraph(ada).getByLabel("Comment", { exact: true }).fill("from the tunnel");
    await ada.keyboard.press("Enter");
    await paragraph(ada).getByText("Sent as soon as there is a connection").waitFor();
    for (let each = 0; each <= FEW; each += 1) await publish("review:lines", "comment", { paragraph: 0, text: `number ${each}` });
    await ada.context().setOffline(false);
    for (const page of [ada, ben]) {
      await paragraph(page).locator(".comment", { hasText: "from the tunnel" }).waitFor();
      await paragraph(page).getByText("before the tunnel").waitFor();
    }
    await paragraph(ada).getByText(`number ${FEW}`, { exact: true }).waitFor();
    assert.ok(await remembers(ada));
  });

  test("job progress: a job that waits to be started is started behind a gap", async () => {
    await replace("jobs", keepsFew);
    const [ada, ben] = [await open("job-progress/", "Ada Reef"), await open("job-progress/", "Ben Keel")];
    await ada.locator("#empty").waitFor();
    await publish("jobs", "taken", { id: "old", title: "An old job" });
    await text(ada, ".job", "An old job");
    await remember(ada);
    await ada.context().setOffline(true);
    await lost(ada);
    await ada.getByRole("button", { name: "Start" }).click();
    for (let each = 0; each <= FEW; each += 1) await publish("jobs", "step", { id: "old", done: each });
    await ada.context().setOffline(false);
    await text(ada, ".job", "Runs in this window");
    await text(ben, ".job", "Runs in the window of Ada Reef");
    await ada.locator(".job", { hasText: "An old job" }).waitFor({ state: "detached" });
    assert.ok(await remembers(ada));
  });

  /** On the way to a page, the next message of an event is lost, and a gap that says so comes in its place. */
  function losing(event, reason = "slow-consumer") {
    return (page) =>
      page.routeWebSocket(/\/ws$/, (socket) => {
        let epoch;
        let isLost = false;
        socket.connectToServer().onMessage((frame) => {
          const { type, payload } = JSON.parse(frame);
          if (type === "joined") ({ epoch } = payload.position);
          if (type !== "message" || payload.event !== event || isLost) return socket.send(frame);
          isLost = true;
          const { room, offset, id } = payload;
          const from = reason === "epoch-changed" ? 1 : offset;
          const gap = { room, from, to: offset, position: { epoch, offset, id }, reason };
          socket.send(JSON.stringify({ type: "gap", payload: gap }));
        });
      });
  }

  test("review and job progress: what a gap took is read in the room's past", async () => {
    const ada = await open("review/", "Ada Reef", { prepare: losing("comment") });
    for (const words of ["taken by the gap", "behind it"]) await publish("review:lines", "comment", { paragraph: 0, text: words });
    await ada.getByRole("button", { name: "2 comments" }).click();
    assert.deepEqual(await ada.locator(".comment p").allTextContents(), ["taken by the gap", "behind it"]);

    const mira = await open("job-progress/", "Mira Halyard", { prepare: losing("taken") });
    await publish("jobs", "taken", { id: "one", title: "A job" });
    await publish("jobs", "step", { id: "one", done: 30 });
    await text(mira, ".job", "A job");
    await text(mira, ".job", "50 %");
  });

  test("review: a failure to say what was read leaves what was read before", async () => {
    const ada = await open("review/", "Ada Reef");
    const paragraph = ada.getByRole("region", { name: "Paragraph 1" });
    const comment = (words) => publish("review:lines", "comment", { paragraph: 0, text: words });
    await comment("the first");
    await paragraph.getByText("1 new").waitFor();
    await paragraph.getByRole("button", { name: "1 comment" }).click();
    await until(ada, () => !document.querySelector(".new"));
    await ada.reload();
    await paragraph.getByRole("button", { name: "1 comment" }).click();
    await replace("review:*", forbids("publish"));
    await badge(ada, "connected");
    await comment("the second");
    await paragraph.getByText("the second").waitFor();
    await paragraph.getByRole("button", { name: "2 comments" }).click();
    await paragraph.getByText("1 new").waitFor();
  });

  /** What is added to the page below an element, or taken away, from now on. */
  const watch = (page, selector) =>
    page.evaluate((watched) => {
      globalThis.changes = [];
      const look = (records) => globalThis.changes.push(...records.flatMap((each) => [...each.addedNodes, ...each.removedNodes]));
      const observer = new MutationObserver(look);
      for (const found of document.querySelectorAll(watched)) observer.observe(found, { childList: true, subtree: true });
    }, selector);
  const changes = (page) => page.evaluate(() => globalThis.changes.map(({ textContent }) => textContent));

  test("review: what was read out is not read out again when somebody comes or goes", async () => {
    const ada = await open("review/", "Ada Reef");
    await publish("review:lines", "comment", { paragraph: 0, text: "a word" });
    await ada.getByRole("button", { name: "1 comment" }).click();
    await ada.locator(".comment").waitFor();
    await watch(ada, '[aria-live="polite"] .comment, .thread ol');
    const ben = await open("review/", "Ben Keel");
    await ben.getByRole("region", { name: "Paragraph 2" }).getByRole("button").click();
    await here(ada, /Ben Keel.*paragraph 2/);
    assert.deepEqual(await changes(ada), []);
    await publish("review:lines", "comment", { paragraph: 0, text: "another word" });
    await ada.getByText("another word").waitFor();
    assert.equal((await changes(ada)).length, 1);
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

  test("alerts: each team has people of its own, who hear how much waits for somebody there", async () => {
    const [ada, mira] = [await open("alerts/#network", "Ada Reef"), await open("alerts/", "Mira Halyard")];
    await here(ada, "Ada Reef");
    await ada.getByRole("button", { name: "payments" }).click();
    await here(ada, "Mira Halyard");
    for (const room of ["alerts:payments", "alerts:network"]) await publish(room, "alert", { severity: "warning", what: room });
    await here(mira, /Ada Reef.*1 waiting/);
    const ben = await open("alerts/#network", "Ben Keel");
    await ada.getByRole("button", { name: "network" }).click();
    await here(ada, "Ben Keel");
    await here(ben, /Ada Reef.*1 waiting/);
    assert.equal(await ada.locator("#people", { hasText: "Mira Halyard" }).count(), 0);
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

  test("training: what has not changed is neither read out nor written again", async () => {
    const teacher = await open("training/#instructor", "Tara Mast");
    const [ada] = [await open("training/#participant", "Ada Reef"), await open("training/#participant", "Ben Keel")];
    await text(teacher, "#class-title", "2 participants");
    await watch(ada, "#now");
    await watch(teacher, "#class");
    await ada.getByLabel("Open a room in two windows").check();
    await text(teacher, ".pupil", "1 of 5 done");
    assert.deepEqual(await changes(ada), []);
    assert.deepEqual((await changes(teacher)).filter((words) => words.includes("Ben")), []);
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
