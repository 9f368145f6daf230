// The rooms of a small and honest server: what they keep, who is in them, and what each member is given.

import type * as wire from "../../src/wire.js";
import type { Agenda } from "./agenda.js";
import type { Dice } from "./dice.js";

/** So many publications are given at once. */
const PAGE = 4;
/** Catching up ends after so many, where nobody acknowledges. */
const CATCH_UP_MAX = 24;
const PAGE_PAUSE = 20;
const ACK_TIMEOUT = 3_000;

export interface Plan {
  readonly name: string;
  readonly isDurable: boolean;
  readonly keeps: number;
  /** How many may be unacknowledged; none are asked for if 0. */
  readonly inFlight: number;
  /** So many publications a second are taken; all if 0. */
  readonly rate: number;
}

/** Whoever a room gives something to. */
export interface Guest {
  readonly user: string;
  say(message: wire.ServerMessage): void;
}

interface Member {
  readonly guest: Guest;
  readonly entered: wire.Joined;
  cursor: wire.Position;
  isFollowing: boolean;
  isPaging: boolean;
  spent: number;
  endsFor: wire.GapReason;
  given: wire.Position[];
  againAt: number;
}

export type Begin = { since?: wire.Position | undefined; last?: number | undefined };

export class House {
  readonly halls = new Map<string, Hall>();
  /** Every gap that was told, for who checks it. */
  readonly gaps: (wire.Missing & { room: string; epoch: string })[] = [];
  serial = 0;

  constructor(agenda: Agenda, dice: Dice, plans: readonly Plan[]) {
    for (const plan of plans) this.halls.set(plan.name, new Hall(this, agenda, dice, plan));
  }

  hall(name: string): Hall {
    return this.halls.get(name) as Hall;
  }
}

export class Hall {
  readonly plan: Plan;
  readonly #house: House;
  readonly #agenda: Agenda;
  readonly #dice: Dice;
  epoch = "";
  kept: wire.Message[] = [];
  /** The last that is not kept any more. */
  #trimmed: wire.Position = { epoch: "", offset: 0, id: "" };
  #keys = new Map<string, wire.Position>();
  cursors = new Map<string, wire.Position>();
  #members: Member[] = [];
  #earnedAt = 0;
  /** Everything that was ever published, in each epoch. */
  readonly archive = new Map<string, wire.Message[]>();

  constructor(house: House, agenda: Agenda, dice: Dice, plan: Plan) {
    this.#house = house;
    this.#agenda = agenda;
    this.#dice = dice;
    this.plan = plan;
    this.begin();
  }

