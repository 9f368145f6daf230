// The packages as people get them: packed, installed into an empty project for Node and one with Vite and React, built, and connected.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, extname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium } from "playwright-core";
import { CHROMIUM, HANG_MS, QUIET, startServer, within } from "./harness.js";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript" };

const NODE = `
import { createClient } from "@tautline/client";
import { messagePack } from "@tautline/client/msgpack";
import { WebSocket } from "ws";

const client = createClient({ url: process.argv[2], token: "dev-token", encoding: messagePack(), env: { WebSocket } });
const { offset, level } = await client.room("packed").publish("said", "from Node");
console.log(offset, level);
await client.close();
`;

const PAGE = `
import { createClient } from "@tautline/client";
import { TautlineProvider, useRoom, useRoomEvent } from "@tautline/react";
import { createElement, useState } from "react";
import { createRoot } from "react-dom/client";

const client = createClient({ url: decodeURIComponent(location.hash.slice(1)), token: "dev-token" });

function Said() {
  const { room, status, publish } = useRoom("packed");
  const [said, setSaid] = useState("nothing");
  useRoomEvent(room, "said", ({ data }) => setSaid(data));
  return createElement("button", { disabled: status !== "live", onClick: () => publish("said", "from a page") }, said);
}

createRoot(document.getElementById("root")).render(
  createElement(TautlineProvider, { client }, createElement(Said)),
);
`;

describe("the packages, packed", { timeout: 10 * HANG_MS }, () => {
  let directory;
  let server;
  let packed;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "tautline-"));
    server = await startServer();
    await run("npm", ["pack", "--pack-destination", directory, "-w", "packages/client", "-w", "packages/react"], { cwd: ROOT });
    const file = (name) => `file:${join(directory, readdirSync(directory).find((found) => found.startsWith(`tautline-${name}-`)))}`;
    packed = { "@tautline/client": file("client"), "@tautline/react": file("react") };
  });
  after(async () => {
    await server?.kill();
    rmSync(directory, { recursive: true });
  });

  /** A project with nothing but these dependencies and files, installed. */
  async function project(name, dependencies, files) {
    const folder = join(directory, name);
    files = { "package.json": JSON.stringify({ private: true, type: "module", dependencies }), ...files };
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    await run("npm", ["install", "--no-audit", "--no-fund"], { cwd: folder });
    return folder;
  }

  test("connect from an empty project for Node", async () => {
    const { "@tautline/react": _, ...client } = packed;
    const folder = await project("node", { ...client, ws: "8.23.0" }, { "main.js": NODE });
    const { stdout } = await run("node", ["main.js", server.socket], { cwd: folder });
    assert.equal(stdout, "1 memory\n");
  });

  test("build with Vite, and connect from the page", async () => {
    const folder = await project(
      "vite",
      { ...packed, react: "19.3.1", "react-dom": "19.3.1", vite: "8.3.8" },
      { "index.html": '<div id="root"></div><script type="module" src="/main.js"></script>', "main.js": PAGE },
    );
    await run("npx", ["vite", "build"], { cwd: folder });
    const site = createServer(({ url }, response) => {
      const path = url === "/" ? "/index.html" : url;
      try {
        response.setHeader("content-type", TYPES[extname(path)] ?? "text/plain");
        response.end(readFileSync(join(folder, "dist", path)));
      } catch {
        response.writeHead(404).end();
      }
    }).listen(0, "127.0.0.1");
    await once(site, "listening");
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: QUIET });
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(HANG_MS);
      await page.goto(`http://127.0.0.1:${site.address().port}/#${encodeURIComponent(server.socket)}`);
      await page.getByText("nothing").click();
      await within(page.getByText("from a page").waitFor(), "what the page said");
    } finally {
      await browser.close();
      site.close();
    }
  });
});
