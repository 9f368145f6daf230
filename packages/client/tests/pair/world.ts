// One run: programs, a server, what lies between them, what goes wrong, and a clock that nobody waits for.

import assert from "node:assert/strict";
import type { CloseCode } from "../../src/wire.js";
import { Agenda } from "./agenda.js";
import type { Desk, Trouble } from "./desk.js";
import { Dice } from "./dice.js";
import { House, type Plan as RoomPlan } from "./house.js";
import { Judge, placeOf } from "./judge.js";
import { type Link, Program } from "./program.js";

/** A run that has not come to rest by then never does. */
const REST_WITHIN = 240_000;
const LOOK_EVERY = 5_000;
const STEPS_MAX = 200_000;

/** What kind of run it is. */
export interface Plan {
  readonly programs: number;
  readonly isOneUser: boolean;
  readonly isBinary: boolean;
  readonly rooms: readonly RoomPlan[];
  readonly latency: number;
  readonly busyFor: number;
  readonly faultEvery: number;
  /** Connections are lost; the server drains, and nobody may notice; everything. */
  readonly faults: "links" | "drains" | "all";
  readonly actEvery: number;
  readonly tokenLife: number;
  readonly ttl: number;
  readonly refusals: number;
}

function draw(dice: Dice): Plan {
  const faults = dice.pick(["links", "drains", "all", "all"] as const);
  const isCalm = faults === "drains";
  const rooms = Array.from({ length: dice.below(3) + 1 }, (_, nth): RoomPlan => {
    const [inFlight, rate] = [dice.pick([1, 3, 10]), 2];
    return {
      name: `room:${nth}`,
      isDurable: dice.is(0.5),
      keeps: dice.pick([3, 10, 200]),
      inFlight: dice.is(0.3) ? inFlight : 0,
      rate: dice.is(0.2) ? rate : 0,
    };
  });
  return {
    programs: dice.pick([1, 1, 2]),
    isOneUser: dice.is(0.3),
    isBinary: dice.is(0.1),
    rooms,
    latency: dice.pick([5, 40, 400]),
    busyFor: dice.pick([1_000, 2_000, 4_000]),
    faultEvery: dice.pick([300, 800, 2_500]),
    faults,
    actEvery: dice.pick([120, 300, 700]),
    tokenLife: !isCalm && dice.is(0.2) ? dice.pick([8_000, 20_000]) : 0,
    ttl: dice.pick([6_000, 60_000, 60_000]),
    refusals: isCalm ? 0 : dice.pick([0, 0, 0.15]),
  };
}

export class World {
  readonly dice: Dice;
  readonly plan: Plan;
  readonly agenda = new Agenda();
  readonly house: House;
  readonly judge: Judge;
  readonly programs: Program[];
  readonly trouble: Trouble;
  isUp = true;
  isBusy = true;
  words = 0;
  /** When nothing goes wrong any more. */
  quietAt = Infinity;

  constructor(seed: number) {
    this.dice = new Dice(seed);
    this.plan = draw(this.dice);
    const { plan, dice, agenda } = this;
    this.house = new House(agenda, dice, plan.rooms);
    this.judge = new Judge(this.house);
    const record = (data: unknown) => this.judge.records.get((data as { n: number }).n);
    this.trouble = {
      refusals: plan.refusals,
      refused: (data) => {
        const found = record(data);
        if (found) found.wasRefused = true;
      },
      unanswered: (data) => {
        const found = record(data);
        if (found) found.wasUnanswered = true;
      },
      acknowledged: (guest, { room, epoch, offset }) => {
        const program = this.programs.find(({ links }) => links.some(({ desk }) => desk === guest));
        if (program) this.judge.hearsAck(program.name, room, epoch, offset);
      },
    };
    this.programs = Array.from({ length: plan.programs }, (_, nth) => new Program(this, nth));
    for (const program of this.programs) this.#act(program);
    agenda.after(plan.faultEvery, () => this.#goWrong());
    agenda.after(plan.busyFor, () => this.#quiet());
  }

  /** Lets everything happen, until nothing goes wrong any more and all is at rest. */
  run(): void {
    const { agenda, plan, judge } = this;
    let lookAt = plan.busyFor + LOOK_EVERY;
    for (let steps = 0; steps < STEPS_MAX && agenda.now < plan.busyFor + REST_WITHIN; steps++) {
      if (!agenda.step()) break;
      if (agenda.now < lookAt) continue;
      lookAt = agenda.now + LOOK_EVERY;
      if (this.#unrest() !== undefined) continue;
      judge.verdict((producer) => !this.programs.some((program) => program.producer === producer));
      return;
    }
    assert.fail(`it does not come to rest: ${this.#unrest()}`);
  }

  #act(program: Program): void {
    this.agenda.after(this.dice.between(0, this.plan.actEvery * 2), () => {
      if (!this.isBusy) return;
      program.act();
      this.#act(program);
    });
  }

  /** Nothing goes wrong any more; whoever is closed begins anew. */
  #quiet(): void {
    this.isBusy = false;
    this.quietAt = this.agenda.now;
    this.isUp = true;
    this.trouble.refusals = 0;
    const lookAfter = (program: Program) => {
      if (!program.isAsleep) program.beginAnew();
      this.agenda.after(LOOK_EVERY, () => lookAfter(program));
    };
    for (const program of this.programs) lookAfter(program);
  }

  /** Why the world is not at rest, if it is not. */
  #unrest(): string | undefined {
    for (const program of this.programs) {
      const { name, state, links, wants, user } = program;
      if (state.status !== "connected") return `${name} is not connected: ${JSON.stringify(state)}`;
      if (program.session.pending) return `${name} has publications that wait`;
      if (program.hasUnanswered) return `${name} has questions that wait`;
      const known = links.filter((link) => link.isKnown);
      for (const [room, hall] of this.house.halls) {
        const isIn = known.some(({ desk }) => desk && hall.has(desk));
        if (isIn !== wants.has(room)) return `${name} is in ${room}: ${isIn}`;
        if (!isIn) continue;
        const stream = this.judge.stream(name, room);
        const head = placeOf(hall.head);
        if (!stream?.isLive || !stream.stands || placeOf(stream.stands) !== head) {
          return `${name} stands at ${stream?.stands?.offset} of ${room}, not at ${head}`;
        }
        const cursor = hall.cursors.get(user);
        if (hall.plan.inFlight && hall.head.offset && (!cursor || placeOf(cursor) !== head)) {
          return `${name}: ${room} is at ${head}, acknowledged ${cursor?.offset}`;
        }
      }
    }
    return undefined;
  }

