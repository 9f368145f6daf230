// How large the client is for whoever bundles it: `npm run size`, and with `-- --parts` which of its files has how much of
// that. Fails above the ceiling.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** What the core may have, in bytes after gzip: what it has now. Why so much, and what goes beyond it: docs/decisions/008. */
const CEILING = 14_000;

/** Others, bundled in the same way on 20 November 2026. */
const PEERS = [
  ["phoenix 1.8.16, with presence", 27_181, 8_288],
  ["socket.io-client 4.8.4", 41_941, 13_102],
  ["@microsoft/signalr 10.0.11", 55_726, 14_307],
  ["@supabase/realtime-js 2.119.0", 57_314, 16_864],
  ["pusher-js 8.6.0", 63_068, 19_062],
  ["centrifuge 5.8.0, JSON", 99_365, 23_651],
  ["ably 2.28.0, Realtime", 211_129, 57_920],
];

const { version } = JSON.parse(readFileSync(fileURLToPath(new URL("../package.json", import.meta.url)), "utf8"));
const core = 'export { createClient } from "./dist/index.js";';
const rows = [
  [`@tautline/client ${version}`, ...sizes(await bundle(core))],
  [
    "the same with MessagePack",
    ...sizes(await bundle(`${core} export { messagePack } from "./dist/msgpack/index.js";`)),
  ],
  ...PEERS,
];
for (const [name, minified, gzip] of rows) console.log(name.padEnd(34), pad(minified), pad(gzip));
if (process.argv.includes("--parts")) {
  const [{ inputs }] = Object.values((await bundle(core)).metafile.outputs);
  const parts = Object.entries(inputs).sort(([, one], [, other]) => other.bytesInOutput - one.bytesInOutput);
  console.log("\nof the core, minified");
  for (const [path, { bytesInOutput }] of parts) {
    if (bytesInOutput) console.log(path.replace(/^.*dist\//, "").padEnd(34), pad(bytesInOutput));
  }
}
if (rows[0][2] > CEILING) {
  console.error(`the core has ${rows[0][2]} bytes after gzip, at most ${CEILING}`);
  process.exitCode = 1;
}

async function bundle(contents) {
  return build({
    stdin: { contents, resolveDir: fileURLToPath(new URL("..", import.meta.url)) },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
    metafile: true,
  });
}

function sizes({ outputFiles: [file] }) {
  return [file.contents.length, gzipSync(file.contents, { level: 9 }).length];
}

function pad(bytes) {
  return bytes.toLocaleString("en").padStart(9);
}
