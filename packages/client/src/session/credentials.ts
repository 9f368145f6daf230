// The token: when the application is asked for one, and when a newer one is handed in.

import type { TokenReason } from "../options.js";
import { between } from "./retry.js";

/** A new token is asked for this long before the old one ends, or at a tenth of its life where that is longer. */
const REFRESH_AHEAD = 30_000;
/** A token that is good for less than this when a connection is lost is not used for the next one. */
const WORTH_USING = 5_000;
/** After a failed refresh the next attempt comes no sooner. */
const REFRESH_PAUSE_MIN = 1_000;

/** The token and its life. */
export class Credentials {
  /** Whether the application can be asked. */
  readonly hasProvider: boolean;
  token: string | undefined;
  /** The token was asked for when the attempt under way began. One that was there before may have ended unseen. */
  isFresh = false;
  /** The server has refused a token, and none has been accepted since. */
  isRefused = false;
  /** When the token ends, if that is known and it does. */
  #endsAt = Infinity;
  #refreshAt = Infinity;
  /** The number of the time that the application was asked and has not answered, and until when it may. */
  #fetching = 0;
  #fetchUntil = Infinity;
  #fetches = 0;
  /** Why the next one is fetched. */
  #reason: TokenReason = "connect";
  /** The number of the `refresh` that is not answered. */
  #refreshing = 0;

  constructor(token: string | undefined, hasProvider: boolean) {
    this.token = token;
    this.hasProvider = hasProvider;
  }

  /** Whether a connection can be opened with what is there. */
  areReady(now: number): boolean {
    return !this.hasProvider || (this.token !== undefined && this.#endsAt > now + WORTH_USING);
  }

  /** Begins to fetch a token: the number of that and why, or nothing if it is under way. */
  fetch(now: number, timeout: number): { fetch: number; reason: TokenReason } | undefined {
    this.#refreshAt = Infinity;
    if (this.#fetching) return undefined;
    this.#fetching = ++this.#fetches;
    this.#fetchUntil = now + timeout;
    const isLate = this.#reason === "refresh" && this.#endsAt <= now + WORTH_USING;
    return { fetch: this.#fetching, reason: isLate ? "expired" : this.#reason };
  }

  /** The application has answered. False if nobody waits for that answer any more. */
  settle(fetch: number): boolean {
    if (fetch !== this.#fetching || !fetch) return false;
    this.#fetching = 0;
    this.#fetchUntil = Infinity;
    return true;
  }

  /** Whether the application has not answered in time; it is not waited for any more then. */
  giveUpFetch(now: number): boolean {
    return this.#fetchUntil <= now && this.settle(this.#fetching);
  }

  /** The application has given a token for the next connection. */
  hold(token: string): void {
    this.token = token;
    this.#endsAt = Infinity;
  }

  /**
   * The application has given a token for the present connection, which is told so with this number. Until that is answered, the
   * one before holds.
   */
  renew(token: string, number: number): void {
    this.token = token;
    this.#refreshing = number;
  }

  /** The connection is lost, and with it what was to happen on it. */
  lose(): void {
    this.#refreshAt = Infinity;
    // How long a new token is good for was not said yet.
    if (this.#refreshing) this.#endsAt = Infinity;
    this.#refreshing = 0;
  }

  /** The client is closed. The next time the application is asked anew. */
  forget(): void {
    this.lose();
    this.settle(this.#fetching);
    this.#endsAt = Infinity;
    this.#reason = "connect";
    this.isFresh = this.isRefused = false;
    if (this.hasProvider) this.token = undefined;
  }

  /** The server has accepted the token, for so long. */
  accept(now: number, ttl: number | undefined, random: () => number): void {
    this.isRefused = false;
    this.#refreshing = 0;
    this.#reason = "refresh";
    this.#endsAt = now + (ttl ?? Infinity);
    this.#refreshAt = Infinity;
    if (ttl === undefined || !this.hasProvider) return;
    const ahead = Math.min(Math.max(REFRESH_AHEAD, ttl / 10), ttl / 2);
    this.#refreshAt = now + Math.max(ttl - between(random, ahead, ahead * 1.2), 0);
  }

  /** Whether another token would be refused too. */
  areHopeless(): boolean {
    return !this.hasProvider || (this.isRefused && this.isFresh);
  }

  /** The server has refused the token. */
  reject(): void {
    this.isRefused = true;
    this.#endsAt = Infinity;
    this.#reason = this.#reason === "refresh" ? "expired" : "rejected";
    if (this.hasProvider) this.token = undefined;
  }

  /** The server has refused the `refresh` with this number, if it was one: the token before holds for this connection alone. */
  refuseRefresh(now: number, number: number): void {
    if (this.#refreshing !== number) return;
    this.#refreshing = 0;
    this.token = undefined;
    this.#reason = "rejected";
    this.refreshLater(now);
  }

  /** A refresh has failed while the old token holds: another one follows at half of what is left. */
  refreshLater(now: number): void {
    const left = this.#endsAt - now;
    // Without an end it was refreshed because the server said so, and the server says so again.
    const hasEnd = left > 0 && left < Infinity;
    this.#refreshAt = hasEnd ? now + Math.max(left / 2, REFRESH_PAUSE_MIN) : Infinity;
  }

  /** The server says that the token ends soon. */
  warn(now: number): void {
    if (this.hasProvider) this.#refreshAt = Math.min(this.#refreshAt, now);
  }

  isRefreshDue(now: number): boolean {
    return this.#refreshAt <= now;
  }

  nextTimeout(): number {
    return Math.min(this.#refreshAt, this.#fetchUntil);
  }
}
