// The site of the tests: their page, bundled with one version of React, empty or as that version renders it on a server.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Wanted } from "./app.js";
import type { render } from "./render.js";

/** A running site. */
export interface Site {
  /** The address of a page that talks to this server; with `wanted`, as a server renders it. */
  page(server: string, wanted?: Wanted): string;
  close(): void;
}

/** Serves the page on a free port. `version` is that of React, and what the names of its packages end with. */
export async function startSite(version: "19" | "18"): Promise<Site> {
  const script = await readFile(await bundle("page", version), "utf8");
  const renderer = (await import(await bundle("render", version))) as { render: typeof render };
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const isScript = pathname === "/page.js";
    const wanted = searchParams.get("wanted");
    const html = wanted ? renderer.render(JSON.parse(wanted)) : "";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html; charset=utf-8");
    response.end(
      isScript
        ? script
        : `<!doctype html><link rel="icon" href="data:,"><div id="root">${html}</div><script src="page.js"></script>`,
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    page(socket, wanted) {
      const query = new URLSearchParams({ server: socket, ...(wanted && { wanted: JSON.stringify(wanted) }) });
      return `http://127.0.0.1:${port}/?${query}`;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Bundles one of the files beside this one, for development: React then checks much that it does not otherwise. */
async function bundle(name: "page" | "render", version: "19" | "18"): Promise<string> {
  const outfile = fileURLToPath(new URL(`bundled/${name}-${version}.cjs`, import.meta.url));
  await build({
    entryPoints: [fileURLToPath(new URL(`${name}.js`, import.meta.url))],
    outfile,
    bundle: true,
    platform: name === "page" ? "browser" : "node",
    format: name === "page" ? "iife" : "cjs",
    target: "es2022",
    define: { "process.env.NODE_ENV": '"development"' },
    alias: version === "18" ? { react: "react-18", "react-dom": "react-dom-18" } : {},
    logLevel: "error",
  });
  return outfile;
}
