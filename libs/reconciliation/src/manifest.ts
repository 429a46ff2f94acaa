import { createHash } from 'node:crypto';
import { instantOf, organisationOf } from '@weft/care-events';
import { CARE_EVENT_TYPES, DECISION_TYPE, type Problem } from '@weft/domain';
import { partsOf, type Place } from './manifest-parts.js';

/** What a manifest lists: events or HL7 v2 messages one by one, or how many of each type were sent in each hour. */
export const MANIFEST_KINDS = ['events', 'hl7v2', 'event-counts', 'hl7v2-counts'] as const;
export type ManifestKind = (typeof MANIFEST_KINDS)[number];

/** The version of the form, in `manifest` of the head. */
const FORM = 1;

/** What an organisation says of a manifest as a whole. Times are the sender's own, `from` inclusive, `until` not. */
export interface ManifestHead {
  readonly kind: ManifestKind;
  /** ODS code. */
  readonly organisation: string;
  /** Of HL7 v2, the listener that it was sent to; absent: any of the organisation's. */
  readonly listener?: string;
  /** RFC 3339, as the manifest has them. */
  readonly from: string;
  readonly until: string;
}

/** One event or message that was sent, by what its sender knows it by. */
export interface ListedItem {
  /** Line, from 1; of a JSON document the item, from 0. */
  readonly at: number;
  readonly source?: string;
  readonly id: string;
}

/** How many of a type were sent in an hour. */
export interface CountedHour {
  readonly at: number;
  readonly type: string;
  /** Its beginning, RFC 3339 in UTC. */
  readonly hour: string;
  readonly count: number;
}

/** A manifest that was read to its end and found sound. */
export interface Manifest extends ManifestHead {
  /** How many items it lists. */
  readonly items: number;
  /** SHA-256 of its bytes, 64 hex digits. */
  readonly digest: string;
}

/** Gives the bytes of a manifest from their beginning, as often as it is asked. */
export type ManifestSource = () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** What is wrong with a manifest, line by line. */
export class BadManifest extends Error {
  override readonly name = 'BadManifest';
  constructor(readonly problems: readonly Problem[]) {
    super(problems.map(({ field, message }) => `${field === '' ? '' : `${field}: `}${message}`).join('\n'));
  }
}

/** So many faults are told at a time. */
const FAULTS_MAX = 20;
/** Types and hours of a quarter of a year. */
const COUNTS_MAX = 100_000;
const HOUR_MS = 3_600_000;
const COUNT_MAX = 1_000_000_000;

const HEAD_MEMBERS = ['manifest', 'kind', 'organisation', 'listener', 'from', 'until'];
const ITEM_MEMBERS: Readonly<Record<ManifestKind, readonly string[]>> = {
  events: ['source', 'id'],
  hl7v2: ['id'],
  'event-counts': ['type', 'hour', 'count'],
  'hl7v2-counts': ['type', 'hour', 'count'],
};

export const countsHours = ({ kind }: Pick<ManifestHead, 'kind'>): boolean => kind.endsWith('-counts');
export const isOfHl7v2 = ({ kind }: Pick<ManifestHead, 'kind'>): boolean => kind.startsWith('hl7v2');

/**
 * Reads a manifest to its end, whatever its size, and holds nothing of it. Throws BadManifest, with the line and field of each fault.
 */
export async function readManifest(source: ManifestSource): Promise<Manifest> {
  let head: ManifestHead | null = null;
  const faults: Problem[] = [];
  const counted = new Set<string>();
  let items = 0;
  const digest = createHash('sha256');
  for await (const { place, members, fault, isHead, at } of partsOf(digested(source, digest))) {
    if (fault !== undefined) faults.push({ field: place(), code: 'malformed', message: fault });
    else if (isHead) head = headIn(members, place, faults);
    else if (head !== null) {
      items += 1;
      const item = itemIn(head, members, { at, place, faults });
      if (item !== null && 'hour' in item) faults.push(...repeated(counted, item, place));
    }
    if (faults.length >= FAULTS_MAX || (isHead && head === null)) break;
  }
  if (head === null && faults.length === 0)
    faults.push({ field: '', code: 'empty', message: 'is empty: a manifest begins with its head' });
  if (faults.length > 0 || head === null) throw new BadManifest(faults.slice(0, FAULTS_MAX));
  return { ...head, items, digest: digest.digest('hex') };
}

function repeated(counted: Set<string>, { type, hour }: CountedHour, place: Place): Problem[] {
  const name = `${type} ${hour}`;
  if (counted.has(name)) return [{ field: place('hour'), code: 'repeated', message: 'is counted already for this type' }];
  counted.add(name);
  if (counted.size <= COUNTS_MAX) return [];
  return [{ field: place(), code: 'too-many', message: `is one above ${COUNTS_MAX}: send several manifests` }];
}

/** The items of a manifest that was read before. Throws BadManifest where it is another one now. */
export async function* itemsOf(source: ManifestSource, manifest: Manifest): AsyncGenerator<ListedItem | CountedHour> {
  const digest = createHash('sha256');
  for await (const { place, members, isHead, at } of partsOf(digested(source, digest))) {
    const item = isHead ? null : itemIn(manifest, members, { at, place, faults: [] });
    if (item !== null) yield item;
  }
  if (digest.digest('hex') !== manifest.digest)
    throw new BadManifest([{ field: '', code: 'changed', message: 'was changed while it was read' }]);
}

