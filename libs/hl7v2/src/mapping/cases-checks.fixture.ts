import { jsonWithDigits } from '@weft/domain';
import { bytesOfCase, casesOf } from '../cases.fixture.js';
import type { Records } from './filed.fixture.js';
import type { Listener, Note } from './facts.js';

export interface Expected {
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

export interface MappingCase {
  readonly id: string;
  readonly about: string;
  readonly listener: Listener;
  readonly messages?: readonly string[];
  readonly expect: Expected;
}

/** What is the gateway's to do, by what the case says of it. */
const OF_THE_GATEWAY = ['acks', 'events', 'reason', 'repeat', 'rawKeepsBytes'];
/** The gateway counts control ids; what is mapped knows nothing of them. */
export const GATEWAY_NOTES: readonly unknown[] = ['control-id-reused'];

const isOfMapping = ({ messages, expect }: MappingCase): boolean =>
  messages !== undefined && Object.keys(expect).some((member) => !OF_THE_GATEWAY.includes(member) && member !== 'receivedAt');

/** The cases in which something is made of messages. */
export const mappingCases = (casesOf('') as unknown as MappingCase[]).filter(isOfMapping);

/** The bytes of each message of a case, and when it was received; undefined where the case does not say. */
export function messagesOf({
  id,
  messages,
  expect: { receivedAt },
}: MappingCase): { readonly bytes: Uint8Array; readonly receivedAt: number | undefined }[] {
  return messages!.map((_, index) => {
    const at = Array.isArray(receivedAt) ? (receivedAt[index] as string) : (receivedAt as string | undefined);
    return {
      bytes: bytesOfCase(id, messages!.length === 1 ? undefined : index + 1),
      receivedAt: at === undefined ? undefined : Date.parse(at),
    };
  });
}

const at = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((found, step) => (found as Record<string, unknown> | undefined)?.[step], value);

/** Where the case names an entry the resource has a reference to its id. */
function referring(filed: Records, value: unknown): unknown {
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

export function checkEntries(filed: Records, { entries, count }: Expected): void {
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
