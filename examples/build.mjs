// Bundles each example's app.ts, and puts it beside its page, into target/examples.

import { cp, readdir, rm } from "node:fs/promises";
import { extname, join, resolve } from "node:path";
import { build } from "esbuild";

const SERVED = [".html", ".css", ".svg"];
const here = import.meta.dirname;
const target = resolve(process.env.CARGO_TARGET_DIR || join(here, "../target"), "examples");

const entries = await readdir(here, { recursive: true });
const ours = entries.filter((path) => !path.startsWith("node_modules"));

await rm(target, { recursive: true, force: true });
await build({
  entryPoints: ours.filter((path) => path.endsWith("app.ts")).map((path) => join(here, path)),
  outbase: here,
  outdir: target,
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  sourcemap: true,
  chunkNames: "frame/[name]-[hash]",
  logLevel: "warning",
});
for (const path of ours.filter((path) => SERVED.includes(extname(path))))
  await cp(join(here, path), join(target, path));
