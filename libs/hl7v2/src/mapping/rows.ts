/** What a place holds, and so how it is read. */
const FORMS = [
  ...(['text', 'lines', 'code', 'coded', 'time', 'date', 'birth', 'decimal', 'name', 'address', 'telecom'] as const),
  ...(['identifier', 'entity', 'practitioner', 'location', 'organisation'] as const),
] as const;
export type Form = (typeof FORMS)[number];

/** `required`: without it, or where it cannot be read, the message is at fault. `readable`: it may be absent, but not unreadable. */
const NEEDS = ['required', 'readable', 'optional'] as const;
type Need = (typeof NEEDS)[number];

export interface Row {
  readonly segment: string;
  readonly field: number;
  /** Where the form reads one component alone, or begins; 0 for the whole of the field. */
  readonly component: number;
  /** Every repetition is read, and the list is the whole of it. */
  readonly repeats: boolean;
  readonly member: string;
  readonly form: Form;
  readonly need: Need;
  /** Of a code: the value table that says what it means. */
  readonly values: string | undefined;
}

/** A table of one segment in one kind of message. `rows`: one a line, `place member form [need] [values]`; a place is `PID-5`, `PID-3.1`, `PID-13*`. */
export interface Table {
  /** `<kind of message>/<segment>`. */
  readonly id: string;
  readonly version: string;
  readonly date: string;
  readonly author: string;
  readonly rows: string;
}

/** Codes as senders write them, in capitals, and what each means; `''` for an empty place. */
export type ValueTable = Readonly<Record<string, string>>;

/** Compiled: what the interpreter reads. */
export interface Tables {
  readonly types: ReadonlyMap<string, MessageType>;
  readonly rows: ReadonlyMap<string, readonly Row[]>;
  readonly values: Readonly<Record<string, ValueTable>>;
}

export interface MessageType {
  readonly reader: string;
  readonly action: string;
  /** Whether it says who somebody is, and whether it may say that what is known of it is wrong. */
  readonly flags: readonly string[];
}

/**
 * What is compiled; a site's own are laid over those that Weft has, and win. `types`: what each message type's event does, one a line,
 * `type reader action [flags]`.
 */
export interface TableSource {
  readonly types: string;
  readonly tables: readonly Table[];
  readonly values: Readonly<Record<string, ValueTable>>;
}

export interface TableFault {
  readonly table: string;
  /** From 1. */
  readonly line: number;
  readonly code: 'place' | 'form' | 'need' | 'values' | 'reader';
  readonly message: string;
}

export type Compiled =
  { readonly ok: true; readonly tables: Tables } | { readonly ok: false; readonly faults: readonly TableFault[] };

const PLACE = /^([A-Z][A-Z0-9]{2})-(\d{1,3})(?:\.(\d{1,2}))?(\*?)$/;

/** Tables as the interpreter has them, or every line that says what cannot be. */
export function compileTables(sources: readonly TableSource[], readers: readonly string[]): Compiled {
  const values: Record<string, ValueTable> = {};
  for (const source of sources) {
    for (const [name, table] of Object.entries(source.values)) values[name] = { ...values[name], ...table };
  }
  const faults: TableFault[] = [];
  const rows = new Map<string, readonly Row[]>();
  for (const table of sources.flatMap(({ tables }) => tables)) {
    const own = linesOf(table.rows).flatMap(([line, words]) => {
      const row = rowOf(words, table.id, values);
      if ('segment' in row) return [row];
      faults.push({ table: table.id, line, ...row });
      return [];
    });
    rows.set(table.id, laidOver(rows.get(table.id) ?? [], own));
  }
  const types = new Map<string, MessageType>();
  for (const [line, [type = '', reader = '', action = '', ...flags]] of sources.flatMap((source) => linesOf(source.types))) {
    if (readers.includes(reader)) types.set(type, { reader, action, flags });
    else faults.push({ table: 'types', line, code: 'reader', message: `no reader is called ${reader}` });
  }
  return faults.length > 0 ? { ok: false, faults } : { ok: true, tables: { types, rows, values } };
}

/** A later row of the same member takes the earlier one's place. */
function laidOver(before: readonly Row[], own: readonly Row[]): readonly Row[] {
  const members = new Set(own.map(({ member }) => member));
  return [...before.filter(({ member }) => !members.has(member)), ...own];
}

const linesOf = (text: string): [number, string[]][] =>
  text
    .split('\n')
    .map((line, index): [number, string[]] => [index + 1, line.trim().split(/\s+/)])
    .filter(([, [first]]) => first !== '' && !first!.startsWith('#'));

type Wrong = Pick<TableFault, 'code' | 'message'>;

function rowOf(
  [place = '', member = '', form = '', need = 'optional', values]: string[],
  id: string,
  known: Tables['values'],
): Row | Wrong {
  const parts = PLACE.exec(place);
  if (parts === null || parts[1] !== id.split('/')[1] || member === '') {
    return { code: 'place', message: 'a row is a place of its segment, like PID-5, PID-3.1 or PID-13*, and a member' };
  }
  if (!isOneOf(FORMS, form)) return { code: 'form', message: `a form is one of ${FORMS.join(', ')}` };
  if (!isOneOf(NEEDS, need)) return { code: 'need', message: `a need is one of ${NEEDS.join(', ')}` };
  if (values !== undefined && known[values] === undefined)
    return { code: 'values', message: `no value table is called ${values}` };
  return {
    ...{ segment: parts[1]!, field: Number(parts[2]), component: Number(parts[3] ?? 0), repeats: parts[4] === '*' },
    ...{ member, form, need, values },
  };
}

const isOneOf = <Word extends string>(words: readonly Word[], word: string): word is Word => words.includes(word as Word);
