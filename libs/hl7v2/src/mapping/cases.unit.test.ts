import { jsonWithDigits } from '@weft/domain';
import { bytesOfCase, casesOf, whereThereAreCases } from '../cases.fixture.js';
import { Filed } from './filed.fixture.js';
import type { Listener, Note } from './facts.js';
import type { Taken } from './feed.js';

interface Expected {
  readonly entries?: readonly {
    readonly record: string;
    readonly entry: readonly string[];
    readonly state: 'current' | 'retracted';
    readonly resource: object;
    readonly absent?: readonly string[];
    readonly exactly?: readonly string[];
    readonly versions?: number;
    readonly jsonText?: Readonly<Record<string, string>>;
  }[];
  readonly notes?: readonly (string | Partial<Note>)[];
  readonly quarantine?: readonly (Record<string, unknown> & { readonly message?: number })[];
  readonly waiting?: readonly { readonly mrn: string; readonly why: string }[];
  readonly review?: readonly string[];
  readonly index?: readonly Record<string, string>[];
  readonly forbiddenEvents?: readonly string[];
  readonly filedUnder?: string | null;
  readonly unmapped?: readonly string[];
  readonly receivedAt?: string | readonly string[];
  readonly count?: Readonly<Record<string, number>>;
}

interface MappingCase {
  readonly id: string;
  readonly about: string;
  readonly listener: Listener;
  readonly messages?: readonly string[];
  readonly expect: Expected;
}

/** What is the gateway's to do, by what the case says of it. */
const OF_THE_GATEWAY = ['acks', 'events', 'reason', 'repeat', 'rawKeepsBytes'];
/** The gateway counts control ids; what is mapped knows nothing of them. */
const GATEWAY_NOTES: readonly unknown[] = ['control-id-reused'];

const isOfMapping = ({ messages, expect }: MappingCase): boolean =>
  messages !== undefined && Object.keys(expect).some((member) => !OF_THE_GATEWAY.includes(member) && member !== 'receivedAt');

const cases = (casesOf('') as unknown as MappingCase[]).filter(isOfMapping);

whereThereAreCases('a case of the feed', () => {
  it('is there', () => expect(cases.length).toBeGreaterThan(60));

  it.each(cases.map((one): [string, string, MappingCase] => [one.id, one.about, one]))('%s: %s', (_id, _about, one) => {
    const filed = new Filed(one.listener);
    const outcomes = one.messages!.map((name, index) => take(filed, one, name, index));
    expect(filed.refused).toEqual([]);
    checkEntries(filed, one.expect);
    checkTakens(filed, one.expect, outcomes);
    checkIdentity(filed, one.expect);
  });
});

function take(filed: Filed, { id, messages, expect: { receivedAt } }: MappingCase, _name: string, index: number): Taken {
  const at = Array.isArray(receivedAt) ? (receivedAt[index] as string) : (receivedAt as string | undefined);
  const bytes = bytesOfCase(id, messages!.length === 1 ? undefined : index + 1);
  return filed.take(bytes, at === undefined ? undefined : Date.parse(at));
}

const at = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((found, step) => (found as Record<string, unknown> | undefined)?.[step], value);

/** Where the case names an entry the resource has a reference to its id. */
function referring(filed: Filed, value: unknown): unknown {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string') && /^[A-Z][a-z]+[A-Za-z]*$/.test(value[0] ?? '')) {
    if (['Observation', 'Encounter', 'DiagnosticReport'].includes(value[0]!)) {
      return { reference: `${value[0]}/${filed.idOf(...(value as string[]))}` };
    }
  }
  if (Array.isArray(value)) return value.map((item) => referring(filed, item));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, referring(filed, member)]));
}

/** A part is enough: a list may hold more, and an object too. */
function partly(value: unknown): unknown {
  if (Array.isArray(value)) return expect.arrayContaining(value.map(partly));
  if (value === null || typeof value !== 'object') return value;
  return expect.objectContaining(Object.fromEntries(Object.entries(value).map(([name, member]) => [name, partly(member)])));
}

function checkEntries(filed: Filed, { entries, count }: Expected): void {
  for (const { record, entry, state, resource, absent, exactly, versions, jsonText } of entries ?? []) {
    const found = filed.entry(record, ...entry);
    if (found === undefined && state === 'retracted') throw new Error(`nothing was ever filed as ${entry.join('/')}`);
    expect([entry, found?.retracted]).toEqual([entry, state === 'retracted']);
    if (versions !== undefined) expect([entry, found?.versions]).toEqual([entry, versions]);
    if (state === 'retracted') continue;
    expect(found?.resource).toEqual(partly(referring(filed, resource)));
    for (const path of absent ?? []) expect([path, at(found?.resource, path)]).toEqual([path, undefined]);
    for (const path of exactly ?? [])
      expect((at(found?.resource, path) as unknown[]).length).toBe((at(resource, path) as unknown[]).length);
    for (const [path, text] of Object.entries(jsonText ?? {})) {
      expect(jsonWithDigits(found?.resource)).toContain(`"${path.split('.').at(-1)}":${text}`);
    }
  }
  for (const [type, number] of Object.entries(count ?? {})) {
    expect(Object.keys(filed.standing()).filter((id) => id.includes(`/${type}/`))).toHaveLength(number);
  }
}

function checkTakens(filed: Filed, { notes, quarantine, unmapped, forbiddenEvents }: Expected, outcomes: readonly Taken[]): void {
  for (const note of notes ?? []) {
    if (GATEWAY_NOTES.includes(note)) continue;
    expect(filed.notes).toContainEqual(expect.objectContaining(typeof note === 'string' ? { code: note } : note));
  }
  const faults = outcomes.flatMap((outcome, index) => outcome.faults.map((fault) => ({ ...fault, message: index + 1 })));
  expect(faults).toEqual((quarantine ?? []).map((fault) => expect.objectContaining(fault)));
  expect(outcomes.flatMap((outcome) => outcome.unmapped ?? [])).toEqual(unmapped ?? []);
  for (const type of forbiddenEvents ?? []) expect(filed.events.map((event) => event.type)).not.toContain(type);
}

function checkIdentity(filed: Filed, { waiting, review, index, filedUnder }: Expected): void {
  expect(filed.feed.stillWaiting()).toEqual((waiting ?? []).map((one) => expect.objectContaining(one)));
  expect(filed.review).toEqual(review ?? []);
  if (index?.length === 0) expect(filed.feed.index.all().size).toBe(0);
  for (const { mrn, nhs, replacedBy } of index ?? []) {
    const entry = filed.feed.index.of(mrn!);
    if (nhs !== undefined) expect([mrn, entry?.number]).toEqual([mrn, nhs]);
    if (replacedBy !== undefined) expect([mrn, entry?.replacedBy]).toEqual([mrn, replacedBy]);
  }
  if (filedUnder === null) expect(filed.standing()).toEqual({});
  if (typeof filedUnder === 'string') expect([...filed.records.keys()]).toEqual([filedUnder]);
}
