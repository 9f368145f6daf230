// The session against a model of the server over a network that loses, holds back and repeats: 0 lost, 0 twice, a gap exactly
// where something is missing. PAIR_RUNS says how many runs, PAIR_SEED which one alone.

import { test } from "node:test";
import { World } from "./pair/world.js";

const RUNS = Number(process.env.PAIR_RUNS ?? 100_000);
const SEED = process.env.PAIR_SEED;

test(`in ${SEED ? 1 : RUNS} runs nothing is lost, nothing comes twice, and gaps are where something is missing`, () => {
  const seeds = SEED ? [Number(SEED)] : Array.from({ length: RUNS }, (_, nth) => nth + 1);
  for (const seed of seeds) {
    try {
      new World(seed).run();
    } catch (error) {
      throw new Error(`PAIR_SEED=${seed} shows it: ${(error as Error).message}`, { cause: error });
    }
  }
});