async function* digested(source: ManifestSource, digest: { update(bytes: Uint8Array): unknown }): AsyncGenerator<Uint8Array> {
  for await (const bytes of source()) {
    digest.update(bytes);
    yield bytes;
  }
}

type Members = Readonly<Record<string, unknown>>;

function headIn(members: Members, place: Place, faults: Problem[]): ManifestHead | null {
  const found = faults.length;
  const fault = (member: string, code: string, message: string): void =>
    void faults.push({ field: place(member), code, message });
  refuseOthers(members, HEAD_MEMBERS, place, faults);
  const { manifest, kind, organisation, listener, from, until } = members;
  if (Number(manifest) !== FORM) fault('manifest', 'unsupported', `must be ${FORM}, the version of this form`);
  if (!isKind(kind)) fault('kind', 'unknown', `must be one of ${MANIFEST_KINDS.join(', ')}`);
  if (typeof organisation !== 'string' || !/^[A-Z0-9]{1,9}$/.test(organisation))
    fault('organisation', 'malformed', 'must be an ODS code, 1 to 9 capital letters and digits');
  if (listener !== undefined && (typeof listener !== 'string' || !isKind(kind) || !isOfHl7v2({ kind })))
    fault('listener', 'malformed', 'names a listener, in a manifest of HL7 v2 alone');
  const [begins, ends] = [timeIn(from), timeIn(until)];
  if (begins === null) fault('from', 'malformed', MALFORMED_TIME);
  if (ends === null) fault('until', 'malformed', MALFORMED_TIME);
  if (begins !== null && ends !== null && begins >= ends) fault('until', 'too-early', 'must be later than from');
  if (isKind(kind) && countsHours({ kind })) {
    if (begins !== null && begins % HOUR_MS !== 0) fault('from', 'malformed', 'must be a full hour where hours are counted');
    if (ends !== null && ends % HOUR_MS !== 0) fault('until', 'malformed', 'must be a full hour where hours are counted');
  }
  if (faults.length > found) return null;
  const said = { kind, organisation, from, until, ...(listener !== undefined && { listener }) };
  return said as unknown as ManifestHead;
}

const MALFORMED_TIME = 'must be an RFC 3339 date and time with its offset';
const isKind = (value: unknown): value is ManifestKind => (MANIFEST_KINDS as readonly unknown[]).includes(value);
const timeIn = (value: unknown): number | null => (typeof value === 'string' ? instantOf(value) : null);

interface Reading {
  readonly at: number;
  readonly place: Place;
  readonly faults: Problem[];
}

function itemIn(head: ManifestHead, members: Members, reading: Reading): ListedItem | CountedHour | null {
  const { place, faults } = reading;
  const found = faults.length;
  refuseOthers(members, ITEM_MEMBERS[head.kind], place, faults);
  const item = countsHours(head) ? hourIn(head, members, reading) : listedIn(head, members, reading);
  return faults.length > found ? null : item;
}

function listedIn({ kind, organisation }: ManifestHead, { source, id }: Members, { at, place, faults }: Reading): ListedItem {
  const said = typeof id === 'number' ? String(id) : id;
  if (typeof said !== 'string' || said.trim() === '' || said.length > 256)
    faults.push({
      field: place('id'),
      code: said === undefined ? 'required' : 'malformed',
      message: 'must be a text of 1 to 256 characters',
    });
  if (kind === 'hl7v2') return { at, id: String(said).trim() };
  const from = source ?? `urn:ods:${organisation}`;
  if (organisationOf(from)?.toUpperCase() !== organisation)
    faults.push({
      field: place('source'),
      code: 'not-the-sender',
      message: `must be urn:ods:${organisation}, or a system of it`,
    });
  return { at, source: String(from), id: String(said) };
}

function hourIn(head: ManifestHead, { type, hour, count }: Members, { at, place, faults }: Reading): CountedHour {
  const fault = (member: string, message: string): void => void faults.push({ field: place(member), code: 'malformed', message });
  if (typeof type !== 'string' || !isTypeOf(head, type))
    fault('type', isOfHl7v2(head) ? 'must be a message type as ADT^A01' : `must be one of ${EVENT_TYPES.join(', ')}`);
  const begins = timeIn(hour);
  if (begins === null || begins % HOUR_MS !== 0) fault('hour', 'must be the beginning of an hour, RFC 3339 with its offset');
  else if (begins < instantOf(head.from)! || begins >= instantOf(head.until)!) fault('hour', 'is not between from and until');
  const times = typeof count === 'string' && /^\d{1,10}$/.test(count) ? Number(count) : count;
  if (!Number.isInteger(times) || Number(times) < 0 || Number(times) > COUNT_MAX)
    fault('count', 'must be a whole number, 0 or more');
  return { at, type: String(type), hour: begins === null ? '' : new Date(begins).toISOString(), count: Number(times) };
}

const EVENT_TYPES: readonly string[] = [...CARE_EVENT_TYPES, DECISION_TYPE];
const isTypeOf = (head: ManifestHead, type: string): boolean =>
  isOfHl7v2(head) ? /^[A-Z0-9]{3}(\^[A-Z0-9]{3})?$/.test(type) : EVENT_TYPES.includes(type);

/** What is not understood is not passed over: it may be what the manifest means. */
function refuseOthers(members: Members, known: readonly string[], place: Place, faults: Problem[]): void {
  if (Object.keys(members).every((name) => known.includes(name))) return;
  faults.push({ field: place(), code: 'unknown-member', message: `may have these alone: ${known.join(', ')}` });
}
