const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

interface Transition {
  readonly at: number;
  readonly offset: number;
}

/**
 * How far a zone's clocks are ahead of UTC, whole minutes in milliseconds. Asking Intl takes a quarter of a millisecond, so the changes
 * of each year are kept.
 */
export class Zone {
  private readonly format: Intl.DateTimeFormat;
  private readonly years = new Map<number, readonly Transition[]>();

  /** Throws where there is no such zone. */
  constructor(readonly name: string) {
    this.format = new Intl.DateTimeFormat('en-GB', {
      timeZone: name,
      ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
      era: 'short',
      hourCycle: 'h23',
    });
  }

  offsetAt(instant: number): number {
    return this.transitionsOf(new Date(instant).getUTCFullYear()).findLast(({ at }) => at <= instant)!.offset;
  }

  private transitionsOf(year: number): readonly Transition[] {
    const known = this.years.get(year);
    if (known !== undefined) return known;
    const starts = Array.from({ length: 13 }, (_, month) => new Date(0).setUTCFullYear(year, month, 1));
    const found: Transition[] = [{ at: starts[0]!, offset: this.ask(starts[0]!) }];
    for (const [month, from] of starts.slice(0, 12).entries()) {
      const until = starts[month + 1]!;
      if (this.ask(until) !== found.at(-1)!.offset) found.push(this.changeBetween(from, until));
    }
    this.years.set(year, found);
    return found;
  }

  private changeBetween(from: number, until: number): Transition {
    const offset = this.ask(until);
    let [low, high] = [from, until];
    while (high - low > MINUTE) {
      const middle = low + Math.floor((high - low) / (2 * MINUTE)) * MINUTE;
      if (this.ask(middle) === offset) high = middle;
      else low = middle;
    }
    return { at: high, offset };
  }

  private ask(instant: number): number {
    const parts = new Map(this.format.formatToParts(instant).map(({ type, value }) => [type, value]));
    const of = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type));
    const year = parts.get('era')?.startsWith('B') === true ? 1 - of('year') : of('year');
    const wall = new Date(0).setUTCFullYear(year, of('month') - 1, of('day'));
    const ahead = wall + (of('hour') * 3600 + of('minute') * 60 + of('second')) * 1000 - instant;
    return Math.round(ahead / MINUTE) * MINUTE;
  }

  /** The offsets under which the zone's clocks show this time (as if it were UTC): none in a missing hour, two in a doubled one. */
  offsetsOf(wall: number): { readonly before: number; readonly after: number; readonly valid: readonly number[] } {
    const before = this.offsetAt(wall - DAY);
    const after = this.offsetAt(wall + DAY);
    const valid = [...new Set([before, after])].filter((offset) => this.offsetAt(wall - offset) === offset);
    return { before, after, valid };
  }
}