  /** Something goes wrong, if things still do. */
  #goWrong(): void {
    const { dice, plan } = this;
    if (!this.isBusy) return;
    this.agenda.after(dice.between(0, plan.faultEvery * 2), () => this.#goWrong());
    if (plan.faults === "links") this.#loseLink();
    else if (plan.faults === "drains") this.#drain(2_000, 15_000);
    else {
      const chosen = dice.below(12);
      if (chosen < 7) this.#loseLink();
      else if (chosen < 8) this.#kill();
      else if (chosen < 9) this.#drain(dice.pick([0, 500, 5_000]), 3_000);
      else if (chosen < 10) this.#endOne();
      else if (chosen < 11) this.#stallOne();
      else {
        const hall = this.house.hall(dice.pick(plan.rooms).name);
        if (!hall.plan.isDurable) hall.begin();
      }
    }
  }

  #links(): [Program, Link, Desk][] {
    return this.programs.flatMap((program) =>
      program.links.flatMap((link): [Program, Link, Desk][] =>
        link.desk && !link.desk.isOver ? [[program, link, link.desk]] : [],
      ),
    );
  }

  #loseLink(): void {
    const { dice, agenda } = this;
    const links = this.#links();
    if (!links.length) return;
    const [, { toServer, toProgram }] = dice.pick(links);
    const late = agenda.now + dice.between(1_000, 20_000);
    const fault = dice.below(7);
    if (fault < 2) {
      // Both sides hear of it soon.
      toProgram.lose();
      toServer.lose();
    } else if (fault < 4) {
      // The program comes back at once; what it had sent arrives long after that.
      toProgram.lose();
      toServer.stall(late);
      toServer.push({ end: { kind: "lost", code: 1006, reason: "" } });
      toServer.isDead = true;
    } else if (fault < 5) toProgram.die();
    else if (fault < 6) toServer.die();
    else {
      toServer.stall(late);
      toProgram.stall(late);
    }
  }

  /** The server is killed, and is back a little later. */
  #kill(): void {
    this.isUp = false;
    this.agenda.after(this.dice.between(0, 4_000), () => {
      this.isUp = true;
    });
    for (const [, link, desk] of this.#links()) {
      desk.part();
      link.toProgram.lose();
    }
    for (const hall of this.house.halls.values()) hall.restart();
  }

  #drain(windowMs: number, deadlineMs: number): void {
    const links = this.#links();
    if (links.some(([, , desk]) => desk.isGoing)) return;
    for (const [, , desk] of links) desk.drain(windowMs, deadlineMs);
  }

  /** The server ends a connection for a reason of its own. */
  #endOne(): void {
    const links = this.#links();
    if (!links.length) return;
    const [program, , desk] = this.dice.pick(links);
    const code = this.dice.pick<CloseCode>([1000, 1001, 1011, 1013, 1008, 4410, 4429]);
    if (code === 1008 || code === 4410) program.isExcused = true;
    if (code === 1011) this.judge.crashes++;
    desk.end(code, code === 4429 ? 700 : undefined);
  }

  #stallOne(): void {
    const links = this.#links();
    if (links.length) this.house.hall(this.dice.pick(this.plan.rooms).name).stall(this.dice.pick(links)[2]);
  }
}
