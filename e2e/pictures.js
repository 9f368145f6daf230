// Photographs the examples for README.md and examples/README.md, into docs/images: `node e2e/pictures.js`, after `cargo xtask up` has built them.

import { chmod, copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { CHROMIUM, EXAMPLES, QUIET, startServer } from "./harness.js";

const INTO = fileURLToPath(new URL("../docs/images/", import.meta.url));
const CONFIG = fileURLToPath(new URL("../examples/tautline.toml", import.meta.url));
const VIEWPORT = { width: 1200, height: 800 };
const TALL = { width: 1200, height: 880 };
const PHONE = { width: 390, height: 844 };

const folder = await mkdtemp(join(tmpdir(), "tautline-pictures-"));
const config = join(folder, "tautline.toml");
await copyFile(CONFIG, config);
await chmod(config, 0o600);
const server = await startServer(0, {}, ["--config", config, "--data", join(folder, "data"), "--pages", EXAMPLES]);
const browser = await chromium.launch({ executablePath: CHROMIUM, args: QUIET });

/** Somebody's window. */
async function open(path, name, colorScheme = "light", viewport = VIEWPORT) {
  const context = await browser.newContext({ viewport, colorScheme, locale: "en-GB" });
  const page = await context.newPage();
  await page.addInitScript((person) => sessionStorage.setItem("tautline.name", person), name);
  await page.goto(server.page + path);
  if (path) await page.locator('#badge[data-state="connected"]').waitFor();
  return page;
}

/** As a visitor sees it: the pointer is elsewhere, and nothing moves any more. */
async function photograph(page, name) {
  await page.mouse.move(0, 0);
  await page.evaluate(() => document.activeElement?.blur());
  await page.screenshot({ path: join(INTO, `${name}.png`), animations: "disabled" });
}

await photograph(await open("", "Ada Reef"), "examples");

const [ada, ben, mira] = await Promise.all(["Ada Reef", "Ben Keel", "Mira Halyard"].map((name) => open("chat/", name)));
async function say(page, words) {
  await page.getByLabel("Message", { exact: true }).fill(words);
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.locator(".message", { hasText: words }).waitFor();
}
await say(ben, "The build server moves tonight, between two and three.");
await say(mira, "Does anybody have to stay up for it?");
await say(ben, "No. Everything comes back by itself.");
await say(ben, "I'll look at the figures in the morning.");
await say(ada, "I was in the tunnel. Did I miss anything?");
await say(mira, "Nothing that you don't see here.");
const phone = await open("chat/", "Ada Reef", "dark", PHONE);
for (const page of [ada, phone]) {
  await page.locator(".message", { hasText: "Nothing that" }).waitFor();
  await page.context().setOffline(true);
  await page.locator('#badge[data-state="offline"]').waitFor();
  await say(page, "And here is the next one.");
}
await photograph(ada, "chat");
await photograph(phone, "phone");

const reviewers = await Promise.all(["Ada Reef", "Ben Keel", "Mira Halyard"].map((name) => open("review/", name, "light", TALL)));
const paragraph = (page, number) => page.getByRole("region", { name: `Paragraph ${number}` });
async function comment(page, number, words) {
  await paragraph(page, number).getByLabel("Comment", { exact: true }).fill(words);
  await page.keyboard.press("Enter");
  for (const each of reviewers) await paragraph(each, number).getByText(/\d comment/).waitFor();
}
const [author, critic, third] = reviewers;
await paragraph(third, 3).getByRole("button").first().click();
await comment(third, 3, "Four, with the time at which it said so.");
for (const page of [author, critic]) await paragraph(page, 2).getByRole("button").first().click();
await comment(critic, 2, "Weather is a good word for it. Does the server know that it is fair?");
await comment(author, 2, "It does not need to. I'll say so in the next paragraph.");
await paragraph(author, 2).getByText("Read by Ben Keel").waitFor();
await author.locator("#people", { hasText: "paragraph 3" }).waitFor();
await photograph(author, "review");

const instructor = await open("training/#instructor", "Tara Mast", "dark");
const CLASS = { "Ada Reef": 3, "Ben Keel": 1, "Cleo Hitch": 2, "Dina Splice": 2, "Emil Cleat": 4, "Mira Halyard": 0 };
for (const [name, done] of Object.entries(CLASS)) {
  const page = await open("training/#participant", name);
  for (let each = 0; each < done; each += 1) await page.getByRole("checkbox").nth(each).check();
  if (name !== "Ben Keel") continue;
  await page.getByLabel("What about").fill("Which room is it?");
  await page.keyboard.press("Enter");
}
await instructor.getByLabel("The class is at").selectOption("2");
await instructor.locator("#class-title", { hasText: "6 participants, 1 asking" }).waitFor();
for (const done of new Set(Object.values(CLASS))) await instructor.getByText(`${done} of 5 done`).first().waitFor();
await photograph(instructor, "training");

const [worker, goes] = [await open("job-progress/", "Ben Keel"), await open("job-progress/", "Mira Halyard")];
const follower = await open("job-progress/", "Ada Reef");
async function work(page, title, beyond) {
  await page.getByLabel("Job").selectOption(title);
  await page.getByRole("button", { name: "Start" }).click();
  const isBeyond = ([job, value]) => document.querySelector(`progress[aria-label="${job}"]`)?.value > value;
  await follower.waitForFunction(isBeyond, [title, beyond]);
}
await work(goes, "Index the archive", 9);
await work(worker, "Render the floor plans", 24);
await goes.context().close();
await follower.getByText("The window of Mira Halyard is gone").waitFor();
await work(worker, "Encode the keynote", 4);
await photograph(follower, "job-progress");

const [reader, raiser] = [await open("alerts/", "Ada Reef", "dark"), await open("alerts/", "Ben Keel")];
await reader.locator("#people", { hasText: "Ben Keel" }).waitFor();
async function raise(what, severity) {
  await raiser.getByLabel("What", { exact: true }).fill(what);
  await raiser.getByLabel(severity).check();
  await raiser.getByRole("button", { name: "Raise" }).click();
  await reader.locator(".alert", { hasText: what }).waitFor();
}
await raise("The queue of the ledger grows", "warning");
await raise("Card payments fail for one customer in twenty", "critical");
await raise("Latency between regions has doubled", "warning");
await reader.getByRole("button", { name: "Acknowledge", exact: true }).click();
await raiser.locator("#people", { hasText: "2 waiting" }).waitFor();
await photograph(reader, "alerts");

const [watcher, sender] = [await open("ticker/", "Ada Reef", "dark"), await open("ticker/", "Ben Keel")];
await sender.getByRole("button", { name: "Send quotes" }).click();
await watcher.waitForFunction(() => document.querySelector("polyline").points.length === 90);
await photograph(watcher, "ticker");

await browser.close();
await server.kill();
await rm(folder, { recursive: true });
