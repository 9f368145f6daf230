// What a server renders: the same always, without a socket.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { useTautline } from "@tautline/react";
import { renderToString } from "react-dom/server";
import { render } from "./render.js";

test("a server renders what is known without a connection, and opens none", () => {
  const nobody = '<p class="status">idle</p><p class="counted"></p><p class="present"></p>';
  assert.equal(
    render({ rooms: ["room:a", null] }),
    '<p id="connection">idle</p><span class="badge" role="status"></span>' +
      `<section id="place-0">${nobody}</section><section id="place-1">${nobody}</section>`,
  );
});

test("a hook outside of a provider says what is missing", () => {
  assert.throws(() => renderToString(<Lost />), /render this inside <TautlineProvider client=\{client\}>/);
});

test("the built file begins with what makes it a module of the client in React's server components", () => {
  const entry = readFileSync(new URL(import.meta.resolve("@tautline/react")), "utf8");
  assert.match(entry, /^"use client";\n/);
});

function Lost(): null {
  useTautline();
  return null;
}
