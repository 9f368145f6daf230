// The server's side of one connection: hears commands in their order, has the house do them, and answers in order.

import type * as wire from "../../src/wire.js";
import type { Agenda } from "./agenda.js";
import type { Dice } from "./dice.js";
import type { Guest, House } from "./house.js";

/** What the server has announced and what goes wrong there. */
export interface Trouble {
  /** How often the house cannot do what it is asked. */
  refusals: number;
  /** Hears which publication was refused, and of which nobody knows. */
  refused(data: unknown): void;
  unanswered(data: unknown): void;
  /** Hears what is acknowledged. */
  acknowledged(guest: Guest, ack: wire.Ack): void;
}

export const RATE: wire.Rate = { perSecond: 20, burst: 12 };

export class Desk implements Guest {
  user = "";
  /** It has said hello; it was welcomed. */
  #isGreeted = false;
  isWelcome = false;
  isGoing = false;
  isOver = false;
  readonly #agenda: Agenda;
  readonly #dice: Dice;
  readonly #house: House;
  readonly #trouble: Trouble;
  readonly #send: (message: wire.ServerMessage) => void;
  readonly #close: (code: number) => void;
  /** Answers come in the order of what they answer. */
  #answeredAt = 0;
  #heardAt = 0;
  #expires = 0;
  #canceled = new Set<unknown>();

  constructor(
    agenda: Agenda,
    dice: Dice,
    house: House,
    trouble: Trouble,
    send: (message: wire.ServerMessage) => void,
    close: (code: number) => void,
  ) {
    this.#agenda = agenda;
    this.#dice = dice;
    this.#house = house;
    this.#trouble = trouble;
    this.#send = send;
    this.#close = close;
    agenda.after(5_000, () => !this.isWelcome && this.end(4408));
  }

  say(message: wire.ServerMessage): void {
    if (!this.isOver) this.#send(message);
  }

  /** The server ends the connection. */
  end(code: wire.CloseCode, afterMs?: number): void {
    if (this.isOver) return;
    const retry = ![4400, 4403, 4409, 4410, 4426].includes(code);
    this.say({ type: "bye", payload: { code, retry, ...(afterMs !== undefined && { afterMs }) } });
    this.#close(code);
    this.part();
  }

