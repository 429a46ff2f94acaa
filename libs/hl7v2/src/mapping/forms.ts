import type { Component, Repetition } from '../message.js';
import { fhirDate, fhirDateTime, hasTimeOfDay, readTime } from '../times.js';
import type { Zone } from '../zone.js';
import { decimalOf } from './decimals.js';
import type { Place, VersionTime } from './facts.js';
import type { Form, Row, Tables } from './rows.js';
import { meaningIn } from './values.js';

/** What a message is read with. */
interface Reading {
  readonly zone: Zone;
  readonly sent: VersionTime;
  readonly tables: Tables;
  readonly note: (code: string, place: Place) => void;
}

interface Context {
  readonly reading: Reading;
  readonly place: Place;
  readonly meaning: (code: string) => string | undefined;
  readonly wrong: (code: string) => undefined;
}

type FormReader = (repetition: Repetition, row: Row, context: Context) => unknown;

/** An empty place of a repetition says nothing, and so does one that is deleted within it: the repetition as a whole takes its place. */
const textIn = (part: Component | Repetition | undefined): string | undefined => part?.value?.trim() || undefined;

const at = (repetition: Repetition, number: number): string | undefined => textIn(repetition.component(number));

/** An object without its undefined members and empty lists; undefined where nothing is left. */
export function filled<Value extends object>(value: Value): Value | undefined {
  const entries = Object.entries(value).filter(
    ([, member]) => member !== undefined && !(Array.isArray(member) && member.length === 0),
  );
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as Value);
}

const listed = <Item>(...items: readonly (Item | undefined)[]): Item[] => items.filter((item) => item !== undefined) as Item[];

/** How each form of a place is read: as the FHIR data type that it becomes, or as plain text. */
export const FORM_READERS: Readonly<Record<Form, FormReader>> = {
  text: (repetition, { component }) => (component === 0 ? repetition.text?.trim() || undefined : at(repetition, component)),
  lines: (repetition) => repetition.text ?? undefined,
  code: (repetition, { component }, context) => {
    const code = at(repetition, Math.max(1, component)) ?? '';
    const found = context.meaning(code);
    if (found === undefined) return code === '' ? undefined : context.wrong('code');
    return found === '-' ? undefined : found;
  },
  coded: (repetition, { component, values }, context) => codedOf(repetition, Math.max(1, component), context, values),
  time: (repetition, { component }, context) => {
    const time = readTime(at(repetition, Math.max(1, component)) ?? '');
    if (time === null) return at(repetition, Math.max(1, component)) === undefined ? undefined : context.wrong('time');
    const { text, note } = fhirDateTime(time, context.reading.zone, context.reading.sent.at);
    if (note !== null) context.reading.note(note, context.place);
    return text;
  },
  date: (repetition, _row, context) => {
    const time = readTime(at(repetition, 1) ?? '');
    return time === null ? context.wrong('time') : fhirDate(time);
  },
  birth: (repetition, _row, context) => {
    const { reading } = context;
    const time = readTime(at(repetition, 1) ?? '');
    if (time === null) return context.wrong('time');
    // Midnight is how systems write a day that knows no time.
    const isKnown = hasTimeOfDay(time) && time.parts.slice(3).some((part) => part > 0);
    return { date: fhirDate(time), time: isKnown ? fhirDateTime(time, reading.zone, reading.sent.at).text : undefined };
  },
  decimal: (repetition, { component }, context) => {
    const text = at(repetition, Math.max(1, component));
    return text === undefined ? undefined : (decimalOf(text) ?? context.wrong('number'));
  },
  name: (repetition, _row, { reading }) => nameOf(repetition, reading),
  address: (repetition, _row, { reading }) => {
    const part = (number: number) => at(repetition, number);
    const use = known(reading, 'address-use', part(7));
    const line = listed(part(1), part(2), part(8));
    return filled({ use, line, city: part(3), district: part(4), postalCode: part(5), country: part(6) });
  },
  telecom: (repetition, { member }, { reading }) => telecomOf(repetition, member, reading),
  identifier: (repetition) => {
    const value = at(repetition, 1);
    return value === undefined ? undefined : filled({ value, assigner: assignerIn(repetition, 4, 4) });
  },
  entity: (repetition, { component }) => {
    if (component > 0) return entityWithin(repetition.component(component));
    const value = at(repetition, 1);
    return value === undefined ? undefined : filled({ value, assigner: at(repetition, 2) ?? at(repetition, 3) });
  },
  practitioner: (repetition) => {
    const part = (number: number) => at(repetition, number);
    const display = listed(part(6), part(3), part(2)).join(' ');
    const value = part(1);
    const authority = assignerIn(repetition, 9, 9);
    const identifier = value && filled({ value, assigner: authority === undefined ? undefined : { display: authority } });
    return filled({ identifier: identifier || undefined, display: display || value });
  },
  // Ward, room and bed; the building is the organisation's own affair.
  location: (repetition) => {
    const display = listed(at(repetition, 1), at(repetition, 2), at(repetition, 3)).join(' ');
    return display === '' ? undefined : { display };
  },
  organisation: (repetition) => {
    const value = at(repetition, 3);
    const identifier = value === undefined ? undefined : { system: 'https://fhir.nhs.uk/Id/ods-organization-code', value };
    return filled({ identifier, display: at(repetition, 1) });
  },
};

