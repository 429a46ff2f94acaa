/**
 * What follows from a value that nobody changes, found once and kept for as long as the value is. A list may grow at its end: then it is found
 * anew.
 */
export function foundOnce<Of extends object, Found>(find: (of: Of) => Found): (of: Of) => Found {
  const known = new WeakMap<Of, { readonly length: number; readonly found: Found }>();
  return (of) => {
    const length = Array.isArray(of) ? of.length : 0;
    const before = known.get(of);
    if (before?.length === length) return before.found;
    const found = find(of);
    known.set(of, { length, found });
    return found;
  };
}

interface Branch<Found> {
  readonly next: Map<unknown, Branch<Found>>;
  found?: { readonly is: Found };
}

/** The same by several values, of which the first is an object: each is compared as it is, and not by what it says. */
export class FoundOnce<Found> {
  private readonly known = new WeakMap<object, Branch<Found>>();

  of(first: object, others: readonly unknown[], find: () => Found): Found {
    let branch = this.known.get(first) ?? { next: new Map<unknown, Branch<Found>>() };
    this.known.set(first, branch);
    for (const other of others) {
      const next = branch.next.get(other) ?? { next: new Map<unknown, Branch<Found>>() };
      branch.next.set(other, next);
      branch = next;
    }
    branch.found ??= { is: find() };
    return branch.found.is;
  }
}

interface Node<Of> {
  readonly next: Map<Of, Node<Of>>;
  list?: readonly Of[];
}

/** The same list for the same members in the same order, whoever puts it together: what was found of it before is found again by it. */
export class Lists {
  private readonly root: Node<object> = { next: new Map() };

  of<Of extends object>(list: readonly Of[]): readonly Of[] {
    let node = this.root;
    for (const member of list) {
      const next = node.next.get(member) ?? { next: new Map<object, Node<object>>() };
      node.next.set(member, next);
      node = next;
    }
    return (node.list ??= list) as readonly Of[];
  }
}
