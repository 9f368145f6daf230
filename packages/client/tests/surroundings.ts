// Surroundings for a client under test: a clock that stands still, sockets that end at a model of the server, and a page.

import assert from "node:assert/strict";
import { createClient } from "../src/client.js";
import type { Env, Lifecycle, LifecycleSign, Socket } from "../src/env.js";
import type { TautlineError } from "../src/errors.js";
import type { ClientOptions } from "../src/options.js";
import type { ServerMessage } from "../src/wire.js";
import { Agenda } from "./pair/agenda.js";
import { Desk } from "./pair/desk.js";
import { Dice } from "./pair/dice.js";
import { House } from "./pair/house.js";

export class Surroundings {
  readonly agenda = new Agenda();
  readonly dice = new Dice(1);
  readonly house: House;
  readonly sockets: Line[] = [];
  /** Whether somebody accepts connections. */
  isUp = true;
  /** How far the clock on the wall is ahead of the other one. */
  ahead = 1e12;
  readonly timers = new Set<object>();
  /** No timer calls sooner: what browsers do to hidden pages. */
  throttle = 0;
  readonly ears = new Set<(sign: LifecycleSign) => void>();
  readonly lifecycle: { hidden: boolean; offline: boolean } & Lifecycle = {
    hidden: false,
    offline: false,
    listen: (heard) => {
      this.ears.add(heard);
      return () => this.ears.delete(heard);
    },
  };
  readonly env: Partial<Env>;

  constructor() {
    const plans: [name: string, inFlight: number][] = [
      ["a", 0],
      ["b", 0],
      ["acked", 9],
    ];
    const rooms = plans.map(([name, inFlight]) => ({ name, isDurable: true, keeps: 3, inFlight, rate: 0 }));
    this.house = new House(this.agenda, this.dice, rooms);
    const here = this;
    this.env = {
      now: () => this.agenda.now,
      wall: () => this.agenda.now + this.ahead,
      random: this.dice.draw,
      identity: () => "producer",
      wake: (after, back) => {
        const timer = {};
        this.timers.add(timer);
        this.agenda.after(Math.max(after, this.throttle), () => this.timers.delete(timer) && back());
        return () => this.timers.delete(timer);
      },
      WebSocket: class extends Line {
        constructor(url: string, protocols: string[]) {
          super(here, url, protocols);
        }
      },
      lifecycle: this.lifecycle,
    };
  }

  options(more: Partial<ClientOptions> = {}): ClientOptions {
    return { url: "ws://example.test/ws", token: "token|ann|", env: this.env, ...more };
  }

  sign(sign: LifecycleSign): void {
    for (const heard of this.ears) heard(sign);
  }

  /** The connection that was opened last. */
  get line(): Line {
    const last = this.sockets.at(-1);
    if (!last) throw new Error("no socket was opened");
    return last;
  }

  get open(): Line[] {
    return this.sockets.filter((line) => line.readyState < 2);
  }

  /** Lets time pass, and promises be settled on the way. */
  async pass(span: number): Promise<void> {
    const end = this.agenda.now + span;
    let isOver = false;
    this.agenda.at(end, () => {
      isOver = true;
    });
    while (!isOver) {
      await settled();
      this.agenda.step();
    }
    await settled();
  }
}

/** Everything that was promised and can be kept is. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 12; turn++) await Promise.resolve();
}

/** One socket, and the server's side of it. */
export class Line implements Socket {
  binaryType = "";
  bufferedAmount = 0;
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  readonly url: string;
  readonly protocols: string[];
  readonly sent: string[] = [];
  readonly desk: Desk;
  closedWith: number | undefined;
  readonly #here: Surroundings;

  constructor(here: Surroundings, url: string, protocols: string[]) {
    this.#here = here;
    this.url = url;
    this.protocols = protocols;
    here.sockets.push(this);
    const trouble = { refusals: 0, refused() {}, unanswered() {}, acknowledged() {} };
    const say = (message: ServerMessage) => this.#later(() => this.onmessage?.({ data: JSON.stringify(message) }));
    this.desk = new Desk(here.agenda, here.dice, here.house, trouble, say, (code) => this.end(code));
    if (here.isUp) {
      this.#later(() => {
        this.readyState = 1;
        this.onopen?.();
      });
    } else this.end(1006);
  }

  send(data: string): void {
    this.sent.push(data);
    this.#later(() => this.desk.hear(JSON.parse(data)));
  }

  close(code?: number): void {
    this.closedWith = code;
    this.readyState = 2;
    this.desk.part();
  }

  /** The connection ends, from the other side. */
  end(code: number, reason: string = ""): void {
    this.#later(() => {
      this.readyState = 3;
      this.onclose?.({ code, reason });
    });
    this.desk.part();
  }

  #later(happen: () => void): void {
    this.#here.agenda.after(5, happen);
  }
}

/** A client that is connected and in room `a`. */
export async function joined(here: Surroundings = new Surroundings()) {
  const client = createClient(here.options());
  const room = client.room("a");
  const leave = room.join();
  await here.pass(1_000);
  assert.equal(room.state.status, "live");
  return { here, client, room, leave };
}

/** Why something fails. */
export async function failure(promise: Promise<unknown>): Promise<TautlineError> {
  return promise.then(
    () => assert.fail("it succeeded"),
    (error) => error,
  );
}
