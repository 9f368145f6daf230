// Writes docs/reference/typescript.md: everything that the packages export, as their declarations have it. Build both first. With
// --check it writes nothing, and fails where the file is another.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const TARGET = at("../../../docs/reference/typescript.md");
const ENTRIES = [
  ["@tautline/client", "../dist/index.d.ts"],
  ["@tautline/client/msgpack", "../dist/msgpack/index.d.ts"],
  ["@tautline/react", "../../react/dist/index.d.ts"],
];
const HEAD = `# The packages for TypeScript

Generated from the packages' types: \`npm run reference\` writes this page anew. The guides are
[the TypeScript client](../guide/typescript.md) and [React](../guide/react.md).
`;

/** The names that an entry exports, with the file that declares each, in the entry's order. */
function* exportsOf(path) {
  const entry = new URL(path, import.meta.url);
  const text = readFileSync(entry, "utf8");
  for (const [, names, from] of text.matchAll(/^export (?:type )?\{([^}]*)\} from "\.\/([^"]+)\.js";/gm)) {
    for (const name of names.split(",").filter((name) => name.trim()))
      yield [name.replace("type ", "").trim(), new URL(`${from}.d.ts`, entry)];
  }
  for (const [, name] of text.matchAll(/^export declare (?:function|const) (\w+)/gm)) yield [name, entry];
}

/**
 * A declaration with the comment before it, and each further form of a function. Types are as they were written; of the rest only the
 * compiler leaves out the bodies.
 */
function declarationsOf(name, file) {
  const begins = new RegExp(`^export (?:declare )?(interface|type|class|function|const) ${name}\\b`, "gm");
  let text = readFileSync(file, "utf8");
  const [first] = text.matchAll(begins);
  const kind = first?.[1];
  if (!kind) throw new Error(`no declaration of ${name}`);
  if (kind === "interface" || kind === "type") {
    const source = fileURLToPath(file).replace("/dist/", "/src/").replace(".d.ts", ".ts");
    text = readFileSync(existsSync(source) ? source : `${source}x`, "utf8");
  }
  return [...text.matchAll(begins)].map(({ index }) => {
    const rest = text.slice(index);
    // What a declaration has inside is indented, and it may end with a bracket.
    const next = rest.search(/\n[^\s})]/);
    const declaration = rest.slice(0, next < 0 ? undefined : next).trim();
    const comment = text.slice(0, index).match(/\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n(?:\/\/.*\n)*$/)?.[0] ?? "";
    return [wordsOf(comment.replace(/\n\/\/.*/g, "")), declaration.replace(/^export (?:declare )?/, "")];
  });
}

/** A comment's text, as a paragraph. */
function wordsOf(comment) {
  const lines = comment.split("\n").map((line) => line.replace(/^\s*\/?\*+\/?\s?|\s*\*\/$/g, "").trim());
  return lines
    .join("\n")
    .trim()
    .replace(/\{@link (\w+)\}/g, "`$1`");
}

let page = HEAD;
for (const [entry, path] of ENTRIES) {
  page += `\n## ${entry}\n`;
  for (const [name, file] of exportsOf(path)) {
    page += `\n### ${name}\n`;
    for (const [words, declaration] of declarationsOf(name, file)) {
      page += `\n${words && `${words}\n\n`}\`\`\`ts\n${declaration}\n\`\`\`\n`;
    }
  }
}

if (!process.argv.includes("--check")) writeFileSync(TARGET, page);
else if (readFileSync(TARGET, "utf8") !== page) {
  console.error("docs/reference/typescript.md is not what the types say: run `npm run reference` at the root");
  process.exitCode = 1;
}
