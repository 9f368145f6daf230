// Photographs the examples for the README, into docs/images: `node e2e/pictures.js`, after `cargo xtask up` has built them.

import { chmod, copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { CHROMIUM, EXAMPLES, QUIET, startServer } from "./harness.js";

const INTO = fileURLToPath(new URL("../docs/images/", import.meta.url));
const CONFIG = fileURLToPath(new URL("../examples/tautline.toml", import.meta.url));
const VIEWPORT = { width: 1200, height: 800 };

const folder = await mkdtemp(join(tmpdir(), "tautline-pictures-"));
const config = join(folder, "tautline.toml");
await copyFile(CONFIG, config);
await chmod(config, 0o600);
const server = await startServer(0, {}, ["--config", config, "--data", join(folder, "data"), "--pages", EXAMPLES]);
const browser = await chromium.launch({ executablePath: CHROMIUM, args: QUIET });

/** Somebody's window. */
async function open(path, name, colorScheme = "light") {
  const context = await browser.newContext({ viewport: VIEWPORT, colorScheme, locale: "en-GB" });
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
await ada.locator(".message", { hasText: "Nothing that" }).waitFor();
await ada.context().setOffline(true);
await ada.locator('#badge[data-state="offline"]').waitFor();
await say(ada, "And here is the next one.");
await photograph(ada, "chat");

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
