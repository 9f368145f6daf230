// How a component reads what changes outside of React: one snapshot for a whole render, and one that never changes for servers.

import { useCallback, useMemo, useSyncExternalStore } from "react";

/** Whatever tells of its changes: a client, a room, who is present. */
interface Source {
  subscribe(onChange: () => void): () => void;
}

/**
 * What is selected of a source's present value. `read` gives the same object until something changes. Servers render `initial`, and so
 * does a page that takes over what a server has rendered, whatever has happened meanwhile.
 */
export function useSnapshot<V, T = V>(source: Source | null, read: () => V, initial: V, select?: (value: V) => T): T {
  const subscribe = useCallback((onChange: () => void) => source?.subscribe(onChange) ?? nothing, [source]);
  const selected = useMemo(() => remembered(select ?? ((value: V) => value as unknown as T)), [select]);
  return useSyncExternalStore(
    subscribe,
    () => selected(read()),
    () => selected(initial),
  );
}

/** Selects anew only from a new value, so that a `select` that builds something does not look like a change. */
function remembered<V, T>(select: (value: V) => T): (value: V) => T {
  let last: { readonly of: V; readonly is: T } | undefined;
  return (value) => {
    if (last?.of !== value) last = { of: value, is: select(value) };
    return last.is;
  };
}

function nothing(): void {}
