// The site of the tests: their page, the client as it was built, module by module, and a page to go to.

import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

const CLIENT = new URL("../../packages/client/dist/", import.meta.url);
const SCRIPTS = ["/page.js", "/crowd.js", "/worker.js"];

const html = (body) => `<!doctype html><link rel="icon" href="data:,"><title>Tautline</title>${body}`;

function scriptAt(pathname) {
  if (SCRIPTS.includes(pathname)) return new URL(pathname.slice(1), import.meta.url);
  return pathname.startsWith("/client/") ? new URL(pathname.slice("/client/".length), CLIENT) : undefined;
}

/** Serves them on a free port. */
export async function startSite() {
  if (!existsSync(CLIENT)) throw new Error(`no client at ${fileURLToPath(CLIENT)}: run \`npm ci\` and \`npm run build\` in the root`);
  const site = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const script = scriptAt(pathname);
    try {
      const body = script ? await readFile(script) : html(pathname === "/" ? `<script type="module" src="/page.js"></script>` : "");
      response.setHeader("content-type", script ? "text/javascript" : "text/html; charset=utf-8");
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  site.listen(0, "127.0.0.1");
  await once(site, "listening");
  const address = `http://127.0.0.1:${site.address().port}/`;
  return {
    /** A page with a client. `asked` says which: see page.js. */
    page: (asked) => `${address}?${new URLSearchParams({ asked: JSON.stringify(asked) })}`,
    elsewhere: `${address}elsewhere`,
    close() {
      site.close();
      site.closeAllConnections();
    },
  };
}
