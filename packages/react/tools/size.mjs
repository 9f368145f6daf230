// What the hooks add to a bundle that has React and the client already. Fails beyond the budget.

import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** 1.8 kB, compressed by gzip. */
const BUDGET = 1_800;

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL("../dist/index.js", import.meta.url))],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  external: ["react", "react/jsx-runtime", "@tautline/client"],
  write: false,
});
const bytes = gzipSync(outputFiles[0].contents, { level: 9 }).length;
console.log(`@tautline/react: ${bytes} bytes of at most ${BUDGET}`);
if (bytes > BUDGET) process.exitCode = 1;
