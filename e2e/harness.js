// Starts the real binary in development mode, waits until it says that it listens, and ends it.
// Nothing here builds: `cargo build -p tautline` first, or name a binary in TAUTLINE_BIN.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Guards against a hang only; no test passes or fails by how long something takes. */
export const HANG_MS = 60_000;

const LINES_KEPT_MAX = 200;
const BINARY = process.env.TAUTLINE_BIN || fileURLToPath(new URL("../target/debug/tautline", import.meta.url));

/** Where the browser is, and what keeps it from asking the network for anything of its own. */
export const CHROMIUM = process.env.CHROMIUM || "/usr/bin/chromium";
export const QUIET = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Where the build of the examples has put their pages. */
export const EXAMPLES = join(dirname(BINARY), "../examples");

/**
 * A running server. `port` is 0 for any free one, or the port of a server that has ended. `settings` are variables of its
 * environment, `args` further arguments.
 */
export async function startServer(port = 0, settings = {}, args = []) {
  if (!existsSync(BINARY)) {
    throw new Error(`no server at ${BINARY}: run \`cargo build -p tautline\`, or set TAUTLINE_BIN`);
  }
  const child = spawn(BINARY, ["serve", "--dev", "--listen", `127.0.0.1:${port}`, "--admin-listen", "127.0.0.1:0", ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...settings },
  });
  running.add(child);
  const exited = once(child, "exit").finally(() => running.delete(child));
  const { address, operators } = await within(listening(child, exited), "the server to listen");
  return {
    address,
    port: Number(address.slice(address.lastIndexOf(":") + 1)),
    page: `http://${address}/`,
    plain: `http://${address}/plain/`,
    socket: `ws://${address}/ws`,
    operators: `http://${operators}`,
    metrics: `http://${operators}/metrics`,
    /** The process stands still, its sockets stay open: what a half-open connection looks like. */
    freeze: () => child.kill("SIGSTOP"),
    thaw: () => child.kill("SIGCONT"),
    /** It is asked to end, and has ended. */
    async stop() {
      child.kill("SIGTERM");
      await exited;
    },
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** An example of the crate `tautline-e2e`, which cargo puts beside the server. */
export function example(name) {
  const path = join(dirname(BINARY), "examples", name);
  if (!existsSync(path)) throw new Error(`no program at ${path}: run \`cargo build -p tautline-e2e --examples\``);
  return path;
}

/** A program that ends with the tests, whatever becomes of them. */
export function startProgram(program, args, options = {}) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  running.add(child);
  return { child, exited: once(child, "exit").finally(() => running.delete(child)) };
}

/** Rejects when `promise` is still pending after the hang guard. */
export async function within(promise, what) {
  let timer;
  const hung = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`hung for ${HANG_MS} ms waiting for ${what}`)), HANG_MS);
  });
  try {
    return await Promise.race([promise, hung]);
  } finally {
    clearTimeout(timer);
  }
}

function listening(child, exited) {
  return new Promise((resolve, reject) => {
    const lines = [];
    let address;
    createInterface({ input: child.stderr }).on("line", (line) => {
      lines.push(line);
      if (lines.length > LINES_KEPT_MAX) lines.shift();
      const said = parse(line);
      if (said.message === "listening") address = said.address;
      if (said.message === "listening for operators") resolve({ address, operators: said.address });
    });
    exited.then(
      ([code, signal]) => reject(new Error(`the server ended (${code ?? signal}) before it listened:\n${lines.join("\n")}`)),
      reject,
    );
  });
}

/** Log lines are JSON objects; whatever else a dying process writes is kept only for the error. */
function parse(line) {
  try {
    return JSON.parse(line) ?? {};
  } catch {
    return {};
  }
}