/** A part of an EIP, or of SPM-2: an EI whose components are subcomponents. */
function entityWithin(component: Component): object | undefined {
  const value = textIn(component.subcomponent(1) as unknown as Component);
  const assigner =
    textIn(component.subcomponent(2) as unknown as Component) ?? textIn(component.subcomponent(3) as unknown as Component);
  return value === undefined ? undefined : filled({ value, assigner });
}

/** An HD: its namespace, else its universal id. */
function assignerIn(repetition: Repetition, ...components: readonly number[]): string | undefined {
  for (const number of components) {
    const [namespace, universal] = [1, 2].map((part) => repetition.component(number).subcomponent(part).value?.trim());
    if (namespace || universal) return namespace || universal;
  }
  return undefined;
}

const known = (reading: Reading, values: string, code: string | undefined): string | undefined => {
  const meaning = code === undefined ? undefined : meaningIn(reading.tables.values[values], code);
  return meaning === '-' ? undefined : meaning;
};

function nameOf(repetition: Repetition, reading: Reading): object | undefined {
  const part = (number: number) => at(repetition, number);
  const use = known(reading, 'name-use', part(7));
  const name = { use, family: part(1), given: listed(part(2), part(3)), prefix: listed(part(5)), suffix: listed(part(4)) };
  return name.family === undefined && name.given.length === 0 ? undefined : filled(name);
}

const systemOfTelecom = (reading: Reading, code: string): string | undefined =>
  known(reading, 'telecom-system', code) ?? reading.tables.values['telecom-system']?.['*'];

function telecomOf(repetition: Repetition, member: string, reading: Reading): object | undefined {
  const part = (number: number) => at(repetition, number);
  const email = part(4);
  const number = part(1) ?? part(12) ?? (listed(part(5), part(6), part(7)).join(' ') || undefined);
  const value = part(3)?.toUpperCase() === 'INTERNET' || number === undefined ? (email ?? number) : number;
  if (value === undefined) return undefined;
  const system = value === email ? 'email' : systemOfTelecom(reading, part(3) ?? '');
  const isMobile = part(3)?.toUpperCase() === 'CP';
  const usual = member.startsWith('work') ? 'work' : undefined;
  return filled({ system, value, use: isMobile ? 'mobile' : (known(reading, 'telecom-use', part(2)) ?? usual) });
}

/** A CE, CWE or CNE from one of its components on: a coding, a second one, and the words. */
function codedOf(repetition: Repetition, from: number, context: Context, values: string | undefined): object | undefined {
  const [code, text, system, code2, text2, system2] = [0, 1, 2, 3, 4, 5].map((number) => at(repetition, from + number));
  const { reading } = context;
  if (values !== undefined) {
    const isForeign = isOfAnotherTable(system, values, reading);
    const found = code === undefined || isForeign ? undefined : context.meaning(code);
    if (found === undefined && code !== undefined) context.wrong('code');
    if (found?.includes('|')) {
      const [ours, value, display] = found.split('|');
      return { coding: [filled({ system: ours, code: value, display })], ...(text !== undefined && { text }) };
    }
  }
  const coding = listed(codingOf(reading, code, text, system), codingOf(reading, code2, text2, system2));
  const words = at(repetition, from + 8) ?? text ?? text2 ?? code;
  return filled({ coding: !coding.some(isOfSystem) ? undefined : coding, text: words });
}

/** Whether a code says that it is of an HL7 table that the value table does not read: N is no African where it means not Hispanic. */
function isOfAnotherTable(name: string | undefined, values: string, { tables }: Reading): boolean {
  const number = HL7_TABLE.exec(name ?? '')?.[1];
  return number !== undefined && number !== tables.values[values]?.['@'];
}

const HL7_TABLE = /^(?:HL7)?(\d{4})$/i;

const isOfSystem = (coding: object): boolean => 'system' in coding || 'display' in coding;

function codingOf(
  reading: Reading,
  code: string | undefined,
  display: string | undefined,
  name: string | undefined,
): object | undefined {
  if (code === undefined) return undefined;
  const system = name === undefined ? undefined : systemOf(reading, name);
  return filled({ system, code, display });
}

/** Local systems have a name that nobody else knows, and so none. */
function systemOf(reading: Reading, name: string): string | undefined {
  const table = HL7_TABLE.exec(name)?.[1];
  return meaningIn(reading.tables.values['systems'], name) ?? (table && `http://terminology.hl7.org/CodeSystem/v2-${table}`);
}
