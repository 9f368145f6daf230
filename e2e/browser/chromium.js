// Chromium as people start it: none of the switches that automation adds, so that its back/forward cache, its hidden tabs and its
// throttled timers are those of users. All of its processes can be stopped at once, as a laptop does that is shut.

import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import { CHROMIUM, HANG_MS, QUIET, startProgram, within } from "../harness.js";

/** What a machine without a screen, or a container, needs; nothing that changes what a page lives through. */
const UNATTENDED = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--remote-debugging-port=0"];

/** What Chromium itself prints about a server or a network that is down; no page can prevent it. */
const EXPECTED_WHILE_DOWN = /^WebSocket connection to .* failed/;

/** A running Chromium with a new profile. */
export async function startChromium() {
  const profile = await mkdtemp(join(tmpdir(), "tautline-chromium-"));
  const { child, exited } = startProgram(CHROMIUM, [...UNATTENDED, ...QUIET, `--user-data-dir=${profile}`], { detached: true });
  // All of its processes are one group.
  const signal = (name) => process.kill(-child.pid, name);
  const killAll = () => signal("SIGKILL");
  process.once("exit", killAll);
  child.stdout.resume();
  const address = await within(listening(child, exited), "Chromium to listen");
  // Without the defaults of automation, which make every page believe that it is seen and has the focus.
  const browser = await chromium.connectOverCDP(address, { noDefaults: true });
  const [context] = browser.contexts();
  const complaints = [];
  return {
    /** What pages wrote to their consoles, or threw. */
    complaints,
    /** Another tab, in front of the others. */
    async open(url) {
      const page = await context.newPage();
      page.setDefaultTimeout(HANG_MS);
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("console", (message) => {
        const isLoud = message.type() === "error" || message.type() === "warning";
        if (isLoud && !EXPECTED_WHILE_DOWN.test(message.text())) complaints.push(message.text());
      });
      await page.goto(url);
      return page;
    },
    /** Every process stands still, as when the machine sleeps. Its sockets stay open. */
    async stop() {
      signal("SIGSTOP");
      while (!(await isStopped(child.pid)));
    },
    goOn: () => signal("SIGCONT"),
    async close() {
      await browser.close();
      process.off("exit", killAll);
      killAll();
      await exited;
      await rm(profile, { recursive: true, maxRetries: 10 });
    },
  };
}

function listening(child, exited) {
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: child.stderr });
    lines.on("line", (line) => {
      const found = /^DevTools listening on (ws:.*)$/.exec(line);
      if (found) resolve(found[1]);
    });
    exited.then(([code, by]) => reject(new Error(`Chromium ended (${code ?? by}) before it listened`)), reject);
  });
}

/** Whether every process below this one stands still, and there are some. */
async function isStopped(root) {
  const found = [];
  for (const pid of await readdir("/proc")) {
    const stat = /^\d+$/.test(pid) && (await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ""));
    const [, state, parent] = /.*\) (\w) (\d+)/.exec(stat || "") ?? [];
    if (state) found.push({ pid: Number(pid), parent: Number(parent), state });
  }
  const family = new Set([root]);
  // Children may have smaller numbers than their parents: look until nobody is new.
  for (let size = 0; size < family.size; ) {
    size = family.size;
    for (const { pid, parent } of found) if (family.has(parent)) family.add(pid);
  }
  const running = found.filter(({ pid, state }) => family.has(pid) && !"TZ".includes(state));
  return family.size > 1 && running.length === 0;
}
