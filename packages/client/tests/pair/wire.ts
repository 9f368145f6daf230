// One direction of a connection: what is sent arrives in order, late, not at all, or is the end.

import type { Frame } from "../../src/session/output.js";
import type { Ending } from "../../src/state.js";
import type { Agenda } from "./agenda.js";
import type { Dice } from "./dice.js";

/** What travels. */
export type Parcel = { readonly frame: Frame } | { readonly end: Ending } | "open";

export class Wire {
  readonly #agenda: Agenda;
  readonly #dice: Dice;
  readonly #latency: number;
  readonly #arrive: (parcel: Parcel) => void;
  #parcels: { at: number; parcel: Parcel }[] = [];
  /** Nothing arrives before this, and nothing overtakes. */
  #last = 0;
  /** Nothing more is taken, and nobody is told. */
  isDead = false;

  constructor(agenda: Agenda, dice: Dice, latency: number, arrive: (parcel: Parcel) => void) {
    this.#agenda = agenda;
    this.#dice = dice;
    this.#latency = latency;
    this.#arrive = arrive;
  }

  push(parcel: Parcel): void {
    if (this.isDead) return;
    this.#last = Math.max(this.#last, this.#agenda.now + this.#dice.between(1, this.#latency));
    this.#parcels.push({ at: this.#last, parcel });
    this.#agenda.at(this.#last, () => this.#look());
  }

  /** The connection is lost: some of what is on its way still arrives, and then the end. */
  lose(): void {
    this.#parcels.length = this.#dice.below(this.#parcels.length + 1);
    this.push({ end: { kind: "lost", code: 1006, reason: "" } });
    this.isDead = true;
  }

  /** Nothing arrives until then; then all of it does. */
  stall(until: number): void {
    this.#last = Math.max(this.#last, until);
    for (const one of this.#parcels) one.at = Math.max(one.at, until);
    this.#agenda.at(until, () => this.#look());
  }

  /** Nothing arrives, ever. */
  die(): void {
    this.#parcels = [];
    this.isDead = true;
  }

  #look(): void {
    while (this.#parcels[0] && this.#parcels[0].at <= this.#agenda.now) {
      const [first] = this.#parcels.splice(0, 1);
      if (first) this.#arrive(first.parcel);
    }
  }
}
