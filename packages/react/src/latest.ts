// What the newest render has said, for whoever is called later.

import { type RefObject, useInsertionEffect, useRef } from "react";

/** Holds what the newest render that was committed has said. It is set before any other effect runs. */
export function useLatest<T>(value: T): Readonly<RefObject<T>> {
  const latest = useRef(value);
  useInsertionEffect(() => {
    latest.current = value;
  });
  return latest;
}
