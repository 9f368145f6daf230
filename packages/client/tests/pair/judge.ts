// What must hold, whatever happened: writes down what was wanted and what was told, and compares.

import assert from "node:assert/strict";
import type { TautlineError } from "../../src/errors.js";
import type { Gap, Message, PublishAck } from "../../src/message.js";
import type { RoomEvent } from "../../src/session/output.js";
import type { Position } from "../../src/wire.js";
import type { House } from "./house.js";

/** A line that is dead is found within this time, by either side. */
const DEAD_WITHIN = 45_000;

/** One publication: what is said in it, and in no other. */
interface Record {
  readonly room: string;
  readonly producer: string;
  readonly word: number;
  readonly until: number;
  outcome: string | undefined;
  place: PublishAck | undefined;
  wasRefused: boolean;
  wasUnanswered: boolean;
}

/** A room as one program hears it, from one join to the next. */
interface Stream {
  stands: Position | undefined;
  isLive: boolean;
}

export class Judge {
  readonly #house: House;
  /** By word, in the order of the calls. */
  readonly records = new Map<number, Record>();
  readonly #unsent: number[] = [];
  readonly #streams = new Map<string, Stream>();
  readonly #acknowledged = new Map<string, number>();
  /** How often the server failed while a program was connected. */
  crashes = 0;

  constructor(house: House) {
    this.#house = house;
  }

  publishes(producer: string, room: string, word: number, until: number): void {
    const state = { outcome: undefined, place: undefined, wasRefused: false, wasUnanswered: false };
    this.records.set(word, { room, producer, word, until, ...state });
  }

  refusesAtOnce(word: number): void {
    this.#unsent.push(word);
  }

  /** A publication has failed with the client connected, and nothing wrong, for so long: a dead line is found before that. */
  expires(word: number, calm: number): void {
    assert.ok(
      calm < DEAD_WITHIN || this.records.get(word)?.wasRefused,
      `${word} was not acknowledged, and nobody sent it again`,
    );
  }

  published(now: number, word: number, error: TautlineError | undefined, place: PublishAck): void {
    const record = this.records.get(word);
    assert.ok(record && record.outcome === undefined, `settled twice: ${word}`);
    record.outcome = error ? error.outcome : "placed";
    if (!error) {
      const stands = this.#archived(record.room, place);
      assert.equal(wordOf(stands.data), word, "another one's place");
      assert.equal(stands.id, place.id);
      record.place = place;
      return;
    }
    const isSo =
      error.code === "expired"
        ? record.until <= now
        : error.code === "poisoned"
          ? this.crashes >= 2
          : error.code === "timeout"
            ? record.wasUnanswered
            : error.code === "closed" || record.wasRefused;
    assert.ok(isSo, `${word}: ${error.code} ${error.message}`);
  }

  joins(who: string, room: string, since: Position | undefined): void {
    this.#streams.set(`${who} ${room}`, { stands: since, isLive: false });
    if (since) this.acknowledges(who, room, since);
  }

  leaves(who: string, room: string): void {
    this.#streams.delete(`${who} ${room}`);
  }

