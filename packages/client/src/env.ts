// What a client needs of its surroundings: a clock, chance, sockets, and what becomes of the page. All can be replaced.

/** What a client needs of its surroundings. */
export interface Env {
  /** Milliseconds on a clock that is never set: `performance.now()`. */
  now(): number;
  /** Milliseconds on the clock on the wall, which also passes while the machine sleeps: `Date.now()`. */
  wall(): number;
  /** From 0 to below 1: spreads attempts. */
  random(): number;
  /** A name that no other client has: who publishes. At most 64 characters. */
  identity(): string;
  /** Calls back after so many milliseconds, until what it returns is called. */
  wake(after: number, back: () => void): () => void;
  /** The browser's, Node's (22 or newer), or that of the package `ws`. */
  WebSocket: SocketConstructor | undefined;
  /** What becomes of the page and its network; absent where there is no page. */
  lifecycle: Lifecycle | undefined;
}

/** How a socket is made. */
export type SocketConstructor = new (url: string, protocols: string[]) => Socket;

/** What is needed of a WebSocket. */
export interface Socket {
  binaryType: string;
  readonly bufferedAmount: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

/** What becomes of the page and its network. */
export interface Lifecycle {
  /** Whether nobody sees the page. Looked at whenever something happens, never remembered. */
  readonly hidden: boolean;
  /** Whether there is no network, as far as is known. */
  readonly offline: boolean;
  /** Calls back at each sign, until what it returns is called. */
  listen(heard: (sign: LifecycleSign) => void): () => void;
}

/** What may have become of the page. */
export type LifecycleSign =
  /** Something that makes it worth a look: seen again, focused, online, another network, on from where it was frozen. */
  | "wake"
  /** The page was put away and is back: its connections are dead, whatever they say. */
  | "restored"
  /** The page is put away. */
  | "suspend"
  /** It is hidden, or offline: only looked at. */
  | "look";

/** What is found here. Nothing is touched where a page is rendered on a server. */
export function surroundings(): Env {
  const here = globalThis as Partial<typeof globalThis>;
  return {
    now: () => performance.now(),
    wall: () => Date.now(),
    random: () => Math.random(),
    identity: () =>
      [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
    wake(after, back) {
      const timer = setTimeout(back, after);
      return () => clearTimeout(timer);
    },
    WebSocket: here.WebSocket as SocketConstructor | undefined,
    lifecycle: here.addEventListener && here.navigator && "onLine" in here.navigator ? page : undefined,
  };
}

/** The page, or the worker, that this is. */
const page: Lifecycle = {
  get hidden() {
    return globalThis.document?.visibilityState === "hidden";
  },
  get offline() {
    return !navigator.onLine;
  },
  listen(heard) {
    const network = (navigator as { connection?: EventTarget }).connection;
    const ears: [EventTarget | undefined, string, (event: Event) => LifecycleSign][] = [
      [globalThis, "online", () => "wake"],
      [globalThis, "offline", () => "look"],
      [globalThis, "focus", () => "wake"],
      [globalThis, "pageshow", (event) => ((event as PageTransitionEvent).persisted ? "restored" : "look")],
      [globalThis, "pagehide", (event) => ((event as PageTransitionEvent).persisted ? "suspend" : "look")],
      [globalThis.document, "visibilitychange", () => (page.hidden ? "look" : "wake")],
      [globalThis.document, "freeze", () => "suspend"],
      [globalThis.document, "resume", () => "wake"],
      [network, "change", () => "wake"],
    ];
    const controller = new AbortController();
    for (const [target, type, sign] of ears) {
      target?.addEventListener(type, (event) => heard(sign(event)), { signal: controller.signal });
    }
    return () => controller.abort();
  },
};
