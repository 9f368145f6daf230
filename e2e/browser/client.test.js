// The TypeScript client in a real Chromium against the real server, through what pages live through: lost networks, sleep, the
// back/forward cache, hidden tabs, reloads, a server that is killed. Judged by what was told, never by how long it took.

import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { CHROMIUM, HANG_MS, startServer, within } from "../harness.js";
import { startChromium } from "./chromium.js";
import { assertOnce, connectionsIn, connectionsToBe, judge, say, truthOf } from "./judge.js";
import { startMeasuring } from "./measure.js";
import { startSite } from "./site.js";
import { startWitness } from "./witness.js";

const MISSING = `no Chromium at ${CHROMIUM}: \`apt-get install chromium\`, or set CHROMIUM to its path`;

/** A server that gives its clients up after two seconds, and clients that do the same. */
const HASTY = {
  settings: { TAUTLINE_HEARTBEAT_PING_EVERY: "1s", TAUTLINE_HEARTBEAT_DEAD_AFTER: "1s" },
  asked: { options: { timeouts: { silence: 1_000, probe: 1_000 } } },
};
/** How long Chromium sleeps, in pings of the server: longer than both wait. Where all is tested it is a minute, and they wait as by default. */
const MINUTE = { settings: {}, asked: { options: { queue: { ttl: 5 * HANG_MS } } }, pings: 3 };
const SLEEP = process.env.TEST_ALL === "1" ? MINUTE : { ...HASTY, pings: 4 };
/** A client that finds nothing out by waiting. */
const PATIENT = { options: { timeouts: { silence: 10 * HANG_MS } } };

/** Who leaves is gone at once; clients that are tests connect and publish as often as they want to. */
const SETTINGS = { TAUTLINE_PRESENCE_GRACE: "0s", TAUTLINE_LIMITS_CONNECT_RATE: "off", TAUTLINE_LIMITS_PUBLISH_RATE: "off" };

/** So many clients of one page lose their connections together: one after another takes minutes, and Chromium slows down who opens many more. */
const CROWD = 10;
/** A socket that was kept for each reconnect would be seen above; this is for whatever else may grow. */
const HEAP_GROWTH_MAX = 1.1;

/** A room that outlives the server, and one that keeps ten messages in memory. */
const KEPT = "kept:room";
const BRIEF = "brief:room";
const BRIEF_KEEPS = 10;
const CONFIG = `
[[room]]
match = "kept:*"
history = 5000
durable = true
presence = true
everyone = ["join", "publish", "history", "presence", "members"]

[[room]]
match = "brief:*"
history = ${BRIEF_KEEPS}
presence = true
everyone = ["join", "publish", "history", "presence", "members"]
`;

if (existsSync(CHROMIUM)) {
  describe("the client in Chromium", { timeout: 10 * HANG_MS }, clientTests);
} else {
  test("the client in Chromium", { skip: process.env.TEST_ALL !== "1" && MISSING }, () => assert.fail(MISSING));
}

