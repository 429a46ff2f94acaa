import type { Field, Message, Repetition, Segment, Value } from '../message.js';
import { versionTime } from '../times.js';
import { Zone } from '../zone.js';
import { FORM_READERS } from './forms.js';
import type { Fault, Listener, Members, Note, Place, VersionTime } from './facts.js';
import type { Row, Tables } from './rows.js';
import { meaningIn } from './values.js';

/** No system made a message before: a clock that lost its time starts at 1970 or 1980, and samples are of 1989. */
const EARLIEST = Date.UTC(1990, 0, 1);

const zones = new Map<string, Zone>();

function zoneOf(name: string): Zone {
  const known = zones.get(name) ?? new Zone(name);
  zones.set(name, known);
  return known;
}

/** One message as the tables read it, with everything that is noticed on the way. */
export class Reading {
  readonly notes: Note[] = [];
  readonly faults: Fault[] = [];
  readonly zone: Zone;
  /** `ADT`, `ORU` …, by which its tables are called. */
  readonly kind: string;
  /** When it says that it was sent: a doubled hour is not after that. */
  readonly sent: VersionTime;

  constructor(
    readonly message: Message,
    readonly listener: Listener,
    readonly tables: Tables,
    readonly receivedAt: number,
  ) {
    this.zone = zoneOf(listener.timeZone);
    this.kind = message.type.split('^')[0]!;
    this.sent = this.versionBy([], receivedAt);
  }

  /** The first of these that names an instant, else MSH-7, else receipt; never after receipt. Each note is made once. */
  versionAt(...candidates: readonly Value[]): VersionTime {
    return this.versionBy(candidates, this.receivedAt);
  }

  private versionBy(candidates: readonly Value[], receivedAt: number): VersionTime {
    const { text, note } = versionTime([...candidates, this.message.header.field(7).value], this.zone, receivedAt);
    if (note !== null) this.noteOnce(note);
    const at = Date.parse(text);
    if (at >= EARLIEST) return { at, text };
    this.noteOnce('clock-behind');
    return { at: receivedAt, text: new Date(receivedAt).toISOString() };
  }

  noteOnce(code: string): void {
    if (!this.notes.some((note) => note.code === code && note.segment === undefined)) this.notes.push({ code });
  }

  note(code: string, place: Place): void {
    this.notes.push({ ...place, code });
  }

  fault(code: string, place: Place): void {
    this.faults.push({ ...place, code });
  }

  /** What the table of the segment makes of it. `kind`: whose table, where it is not the message's own. */
  members(segment: Segment | undefined, kind = this.kind): Members {
    if (segment === undefined) return {};
    const rows = this.tables.rows.get(`${kind}/${segment.name}`) ?? this.tables.rows.get(`*/${segment.name}`) ?? [];
    const members: Record<string, unknown> = {};
    for (const row of rows) {
      const value = this.valueAt(segment, row);
      if (value !== undefined) members[row.member] = value;
      else if (row.need === 'required' && !this.isAtFault(segment, row)) this.fault('required', placeIn(segment, row, 1));
    }
    return members;
  }

  /** What is empty says nothing, unless a value table says what an empty place means. */
  private valueAt(segment: Segment, row: Row): unknown {
    const field = segment.field(row.field);
    if (!field.raw && row.values === undefined) return undefined;
    return row.repeats ? this.list(segment, row, field) : this.one(segment, row, field.repetition(1), 1);
  }

  /** Whether the place is at fault already, for what stands in it. */
  private isAtFault(segment: Segment, { field }: Row): boolean {
    return this.faults.some((fault) => fault.segment === segment.name && fault.index === segment.index && fault.field === field);
  }

  private list(segment: Segment, row: Row, field: Field): unknown {
    if (field.raw === '""') return null;
    const items = field.repetitions
      .map((repetition, index) => this.one(segment, row, repetition, index + 1))
      .filter((item) => item !== undefined && item !== null);
    return items.length === 0 ? undefined : items;
  }

  private one(segment: Segment, row: Row, repetition: Repetition, number: number): unknown {
    if (!repetition.raw && row.values === undefined) return undefined;
    if (repetition.raw === '""') return null;
    return FORM_READERS[row.form](repetition, row, new PlaceRead(this, segment, row, number));
  }

  /** Where the place may be left out it is noted, and else the message's fault. */
  wrong(row: Row, code: string, place: Place): undefined {
    if (row.need === 'optional') this.note(code, place);
    else this.fault(code, place);
    return undefined;
  }
}

/** A place that is read: where it is, is asked only where something is wrong with it. */
class PlaceRead {
  constructor(
    readonly reading: Reading,
    private readonly segment: Segment,
    private readonly row: Row,
    private readonly repetition: number,
  ) {}

  get place(): Place {
    return placeIn(this.segment, this.row, this.repetition);
  }

  meaning(code: string): string | undefined {
    const { values } = this.row;
    return meaningIn(values === undefined ? undefined : this.reading.tables.values[values], code) ?? this.other(values);
  }

  /** What stands for every other code. */
  private other(values: string | undefined): string | undefined {
    const other = values === undefined ? undefined : this.reading.tables.values[values]?.['*'];
    if (other !== undefined) this.reading.note('code', this.place);
    return other;
  }

  wrong(code: string): undefined {
    return this.reading.wrong(this.row, code, this.place);
  }
}

export function placeIn(segment: Segment, row: Pick<Row, 'field' | 'component'>, repetition = 1): Place {
  return { segment: segment.name, index: segment.index, field: row.field, repetition, component: Math.max(1, row.component) };
}