  /** What a program was told or did not live to be told counts no more. */
  forgets(who: string): void {
    for (const key of this.#streams.keys()) if (key.startsWith(`${who} `)) this.#streams.delete(key);
  }

  stream(who: string, room: string): Stream | undefined {
    return this.#streams.get(`${who} ${room}`);
  }

  acknowledges(who: string, room: string, { epoch, offset }: Position): void {
    const key = `${who} ${room} ${epoch}`;
    this.#acknowledged.set(key, Math.max(this.#acknowledged.get(key) ?? 0, offset));
  }

  /** A program acknowledges no more than its application has handled. */
  hearsAck(who: string, room: string, epoch: string, offset: number): void {
    const handled = this.#acknowledged.get(`${who} ${room} ${epoch}`) ?? 0;
    assert.ok(offset <= handled, `${offset} of ${room} is acknowledged, ${handled} handled`);
  }

  /** Something was told of a room. */
  hears(who: string, room: string, event: RoomEvent): void {
    const stream = this.stream(who, room);
    if (!stream) {
      assert.ok(event.kind === "status" && event.value.status === "idle", `of a room that was left: ${event.kind}`);
    } else if (event.kind === "message") this.#message(stream, event.value);
    else if (event.kind === "gap") this.#gap(stream, room, event.value);
    else if (event.kind !== "status") assert.ok(stream.isLive, `${event.kind} before it was live`);
    else if (event.value.status === "live") {
      const { position } = event.value;
      stream.stands ??= position;
      assert.equal(placeOf(stream.stands), placeOf(position), "live elsewhere");
      stream.isLive = true;
    } else if (event.value.status === "joining") stream.isLive = false;
    else if (event.value.status === "idle") this.leaves(who, room);
    else assert.fail("everybody is allowed");
  }

  isLiveAnywhere(who: string): boolean {
    return [...this.#streams].some(([key, stream]) => key.startsWith(`${who} `) && stream.isLive);
  }

  /** What is in the logs is what the programs were told. */
  verdict(isForgotten: (producer: string) => boolean): void {
    const places = new Map<number, { epoch: string; offset: number }[]>();
    for (const hall of this.#house.halls.values()) {
      for (const [epoch, messages] of hall.archive) {
        for (const { data, offset } of messages) {
          const word = wordOf(data);
          const known = places.get(word) ?? [];
          assert.ok(!known.some((place) => place.epoch === epoch), `${word} was published twice`);
          places.set(word, [...known, { epoch, offset }]);
        }
      }
    }
    for (const word of this.#unsent) assert.ok(!places.has(word), `${word} was refused at once`);
    for (const { word, outcome, place, producer } of this.records.values()) {
      const found = places.get(word) ?? [];
      if (place) {
        const isIt = ({ epoch, offset }: Position | PublishAck) => epoch === place.epoch && offset === place.offset;
        assert.ok(
          found.some((one) => isIt(one as Position)),
          `${word} is acknowledged, and not there`,
        );
      } else if (outcome === undefined) assert.ok(isForgotten(producer), `${word} was never settled`);
      else if (outcome !== "unknown") assert.equal(found.length, 0, `${word} failed with ${outcome}, and is there`);
    }
    this.#order(places);
  }

  /**
   * What one program publishes in one room stands there in the order of its calls; but what the server has refused, heard or not,
   * may stand behind what was on its way at that time, and so may what had its place in an epoch that is gone, and what failed.
   */
  #order(places: Map<number, { epoch: string; offset: number }[]>): void {
    const least = new Map<string, number>();
    for (const record of [...this.records.values()].reverse()) {
      const found = places.get(record.word) ?? [];
      for (const { epoch, offset } of found) {
        const key = `${record.producer} ${record.room} ${epoch}`;
        const later = least.get(key) ?? Infinity;
        const isExcused = record.wasRefused || found.length > 1 || record.outcome === "unknown";
        assert.ok(offset < later || isExcused, `${record.word} was published earlier and stands behind`);
        least.set(key, Math.min(later, offset));
      }
    }
  }

  /** It is the next, and it is what was published. */
  #message(stream: Stream, message: Message): void {
    const { epoch, offset, id } = message;
    const { stands } = stream;
    if (stands) assert.equal(placeOf(message), `${stands.epoch} ${stands.offset + 1}`, "not the next");
    const place = this.#archived(message.room, message);
    assert.equal(place.id, id, "another one");
    assert.deepEqual(place.data, message.data, "another one");
    stream.stands = { epoch, offset, id };
  }

  /** It is what the server has told, and no more than is missing. */
  #gap(stream: Stream, room: string, gap: Gap): void {
    const { from, to, reason, position } = gap;
    const { stands } = stream;
    assert.equal(to, position.offset, "it goes on elsewhere");
    if (reason === "epoch-changed") {
      assert.equal(from, 1);
      assert.notEqual(stands?.epoch, position.epoch, "the epoch is the same");
    } else if (stands) {
      assert.equal(`${position.epoch} ${from}`, `${stands.epoch} ${stands.offset + 1}`, "not what is next");
      assert.ok(to >= from, "of nothing");
    }
    const isTold = this.#house.gaps.some(
      (told) =>
        told.room === room &&
        told.epoch === position.epoch &&
        told.to === to &&
        told.from <= from &&
        told.reason === reason,
    );
    assert.ok(isTold, "nothing is missing");
    stream.stands = position;
  }

  #archived(room: string, { epoch, offset }: { epoch: string; offset: number }): Omit<Message, "epoch"> {
    const place = this.#house.hall(room).archive.get(epoch)?.[offset - 1];
    assert.ok(place, `nothing stands at ${offset} of ${room}`);
    return place;
  }
}

export function placeOf({ epoch, offset }: { epoch: string; offset: number }): string {
  return `${epoch} ${offset}`;
}

function wordOf(data: unknown): number {
  return (data as { n: number }).n;
}