function clientTests() {
  let browser;
  let site;
  let server;
  let folder;
  let pages;
  let witnesses;

  before(async () => {
    site = await startSite();
    browser = await startChromium();
  });
  after(async () => {
    await browser?.close();
    site?.close();
  });

  beforeEach(async () => {
    pages = [];
    witnesses = [];
    folder = await mkdtemp(join(tmpdir(), "tautline-client-"));
    await writeFile(join(folder, "tautline.toml"), CONFIG);
    await chmod(join(folder, "tautline.toml"), 0o600);
  });
  afterEach(async () => {
    for (const page of pages) await page.close();
    for (const witness of witnesses) witness.close();
    await server?.kill();
    await rm(folder, { recursive: true });
    assert.deepEqual(browser.complaints.splice(0), [], "the console stays silent");
  });

  /** The server; what it keeps outlives it. */
  async function start(settings = {}, port = 0) {
    const args = ["--config", join(folder, "tautline.toml"), "--data", join(folder, "data")];
    server = await startServer(port, { ...SETTINGS, ...settings }, args);
  }

  /** Somebody's tab, in front of those before it, whose client is in a room. */
  async function open(user, name = KEPT, asked = {}) {
    const page = await browser.open(site.page({ url: server.socket, token: `dev-token:${user}`, name, ...asked }));
    pages.push(page);
    await live(page);
    return page;
  }

  async function watch(name = KEPT) {
    const witness = await startWitness(server, name);
    witnesses.push(witness);
    return witness;
  }

  /** Waits until a page says that something is so. */
  const until = (page, holds, argument) => within(page.evaluate(holds, argument), String(holds));
  const live = (page) => until(page, () => here.until(() => here.room.state.status === "live"));
  const lost = (page) => until(page, () => here.until(() => here.client.state.status !== "connected"));
  const offline = (page) => until(page, () => here.until(() => !navigator.onLine));
  const settled = (page, count) => until(page, (all) => here.until(() => here.acks.length + here.failures.length === all), count);
  const connection = (page) => page.evaluate(() => here.client.state.connection);
  const publish = (page, all, options) => page.evaluate(([all, options]) => here.publish(all, options), [all, options]);
  const names = (who, count, from = 1) => Array.from({ length: count }, (_, each) => `${who} ${from + each}`);

  /** Waits until pages have been told everything, and judges what they were told. Answers the gaps of each. */
  async function judged(all, name = KEPT) {
    const truth = await truthOf(server, name);
    const gaps = [];
    for (const page of all) {
      await until(page, ({ epoch, offset }) => here.until(() => {
        const stands = here.diary.at(-1)?.position;
        return here.room.state.status === "live" && stands.epoch === epoch && stands.offset >= offset;
      }), truth.position);
      gaps.push(judge(await page.evaluate(() => here.diary), truth));
      assert.deepEqual(await page.evaluate(() => here.failures), []);
    }
    return { truth, gaps };
  }

  /** The network of one tab. It takes no connection down: what is said waits, and nobody is told. */
  async function network(page) {
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("Network.enable");
    return (isOffline) =>
      devtools.send("Network.emulateNetworkConditions", { offline: isOffline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  }

  test("what is published while the network goes is published once, and what others said meanwhile is heard once", async () => {
    await start(HASTY.settings);
    const [ada, ben] = [await open("ada", KEPT, HASTY.asked), await open("ben")];
    await ada.bringToFront();
    const setOffline = await network(ada);
    const said = [];
    for (const round of [1, 2, 3]) {
      // On its way when the network goes, on a connection that is dead and does not know it yet, and without one.
      const [going, dead, without] = ["going", "dead", "without"].map((when) => names(`ada ${when} ${round}.`, 5));
      const old = await connection(ada);
      await publish(ada, going);
      await setOffline(true);
      await offline(ada);
      await publish(ada, dead);
      for (const data of names(`backend ${round}.`, 5)) await say(server, KEPT, data);
      // The second time the network is back before the client has given the connection up.
      if (round !== 2) await lost(ada);
      await publish(ada, without);
      await setOffline(false);
      said.push(...going, ...dead, ...without);
      await settled(ada, said.length);
      if (round !== 2) assert.notEqual(await connection(ada), old);
    }
    const { truth, gaps } = await judged([ada, ben]);
    assertOnce(truth, said);
    assert.equal(truth.messages.length, said.length + 15);
    assert.deepEqual(gaps, [[], []]);
  });

  test("a browser that sleeps for longer than the server waits misses nothing, and says nothing twice", async () => {
    await start(SLEEP.settings);
    const [ada, ben] = [await open("ada", KEPT, SLEEP.asked), await open("ben", KEPT, SLEEP.asked)];
    const witness = await watch();
    const before = await connection(ben);
    const said = names("ada", 10);
    await publish(ada, said);
    await browser.stop();
    try {
      for (let ping = 0; ping < SLEEP.pings; ping += 1) await witness.more("ping");
      for (const data of names("backend", 10)) await say(server, KEPT, data);
      await witness.until("both to be given up", () => witness.count("memberLeft") >= 2);
      assert.deepEqual((await connectionsIn(server, KEPT)).map(({ user }) => user), ["witness"]);
    } finally {
      browser.goOn();
    }
    await settled(ada, said.length);
    await publish(ben, names("ben", 10));
    await settled(ben, 10);
    const { truth, gaps } = await judged([ada, ben]);
    assertOnce(truth, said);
    assertOnce(truth, names("ben", 10));
    assert.deepEqual(gaps, [[], []]);
    assert.notEqual(await connection(ben), before);
  });

  test("a page that comes out of the back/forward cache has a new connection, and has missed and repeated nothing", async () => {
    await start();
    const [ada, witness] = [await open("ada"), await watch()];
    const said = [];
    for (const round of [1, 2]) {
      const old = await connection(ada);
      const going = names(`ada ${round}.`, 5);
      // The page is left in the moment in which this is on its way.
      await publish(ada, going);
      const isGone = witness.more("memberLeft");
      await ada.goto(site.elsewhere);
      await isGone;
      for (const data of names(`backend ${round}.`, 20)) await say(server, KEPT, data);
      await ada.goBack({ waitUntil: "commit" });
      await live(ada);
      assert.equal(await ada.evaluate(() => here.shows.at(-1)), true, "the page comes out of the cache");
      assert.equal(await ada.evaluate(() => here.reports.at(-1).errorFirst), false, "the client ends its connection, before it fails");
      assert.notEqual(await connection(ada), old);
      said.push(...going);
      await settled(ada, said.length);
    }
    const { truth, gaps } = await judged([ada]);
    assertOnce(truth, said);
    assert.deepEqual(gaps, [[]]);
    assert.deepEqual((await connectionsIn(server, KEPT)).map(({ user }) => user).sort(), ["ada", "witness"]);
  });

  test("a page that was away for longer than the room keeps hears of one gap, and of everything behind it", async () => {
    await start();
    const [ada, witness] = [await open("ada", BRIEF), await watch(BRIEF)];
    await publish(ada, names("ada", 3));
    await settled(ada, 3);
    const isGone = witness.more("memberLeft");
    await ada.goto(site.elsewhere);
    await isGone;
    for (const data of names("backend", BRIEF_KEEPS + 5)) await say(server, BRIEF, data);
    await ada.goBack({ waitUntil: "commit" });
    await live(ada);
    const { gaps } = await judged([ada], BRIEF);
    assert.deepEqual(gaps, [[{ from: 4, to: 8, reason: "evicted" }]]);
  });

  test("a hidden tab hears everything, and finds out when it is shown that its connection is dead", async () => {
    await start();
    const [ada, ben] = [await open("ada", KEPT, PATIENT), await open("ben")];
    await until(ada, () => here.until(() => document.visibilityState === "hidden"));
    for (const data of names("backend", 20)) await say(server, KEPT, data);
    await publish(ada, names("ada", 5));
    await settled(ada, 5);
    assert.deepEqual((await judged([ada, ben])).gaps, [[], []]);

    const old = await connection(ada);
    server.freeze();
    // On its way, to nobody. Nothing but that the tab is seen again makes its client ask.
    await publish(ada, names("ada", 5, 6));
    await ada.bringToFront();
    await lost(ada);
    await publish(ada, names("ada", 5, 11));
    server.thaw();
    await settled(ada, 15);
    const { truth, gaps } = await judged([ada, ben]);
    assertOnce(truth, names("ada", 15));
    assert.deepEqual(gaps, [[], []]);
    assert.notEqual(await connection(ada), old);
  });

  test("two tabs of one user are two members, and each hears what both say once", async () => {
    await start();
    const tabs = [await open("ada"), await open("ada")];
    await Promise.all(tabs.map((tab, each) => publish(tab, names(`tab ${each}`, 30))));
    for (const tab of tabs) await settled(tab, 30);
    const { truth, gaps } = await judged(tabs);
    for (const each of [0, 1]) assertOnce(truth, names(`tab ${each}`, 30));
    assert.equal(truth.messages.length, 60);
    assert.deepEqual(gaps, [[], []]);

    const members = (count) => until(tabs[0], (count) => here.until(() => here.room.presence.view.count === count), count);
    await members(2);
    await pages.pop().close();
    await members(1);
    await publish(tabs[0], ["alone"]);
    await settled(tabs[0], 31);
    await judged([tabs[0]]);
  });

  test("a page that is loaded again goes on behind what it had heard, and its keys are known", async () => {
    await start();
    const ada = await open("ada", KEPT, { isKept: true });
    const all = names("backend", 60);
    const telling = (async () => {
      for (const data of all) await say(server, KEPT, data);
    })();
    for (const key of ["a", "b", "c"]) {
      // Nobody knows whether this has left when the page goes.
      await publish(ada, [`order ${key}`], { key });
      await ada.reload();
      await live(ada);
      await publish(ada, [`order ${key}`], { key });
      await settled(ada, 1);
    }
    await telling;
    const { truth, gaps } = await judged([ada]);
    assertOnce(truth, ["order a", "order b", "order c"]);
    assertOnce(truth, all);
    assert.deepEqual(gaps, [[]]);
  });

  test("a server that is killed under its pages is back with all that it had acknowledged, and with all that waited", async () => {
    await start();
    const tabs = [await open("ada"), await open("ben")];
    for (const round of [1, 2]) {
      await Promise.all(tabs.map((tab, each) => publish(tab, names(`tab ${each} ${round}.`, 50))));
      await until(tabs[0], (count) => here.until(() => here.acks.length > count), 50 * (round - 1));
      await server.kill();
      for (const tab of tabs) await lost(tab);
      await start({}, server.port);
      for (const tab of tabs) await settled(tab, 50 * round);
    }
    const { truth, gaps } = await judged(tabs);
    for (const each of [0, 1]) assertOnce(truth, [1, 2].flatMap((round) => names(`tab ${each} ${round}.`, 50)));
    assert.equal(truth.messages.length, 200);
    assert.deepEqual(gaps, [[], []]);
  });

  test("a room that has lost its past with the server begins anew, and says so", async () => {
    await start();
    const tabs = [await open("ada", BRIEF), await open("ben", BRIEF)];
    await publish(tabs[0], names("before", 8));
    await settled(tabs[0], 8);
    await judged(tabs, BRIEF);
    await server.kill();
    for (const tab of tabs) await lost(tab);
    await publish(tabs[1], names("between", 4));
    await start({}, server.port);
    await settled(tabs[1], 4);
    const { truth, gaps } = await judged(tabs, BRIEF);
    assert.deepEqual(truth.messages.map(({ data }) => data), names("between", 4));
    for (const [gap, ...more] of gaps) assert.deepEqual([gap.reason, more], ["epoch-changed", []]);
  });

  test("a worker has a client as a page has", async () => {
    await start();
    const ada = await open("ada");
    const asked = { url: server.socket, token: "dev-token:ada", name: KEPT, said: "from a worker" };
    const heard = await until(ada, (asked) => new Promise((resolve) => {
      const worker = new Worker("/worker.js", { type: "module" });
      worker.onmessage = ({ data }) => resolve(data);
      worker.postMessage(asked);
    }), asked);
    assert.equal(heard, "from a worker");
    await judged([ada]);
  });

  test("a burst of 1,000 messages is heard once, in order, in front and hidden", async () => {
    await start();
    const options = { queue: { maxMessages: 1_000 } };
    const tabs = [await open("ben"), await open("ada", KEPT, { options })];
    await publish(tabs[1], names("ada", 1_000));
    await settled(tabs[1], 1_000);
    const { truth, gaps } = await judged(tabs);
    assert.deepEqual(truth.messages.map(({ data }) => data), names("ada", 1_000));
    assert.deepEqual(gaps, [[], []]);
  });

  test("500 lost connections leave no socket, no listener and no memory behind", async () => {
    await start();
    const ada = await open("ada");
    await ada.evaluate(async ([count, ...others]) => {
      const { gather } = await import("/crowd.js");
      here.crowd = gather(count, ...others);
    }, [CROWD, server.socket, "dev-token", KEPT]);
    // The page's own client is put away and back with the others, and the crowd does not wait for it.
    const reconnect = async (times) => {
      await until(ada, (times) => here.crowd.reconnect(times), times / CROWD);
      await within(connectionsToBe(server, KEPT, CROWD + 1), "the server to have one connection of each client");
    };
    const measure = await startMeasuring(ada);

    await reconnect(100);
    const before = await measure();
    await reconnect(500);
    const after = await measure();
    const what = `${JSON.stringify(before)}, then ${JSON.stringify(after)}`;
    assert.ok(after.sockets <= before.sockets, what);
    assert.ok(after.listeners <= before.listeners, what);
    assert.ok(after.heap <= before.heap * HEAP_GROWTH_MAX, what);

    for (const data of ["still here", "the end"]) await say(server, KEPT, data);
    const heard = await until(ada, () => here.crowd.heard(2));
    assert.deepEqual(heard, Array.from({ length: CROWD }, () => ["still here", "the end"]));
  });
}