  /** Another order begins. */
  begin(): void {
    this.epoch = (++this.#house.serial).toString(16).padStart(16, "0");
    this.kept = [];
    this.#trimmed = { epoch: this.epoch, offset: 0, id: uuid(0) };
    this.#keys.clear();
    this.cursors.clear();
    this.archive.set(this.epoch, []);
    for (const member of this.#members) if (member.isFollowing) this.#page(member);
  }

  /** The server is gone, and another one begins. */
  restart(): void {
    this.#members = [];
    if (!this.plan.isDurable) this.begin();
  }

  get head(): wire.Position {
    const last = this.kept.at(-1);
    return last ? this.#place(last) : this.#trimmed;
  }

  has(guest: Guest): boolean {
    return this.#members.some((member) => member.guest === guest);
  }

  /** When the next publication would be taken. */
  wait(): number {
    if (!this.plan.rate) return 0;
    const earned = Math.max(this.#earnedAt, this.#agenda.now) + 1_000 / this.plan.rate;
    const wait = earned - this.#agenda.now - 2_000 / this.plan.rate;
    if (wait > 0) return wait;
    this.#earnedAt = earned;
    return 0;
  }

  publish(guest: Guest, { event, data, key }: wire.Publish, sentAt: string): wire.Published {
    const known = key === undefined ? undefined : this.#keys.get(`${guest.user} ${key}`);
    if (known) return { ...known, duplicate: true, level: "memory" };
    const before = this.head;
    const id = uuid(++this.#house.serial);
    const message = { room: this.plan.name, offset: before.offset + 1, id, event, data, user: guest.user, sentAt };
    const place = this.#place(message);
    if (key !== undefined) this.#keys.set(`${guest.user} ${key}`, place);
    this.kept.push(message);
    this.archive.get(this.epoch)?.push(message);
    if (this.kept.length > this.plan.keeps) this.#trimmed = this.#place(this.kept.shift() as wire.Message);
    for (const member of this.#members) {
      if (!member.isFollowing || member.isPaging) continue;
      if (same(member.cursor, before) && this.#left(member) > 0) this.#give(member, message);
      else this.#page(member);
    }
    return { ...place, duplicate: false, level: "memory" };
  }

  /** Takes a guest in, silently. */
  join(guest: Guest, begin: Begin): wire.Joined {
    const { plan } = this;
    const { messages, behind, gap } = plan.inFlight ? this.#owing(guest, begin) : this.#free(begin);
    const given = messages.map((message) => this.#place(message));
    const cursor = given.at(-1) ?? behind;
    const entered: wire.Joined = {
      room: plan.name,
      position: cursor,
      recovered: begin.since !== undefined && !gap,
      messages,
      more: !same(cursor, this.head),
      members: [],
      ...(gap && { gap }),
      ...(plan.inFlight && { ack: { timeoutMs: ACK_TIMEOUT, inFlight: plan.inFlight } }),
    };
    this.leave(guest);
    this.#members.push({
      guest,
      entered,
      cursor,
      isFollowing: false,
      isPaging: false,
      spent: given.length,
      endsFor: "limit",
      given: plan.inFlight ? given : [],
      againAt: Infinity,
    });
    if (gap) this.#house.gaps.push({ ...gap, room: plan.name, epoch: this.epoch });
    return entered;
  }

  /** A guest goes on behind what it was given when it was let in, unless it was let in anew since. */
  follow(guest: Guest, entered: wire.Joined): void {
    const member = this.#members.find((one) => one.guest === guest);
    if (member?.entered !== entered || member.isFollowing) return;
    member.isFollowing = true;
    this.#page(member);
    this.#watch(member);
  }

  leave(guest: Guest): void {
    this.#members = this.#members.filter((member) => member.guest !== guest);
  }

  /** A member takes less than it is sent: it is given nothing for a while, and a gap then. */
  stall(guest: Guest): void {
    const member = this.#members.find((one) => one.guest === guest);
    if (!member?.isFollowing || this.plan.inFlight) return;
    member.spent = CATCH_UP_MAX;
    member.endsFor = "slow-consumer";
    this.#page(member, this.#dice.between(0, 3_000));
  }

  acknowledge(guest: Guest, epoch: string, offset: number): void {
    const member = this.#members.find((one) => one.guest === guest);
    const place = member?.given.find((one) => one.epoch === epoch && one.offset === offset);
    if (!member || !place || epoch !== this.epoch) return;
    this.#settle(member, place);
    const cursor = this.cursors.get(guest.user);
    if (!cursor || cursor.epoch !== epoch || cursor.offset < offset) this.cursors.set(guest.user, place);
  }

  history(limit: number): wire.History {
    const messages = this.kept.slice(-limit);
    return { room: this.plan.name, position: this.head, messages, more: this.kept.length > limit };
  }

  #place({ offset, id }: wire.Message): wire.Position {
    return { epoch: this.epoch, offset, id };
  }

  /** What comes after a position, and what of it is lost. */
  #after(after: wire.Position, limit: number): { messages: wire.Message[]; behind: wire.Position; gap?: wire.Missing } {
    const places = [this.head, this.#trimmed, ...this.kept.map((message) => this.#place(message))];
    const isOlder = after.epoch === this.epoch && after.offset < this.#trimmed.offset;
    const isOfOrder = places.some((place) => same(place, after));
    const behind = isOfOrder ? after : this.#trimmed;
    const messages = this.kept.filter(({ offset }) => offset > behind.offset).slice(0, limit);
    if (isOfOrder) return { messages, behind };
    const gap: wire.Missing = isOlder
      ? { from: after.offset + 1, to: behind.offset, reason: "evicted" }
      : { from: 1, to: behind.offset, reason: "epoch-changed" };
    return { messages, behind, gap };
  }

  #free({ since, last }: Begin): Entered {
    if (since) return this.#after(since, PAGE);
    return { messages: last ? this.kept.slice(-last) : [], behind: this.head };
  }

  /** Behind what the user has acknowledged, or behind what the connection comes with if that is further back. */
  #owing(guest: Guest, begin: Begin): Entered {
    const { since, last } = begin;
    const known = this.cursors.get(guest.user);
    const cursor = known ?? (since ? this.#after(since, 1).behind : this.head);
    this.cursors.set(guest.user, cursor);
    if (!known && !since && last) {
      const messages = this.kept.slice(-Math.min(last, this.plan.inFlight));
      return { messages, behind: this.head };
    }
    const isBack =
      since &&
      (since.epoch !== cursor.epoch || since.offset <= cursor.offset || this.#after(since, 1).gap !== undefined);
    const entered = this.#after(isBack ? since : cursor, Math.min(this.plan.inFlight, PAGE));
    const { gap } = entered;
    if (!gap || !since || gap.reason === "epoch-changed" || this.epoch !== since.epoch) return entered;
    const from = Math.max(gap.from, since.offset + 1);
    const { messages, behind } = entered;
    return from <= gap.to ? { messages, behind, gap: { ...gap, from } } : { messages, behind };
  }

  #left(member: Member): number {
    return this.plan.inFlight ? this.plan.inFlight - member.given.length : Infinity;
  }

  #give(member: Member, message: wire.Message): void {
    member.cursor = this.#place(message);
    if (this.plan.inFlight) {
      member.given.push(member.cursor);
      if (member.againAt === Infinity) this.#watch(member);
    }
    member.guest.say({ type: "message", payload: message });
  }

  #page(member: Member, pause: number = PAGE_PAUSE): void {
    if (member.isPaging) return;
    member.isPaging = true;
    this.#agenda.after(pause, () => {
      member.isPaging = false;
      if (this.#members.includes(member)) this.#givePage(member);
    });
  }

  #givePage(member: Member): void {
    const { head } = this;
    if (same(member.cursor, head)) {
      member.spent = 0;
      return;
    }
    const isOfOrder = member.cursor.epoch === head.epoch;
    if (!this.plan.inFlight && member.spent >= CATCH_UP_MAX && isOfOrder) {
      this.#skip(member, { from: member.cursor.offset + 1, to: head.offset, reason: member.endsFor }, head);
      member.spent = 0;
      member.endsFor = "limit";
      return;
    }
    if (this.#left(member) <= 0 && isOfOrder) return;
    const { messages, behind, gap } = this.#after(member.cursor, PAGE);
    if (gap) this.#skip(member, gap, behind);
    for (const message of messages) {
      if (this.#left(member) <= 0) return;
      this.#give(member, message);
      member.spent++;
    }
    this.#page(member);
  }

  #skip(member: Member, gap: wire.Missing, position: wire.Position): void {
    member.cursor = position;
    member.given = [];
    this.#house.gaps.push({ ...gap, room: this.plan.name, epoch: position.epoch });
    member.guest.say({ type: "gap", payload: { room: this.plan.name, ...gap, position } });
  }

  #settle(member: Member, until: wire.Position): void {
    const before = member.given.length;
    member.given = member.given.filter((place) => place.epoch !== until.epoch || place.offset > until.offset);
    if (member.given.length < before && member.isFollowing) this.#page(member);
  }

  /** What is not acknowledged in time is given again. */
  #watch(member: Member): void {
    if (!this.plan.inFlight || !member.given.length) return;
    member.againAt = this.#agenda.now + ACK_TIMEOUT;
    this.#agenda.at(member.againAt, () => {
      member.againAt = Infinity;
      if (!this.#members.includes(member) || !member.isFollowing) return;
      const cursor = this.cursors.get(member.guest.user);
      if (cursor) this.#settle(member, cursor);
      for (const message of this.kept) {
        if (member.given.some((place) => same(place, this.#place(message)))) {
          member.guest.say({ type: "message", payload: message });
        }
      }
      // What is not kept any more cannot be given again.
      if (this.#trimmed.epoch === member.cursor.epoch) this.#settle(member, this.#trimmed);
      this.#watch(member);
    });
  }
}

interface Entered {
  messages: wire.Message[];
  behind: wire.Position;
  gap?: wire.Missing;
}

function same(one: wire.Position, other: wire.Position): boolean {
  return one.epoch === other.epoch && one.offset === other.offset && one.id === other.id;
}

function uuid(serial: number): string {
  return `00000000-0000-0000-0000-${serial.toString(16).padStart(12, "0")}`;
}
