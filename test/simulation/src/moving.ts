import type { IdentityEvent } from '@weft/domain';

interface Move {
  /** The care event that began it; null where only its end was seen, by a projector that had stalled. */
  readonly cause: string | null;
  readonly numbers: Set<string>;
}

/** Merges and unmerges that were begun and whose care event was not yet committed: until then nobody can say who is one person. */
export class Moving {
  private readonly moves = new Map<string, Move>();
  private readonly gaveWay = new Map<string, string>();

  /** `near`: the numbers that were one with this one at the time. */
  take(key: string, event: IdentityEvent, near: readonly string[]): void {
    switch (event.type) {
      case 'number-superseded-1':
        this.gaveWay.set(key, event.by);
        return this.begun(key, event.by, event.cause, near);
      case 'number-restored-1':
        return this.begun(key, this.gaveWay.get(key) as string, event.undone ?? event.cause, near);
      case 'number-absorbed-1':
      case 'number-released-1':
        return this.begun(event.key, key, null, near);
      case 'merge-accepted-1':
      case 'merge-refused-1':
        return;
    }
  }

  forget(): void {
    this.moves.clear();
    this.gaveWay.clear();
  }

  /** The care event that merges `superseded` into `survivor`, or undoes it, was committed. */
  committed(superseded: string, survivor: string, cause: string): void {
    const name = `${superseded} ${survivor}`;
    const move = this.moves.get(name);
    if (move?.cause === null || move?.cause === cause) this.moves.delete(name);
  }

  has(number: string): boolean {
    for (const { numbers } of this.moves.values()) if (numbers.has(number)) return true;
    return false;
  }

  private begun(superseded: string, survivor: string, cause: string | null, near: readonly string[]): void {
    const name = `${superseded} ${survivor}`;
    const before = this.moves.get(name);
    const numbers = new Set([...(before?.numbers ?? []), superseded, survivor, ...near]);
    this.moves.set(name, { cause: cause ?? before?.cause ?? null, numbers });
  }
}
