// How a connection, or an attempt at one, ended, and what a client does about it.

import { POLICIES } from "../codes.js";
import type { Ending, EndingKind } from "../state.js";
import type { Bye } from "../wire.js";
import type { Wait } from "./retry.js";

/** What stands for a code where a connection ended without one. */
const ABNORMAL = 1006;
/** Who could not keep up comes back no sooner than this. */
const SLOW_WAIT = 5_000;

const ANNOUNCED: Wait = { kind: "announced" };

/** What is done about an ending: come back, come back with a new token once, come back but not a third time in a row, stay away. */
export type Verdict = Wait | { readonly kind: "newToken" | "threeTimes" | "final" };

/** An ending without a close code. */
export function withoutCode(kind: EndingKind, reason: string): Ending {
  return { kind, code: ABNORMAL, reason };
}

/** What the server said makes no sense. */
export function nonsense(reason: string): Ending {
  return { kind: "nonsense", code: 1002, reason };
}

/** What is done about an ending, if the server said `bye` before or did not. */
export function verdictOf({ kind, code }: Ending, bye: Bye | undefined): Verdict {
  if (kind === "requested" || kind === "given-up") return { kind: "final" };
  if (kind === "asleep" || kind === "put-away") return { kind: "local" };
  if (kind === "nonsense") return { kind: "threeTimes" };
  const policy = byCode(bye?.code ?? code);
  if (!bye || policy.kind === "newToken") return policy;
  if (!bye.retry) return { kind: "final" };
  if (bye.afterMs == null) return policy;
  return { kind: bye.code === 1001 ? "gone" : "hint", after: bye.afterMs };
}

/** Whether the server may have failed because of what it was sent. */
export function isCrash({ code }: Ending): boolean {
  return code === 1009 || code === 1011;
}

/** Codes that are not in the table are those of proxies. */
function byCode(code: number): Verdict {
  const policy = POLICIES[code];
  if (policy === "later") return { kind: "hint", after: SLOW_WAIT };
  // A missing extension, a failed TLS handshake: the same again would end in the same way.
  if (code === 1010 || code === 1015) return { kind: "threeTimes" };
  return policy ? { kind: policy } : ANNOUNCED;
}
