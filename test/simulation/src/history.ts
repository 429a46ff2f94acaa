import { type Message, type StoredEvent, textOf } from '@weft/processing';

/** What became durable, in order, as lines that a person reads; only kept where somebody is going to read them. */
export class History {
  readonly lines: string[] = [];
  /** How many lines there were when the first violation showed. */
  untilViolation: number | null = null;
  private readonly known = new Map<string, string>();

  constructor(
    private readonly isKept: boolean,
    private readonly now: () => { readonly steps: number; readonly now: number },
  ) {}

  /** Long keys are read as `P1`, `P2`, in the order in which they are named here. */
  name(long: string, short: string): void {
    this.known.set(long, short);
  }

  note(text: string): void {
    if (!this.isKept) return;
    const { steps, now } = this.now();
    this.lines.push(`${String(steps).padStart(6)}  ${new Date(now).toISOString().slice(5, 23)}  ${this.shortened(text)}`);
  }

  noteViolation(invariant: string): void {
    this.note(`!! ${invariant}`);
    this.untilViolation ??= this.lines.length;
  }

  stored({ stream, revision, type, data }: StoredEvent): void {
    if (!this.isKept) return;
    const { coordinates, closing } = JSON.parse(textOf(data)) as {
      coordinates?: { topic: string; partition: number; offset: number };
      closing?: { basis: { recordRevisions: number[]; consentRevisions: number[]; policyVersion: number } };
    };
    const from = coordinates === undefined ? '' : ` from ${coordinates.topic}/${coordinates.partition}/${coordinates.offset}`;
    const basis = closing?.basis;
    const under =
      basis === undefined
        ? ''
        : ` under record ${basis.recordRevisions} consent ${basis.consentRevisions} policy ${basis.policyVersion}`;
    this.note(`store   ${stream}@${revision} ${type}${from}${under}`);
  }

  published({ topic, partition, offset, key, value, headers }: Message): void {
    if (!this.isKept) return;
    const revision = headers['ce_viewrevision'];
    const what = revision === undefined ? '' : ` ${value === null ? 'withdrawn' : 'told'} at view revision ${revision}`;
    this.note(`publish ${topic}/${partition}/${offset} ${key}${what}`);
  }

  committed(group: string, partition: string, next: number): void {
    this.note(`commit  ${group} ${partition} up to ${next}`);
  }

  private shortened(text: string): string {
    return text.replace(/[0-9a-f]{32}|\d{10}/g, (long) => this.known.get(long) ?? long.slice(0, 8));
  }
}
