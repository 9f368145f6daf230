// What is on the page already stays: what has the focus keeps it, and what was read out is not read out again.

/** A row of a list. If it changes, `show` writes that into it, and hears at which place of the list it stands. */
export interface Row<T> {
  item: HTMLElement;
  show?(value: T, at: number): void;
}

/** Gives what shows values in a list, one row for each id. A row is made once, and taken away when its value is. */
export function keyed<T extends { readonly id: string }>(
  list: HTMLElement,
  make: (value: T) => Row<T>,
): (values: readonly T[]) => void {
  let rows = new Map<string, Row<T>>();
  return (values) => {
    const kept = new Map(values.map((value) => [value.id, rows.get(value.id) ?? make(value)]));
    for (const [id, { item }] of rows) if (!kept.has(id)) item.remove();
    rows = kept;
    for (const [at, value] of values.entries()) {
      const row = rows.get(value.id);
      if (!row) continue;
      row.show?.(value, at);
      if (list.children[at] !== row.item) list.insertBefore(row.item, list.children[at] ?? null);
    }
  };
}

/** Puts something into an element, unless that is what it has. */
export function write(into: Element, ...children: (Node | string)[]): void {
  const wanted = into.cloneNode(false);
  (wanted as Element).append(...children);
  if (!into.isEqualNode(wanted)) into.replaceChildren(...wanted.childNodes);
}