  /** Nobody is there any more. */
  part(): void {
    this.isOver = true;
    for (const hall of this.#house.halls.values()) hall.leave(this);
  }

  hear(message: wire.ClientMessage): void {
    if (this.isOver) return;
    this.#heardAt = this.#agenda.now;
    if (!this.#isGreeted && message.type !== "hello") {
      if (message.type !== "pong") this.end(4400);
      return;
    }
    const answer = (reply: wire.ServerMessage, then?: () => void) => {
      this.#answeredAt = Math.max(this.#answeredAt, this.#agenda.now + this.#dice.between(0, 120));
      this.#agenda.at(this.#answeredAt, () => {
        const { requestId } = message;
        this.say({ ...reply, ...(requestId !== undefined && { requestId }) });
        if (!this.isOver) then?.();
      });
    };
    const fails = this.#dice.is(this.#trouble.refusals);
    switch (message.type) {
      case "hello":
        return this.#greet(message.payload);
      case "join": {
        if (fails) return answer(UNAVAILABLE);
        const hall = this.#house.hall(message.payload.room);
        const payload = hall.join(this, message.payload);
        return answer({ type: "joined", payload }, () => hall.follow(this, payload));
      }
      case "leave":
        this.#house.hall(message.payload.room).leave(this);
        return answer({ type: "left", payload: message.payload });
      case "publish":
        return answer(this.#publish(message.payload, fails));
      case "ack":
        this.#trouble.acknowledged(this, message.payload);
        return this.#house.hall(message.payload.room).acknowledge(this, message.payload.epoch, message.payload.offset);
      case "history":
        if (fails) return answer(UNAVAILABLE);
        return answer({ type: "history", payload: this.#house.hall(message.payload.room).history(3) });
      case "members":
        return answer({ type: "members", payload: { room: message.payload.room, members: [] } });
      case "request": {
        const { requestId } = message;
        const response: wire.ServerMessage = { type: "response", payload: { data: 1 } };
        this.#agenda.after(this.#dice.between(0, 5_000), () => {
          if (!this.#canceled.has(requestId) && requestId !== undefined) this.say({ ...response, requestId });
        });
        return;
      }
      case "cancel":
        this.#canceled.add(message.requestId);
        return;
      case "ping":
        return answer({ type: "pong", payload: {} });
      case "refresh":
        this.#hold(message.payload.token);
        return answer({ type: "refreshed", payload: this.#ttl() });
    }
  }

  /** The server goes away. */
  drain(windowMs: number, deadlineMs: number): void {
    if (!this.isWelcome || this.isOver) return;
    this.isGoing = true;
    this.say({ type: "goaway", payload: { reason: "restart", windowMs, deadlineMs } });
    this.#agenda.after(deadlineMs, () => this.end(1001, 500));
  }

  #greet({ token = "", rooms = [] }: wire.Hello): void {
    if (this.#isGreeted) return;
    this.#isGreeted = true;
    this.#agenda.after(this.#dice.between(0, 60), () => {
      this.#hold(token);
      if (this.isOver) return;
      const halls = rooms.map(({ room }) => this.#house.hall(room));
      const restored = halls.map((hall, at): wire.Restored => {
        if (!this.#dice.is(this.#trouble.refusals))
          return { type: "joined", payload: hall.join(this, rooms[at] ?? {}) };
        return { type: "error", payload: { ...UNAVAILABLE.payload, details: { room: hall.plan.name } } };
      });
      const payload: wire.Welcome = {
        connection: (++this.#house.serial).toString(16).padStart(28, "0"),
        user: this.user,
        serverTime: new Date(0).toISOString(),
        pingEveryMs: 25_000,
        limits: { messageBytes: 65_536, rooms: 128, publish: RATE },
        retry: { firstWindowMs: 1_000, capMs: 10_000 },
        rooms: restored,
        ...this.#ttl(),
      };
      this.#agenda.after(this.#dice.between(0, 120), () => {
        this.say({ type: "welcome", payload });
        this.isWelcome = true;
        for (const [at, hall] of halls.entries()) {
          const entered = restored[at];
          if (entered?.type === "joined") hall.follow(this, entered.payload);
        }
        this.#beat();
      });
    });
  }

  /** Who a token says is there, and until when. */
  #hold(token: string): void {
    const [, user = "", until = ""] = token.split("|");
    const expires = Number(until);
    if (expires && expires <= this.#agenda.now) return this.end(4401);
    this.user = user;
    this.#expires = expires;
    if (!expires) return;
    this.#agenda.at(expires - 5_000, () => {
      if (this.#expires === expires && this.isWelcome) this.say({ type: "expiring", payload: { inMs: 5_000 } });
    });
    this.#agenda.at(expires, () => {
      if (this.#expires === expires) this.end(4401);
    });
  }

  #ttl(): wire.Refreshed {
    return this.#expires ? { tokenTtlMs: Math.round(this.#expires - this.#agenda.now) } : {};
  }

  #publish(payload: wire.Publish, fails: boolean): wire.ServerMessage {
    const hall = this.#house.hall(payload.room);
    const wait = hall.wait();
    if (wait > 0 || (fails && this.#dice.is(0.5))) {
      this.#trouble.refused(payload.data);
      if (!wait) return UNAVAILABLE;
      const limited = { code: "rate_limited", message: "m", retryable: true, retryAfterMs: Math.ceil(wait) } as const;
      return { type: "error", payload: limited };
    }
    const published = hall.publish(this, payload, new Date(0).toISOString());
    if (!fails) return { type: "published", payload: published };
    // It is done, and nobody knows.
    this.#trouble.unanswered(payload.data);
    return { type: "error", payload: { code: "timeout", message: "m", retryable: true } };
  }

  #beat(): void {
    this.#agenda.after(this.#dice.between(20_000, 25_000), () => {
      if (this.isOver) return;
      const at = this.#agenda.now;
      this.say({ type: "ping", payload: {} });
      this.#agenda.after(10_000, () => this.#heardAt < at && this.end(4408));
      this.#beat();
    });
  }
}

const UNAVAILABLE: Extract<wire.ServerMessage, { type: "error" }> = {
  type: "error",
  payload: { code: "unavailable", message: "m", retryable: true },
};
