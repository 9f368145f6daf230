// Says when the connection is lost, and when it is back. Silent while all is well, and about what is over soon.

import type { ConnectionState } from "@tautline/client";
import { type HTMLAttributes, type ReactNode, useEffect, useState } from "react";
import { useConnectionState } from "./connection.js";

/** Nothing is said of trouble that is over sooner. */
const DELAY = 1_500;
/** So long it is told that the connection is back. */
const BACK = 2_000;

/** What a badge says. */
export interface BadgeLabels {
  /** The first connection takes long. */
  readonly connecting: string;
  /** The connection was lost, and another one is being opened. */
  readonly reconnecting: string;
  /** There is no network. */
  readonly offline: string;
  /** It is over, and not because the application wanted it. */
  readonly closed: string;
  /** There is a connection again. */
  readonly back: string;
}

const ENGLISH: BadgeLabels = {
  connecting: "Connecting…",
  reconnecting: "Connection lost. Reconnecting…",
  offline: "You are offline",
  closed: "Disconnected",
  back: "Back online",
};

/** What a badge is given, beside the attributes of the `span` that it is. */
export interface ConnectionBadgeProps extends Omit<HTMLAttributes<HTMLSpanElement>, "children" | "role"> {
  /** Nothing is said of trouble that is over after so many milliseconds: 1,500. */
  readonly delay?: number;
  /** What to say, in place of English. */
  readonly labels?: Partial<BadgeLabels>;
}

/**
 * Says how the connection stands when that matters, to eyes and to screen readers. It is an empty `span` otherwise, without a style of its
 * own; `data-status` is the name of the label that is shown, to style by.
 */
export function ConnectionBadge({ delay = DELAY, labels, ...attributes }: ConnectionBadgeProps): ReactNode {
  const label = useConnectionState(labelOf);
  const isTrouble = label !== "back" && label !== null;
  // Whether there was trouble for long enough; so that "back" is said to those only who were told that something was lost.
  const [isTold, setTold] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setTold(isTrouble), isTrouble ? delay : BACK);
    return () => clearTimeout(timer);
  }, [isTrouble, delay]);

  const shown = isTold && label ? label : undefined;
  return (
    <span {...attributes} role="status" data-status={shown}>
      {shown && (labels?.[shown] ?? ENGLISH[shown])}
    </span>
  );
}

function labelOf(state: ConnectionState): keyof BadgeLabels | null {
  switch (state.status) {
    case "idle":
      return null;
    case "connected":
      return "back";
    case "suspended":
      return "reconnecting";
    case "closed":
      return state.cause.kind === "requested" ? null : "closed";
    default:
      return state.status;
  }
}
