import { DECISION_TYPE, jsonWithDigits } from '@weft/domain';
import type { Organisation, Policy, Problem, Recorder, Resource } from '@weft/domain';
import type { Reading } from '@weft/processing';
import { acceptEvent } from './accept-event.js';
import type { AcceptedEvent } from './accept-event.js';
import type { KeptResource } from './about-nobody.js';
import { keepTogether } from './bundle-kept.js';
import type { FoundResources } from './bundle-kept.js';
import { indexPatients, subjectsOf } from './bundle-patients.js';
import type { Subject } from './bundle-patients.js';
import type { BundleEntry } from './bundle-names.js';
import { asOfItsServer, lastingIds, ofTwoServers, sourceOfRequest, sourceOfResource } from './bundle-sources.js';
import { askedOf, CONSENT_NOT_RETRACTED, DECISION_UNCONDITIONAL, NOBODY_TO_RETRACT, onlyPatientOf } from './bundle-request.js';
import type { Asked, FhirRequest } from './bundle-request.js';
import { contentDigest } from './content-digest.js';
import { costProblem } from './fhir.js';
import { isPrivacyConsent } from './consent-in.js';
import { decisionsIn, decisionWithinProblem, mayHoldDecision } from './decision-within.js';
import { isObject, NHS_NUMBER_SYSTEM, textOf, unversioned } from './patient-reference.js';
import type { Loose } from './patient-reference.js';
import { presentable, problem, within } from './problems.js';
import { timeProblems } from './envelope.js';
import { RequestIds } from './request-ids.js';
import { stableUuid } from './stable-uuid.js';
import type { RequestKeys } from './request-ids.js';

export interface BundleOptions {
  readonly organisations: ReadonlyMap<string, Organisation>;
  /** ODS code of whoever publishes. */
  readonly organisation: string;
  /** The header ce-source. */
  readonly source?: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Who records the decisions that it carries, and by which policy they may. */
  readonly recorder?: Recorder;
  readonly policy?: Policy;
  /** What the ids of its events are made of. */
  readonly keys: RequestKeys;
  readonly validate?: boolean;
  /** What the organisation sent before that is about nobody, by the names that were wanted. */
  readonly found?: FoundResources;
  /** What is asked of one resource, or of none, that came by itself. */
  readonly request?: FhirRequest;
  /** The NHS number of whom an entry is about that takes back what it does not carry. */
  readonly subject?: string;
}

export interface BundleItem {
  /** The entry's index in the Bundle; 0 for a resource that came alone. */
  readonly entry: number;
  readonly reading: Reading<AcceptedEvent>;
}

/** What an entry is to do with which resource, as an answer repeats it. */
export interface Interaction {
  readonly method: FhirRequest['method'];
  readonly resourceType: string;
  /** As it is recorded: its own, or the one that it was given. */
  readonly id?: string;
}

/** An entry whose judgement waits until it is asked for: a big Bundle takes seconds, which others may want in between. */
export interface PendingItem {
  readonly entry: number;
  /** The NHS number of whom it is about, where that can be told. */
  readonly subject?: string;
  /** Whether it is a decision about sharing. */
  readonly isDecision: boolean;
  /** Whether it is one, or may carry one that nobody obeys where it stands. */
  readonly mayDeny: boolean;
  readonly interaction?: Interaction;
  /** The resource without what came before and is kept with it. */
  readonly sent?: Resource;
  readonly judge: () => Reading<AcceptedEvent>;
}

export interface OpenedBundle {
  readonly items: readonly PendingItem[];
  /** What is about nobody: it travels with the entries that refer to it, also with later ones. */
  readonly kept: readonly (KeptResource & { readonly entry: number; readonly interaction: Interaction })[];
  /** Names of what is referred to and may have come before. */
  readonly wanted: readonly string[];
}

const BUNDLE_TYPES: readonly unknown[] = ['collection', 'document', 'transaction', 'batch', 'history', 'message', 'searchset'];
/** What a Bundle says about itself, and not about a patient. */
const WRAPPING = ['MessageHeader', 'OperationOutcome'];
const isWrapping = (resource: Resource): boolean => WRAPPING.includes(resource.resourceType) && !mayHoldDecision(resource);

/**
 * A care event for each resource about the patient it carries, or what keeps it from being one: entries do not hold each
 * other up. Refused as a whole only where it is neither a Bundle nor a resource. A resource may come alone if it carries the
 * NHS number itself. Never throws.
 */
export function careEventsOfBundle(bundle: unknown, options: BundleOptions): Reading<BundleItem[]> {
  const opened = openBundle(bundle, options);
  return opened.ok ? { ok: true, event: opened.event.items.map(({ entry, judge }) => ({ entry, reading: judge() })) } : opened;
}

/** careEventsOfBundle, one entry at a time. */
export function openBundle(bundle: unknown, options: BundleOptions): Reading<OpenedBundle> {
  const { request } = options;
  const isNamed = isObject(bundle) && textOf(bundle['resourceType']) !== undefined;
  if (!isNamed && (bundle !== undefined || request === undefined)) {
    return { ok: false, problems: [problem('resourceType', 'required', 'must be a FHIR Bundle or one FHIR resource')] };
  }
  const source = sourceOfRequest(bundle, options);
  const ids = new RequestIds(source, bundle, options.keys);
  if (request !== undefined) {
    const alone = readRawEntry({ ...(isNamed && { resource: bundle }), request }, 0, '');
    return { ok: true, event: opened([alone], ids, unplaced, { ...options, source }) };
  }
  if (!isNamed || bundle['resourceType'] !== 'Bundle') {
    const alone = { index: 0, resource: bundle as unknown as Resource, asked: RECORDED };
    return { ok: true, event: opened([alone], ids, unplaced, { ...options, source }) };
  }
  if (!BUNDLE_TYPES.includes(bundle['type'])) {
    return { ok: false, problems: [problem('Bundle.type', 'unsupported', `must be one of ${BUNDLE_TYPES.join(', ')}`)] };
  }
  const raw: readonly unknown[] = Array.isArray(bundle['entry']) ? bundle['entry'] : [];
  const read = raw.map((one, index) => readRawEntry(one, index, `entry[${index}].`));
  const entries = read.filter((entry) => !('resource' in entry && isWrapping(entry.resource)));
  // A history has the newest version first.
  if (bundle['type'] === 'history') entries.reverse();
  return { ok: true, event: opened(entries, ids, placed, { ...options, source }) };
}

const RECORDED: Asked = { ok: true, does: 'record' };

/** An entry as it came. One that takes back what it names need carry nothing. */
type RawEntry = Faulty | Carrying | { readonly index: number; readonly asked: Asked & { readonly ok: true } };
/** `source`: of the request, by whichever way it was said. */
type Opening = BundleOptions & { readonly source: string };

interface Faulty {
  readonly index: number;
  readonly problem: Problem;
  readonly mayDeny: boolean;
}
type Carrying = BundleEntry & { readonly asked: Asked };

/** What an entry is judged by. */
interface Entry {
  readonly index: number;
  readonly resource: Resource;
  /** What tells whose it is. */
  readonly about: Resource | undefined;
  readonly asked: Asked;
  /** Of its event. */
  readonly id: string;
}

function opened(came: readonly RawEntry[], ids: RequestIds, placedAt: typeof placed, options: Opening): OpenedBundle {
  const sourceOf = (resource: Resource): string => sourceOfResource(resource, options.source, options);
  const named = withMadeIds(withLastingIds(came, sourceOf), sourceOf, options.keys);
  const clashing = ofTwoServers(named.filter(isCarrying).filter(isRecorded), sourceOf);
  const entries = named.map((entry) => (clashing.has(entry.index) ? withServersOwnId(entry, sourceOf) : entry));
  const carrying = entries.filter(isCarrying);
  const patients = indexPatients(carrying);
  const only = options.subject === undefined ? onlyPatientOf(carrying) : patientOf(options.subject);
  const { resources, sent, nobodys, wanted, warnings } = keepTogether(carrying.filter(isRecorded), {
    ...options,
    sourceOf,
  });
  const kept: OpenedBundle['kept'][number][] = [];
  const items: PendingItem[] = [];
  for (const raw of entries) {
    const { index } = raw;
    const nobody = nobodys.get(index);
    if (nobody !== undefined && !isFaulty(nobody)) {
      kept.push({ entry: index, ...nobody, interaction: interactionOf(asked(raw), nobody.resource) });
      continue;
    }
    const entry = 'problem' in raw ? raw : asEntry(raw, resources.get(index), only, ids);
    const alone = sent.get(index);
    const item = {
      entry: index,
      ...('problem' in entry
        ? { isDecision: false, mayDeny: entry.mayDeny }
        : { ...about(entry, patients), interaction: interactionOf(entry.asked, entry.resource) }),
      ...(alone !== undefined && { sent: alone }),
    };
    items.push({
      ...item,
      judge: () => {
        if (nobody !== undefined) return placedAt(index, presentable(nobody));
        const clash = clashing.get(index);
        if (clash !== undefined && !item.isDecision) return refuse(clash);
        const reading = 'problem' in entry ? refuse(entry.problem) : readEntry(entry, patients, options);
        if (!reading.ok) return placedAt(index, reading.problems);
        return { ok: true, event: withWarnings(withSent(reading.event, alone), warnings.get(index)) };
      },
    });
  }
  return { items, kept, wanted };
}

const asked = (entry: RawEntry): Asked => ('asked' in entry ? entry.asked : RECORDED);

/** What asks for nothing is created, as far as anybody is told: whether it was there before is in a record. */
function interactionOf(asked: Asked, { resourceType, id }: Resource): Interaction {
  const method = !asked.ok || asked.method === undefined ? 'POST' : asked.method;
  return { method, resourceType, ...(textOf(id) !== undefined && { id: id as string }) };
}

function patientOf(nhsNumber: string): Resource {
  return { resourceType: 'Patient', identifier: [{ system: NHS_NUMBER_SYSTEM, value: nhsNumber }] };
}

/**
 * What is to be created without an id, and has no business identifier, is known by what it says: created again, it is the same. Under a key
 * of the caller's it is known by that.
 */
function withMadeIds(
  entries: readonly RawEntry[],
  sourceOf: (resource: Resource) => string,
  { given }: RequestKeys,
): readonly RawEntry[] {
  return entries.map((entry) => {
    if (!isCarrying(entry) || !entry.asked.ok || entry.asked.creates !== true || entry.resource.id !== undefined) return entry;
    const { resource, index } = entry;
    if (costProblem(resource) !== null) return entry;
    const what = given === undefined ? [contentDigest({ type: 'care-event-recorded-1', resource })] : ['key', given, index];
    const id = stableUuid(JSON.stringify([sourceOf(resource), resource.resourceType, ...what]));
    return { ...entry, resource: { ...resource, id } };
  });
}

/** A privacy Consent keeps the id that it came with: another under the same identifier is not to take the place of an objection. */
function withLastingIds(entries: readonly RawEntry[], sourceOf: (resource: Resource) => string): readonly RawEntry[] {
  const carrying = entries.filter((entry) => 'resource' in entry);
  const ids = lastingIds(
    carrying.filter(({ resource, asked }) => !isPrivacyConsent(resource) && (resource.id !== undefined || isGivenId(asked))),
    sourceOf,
  );
  return entries.map((entry) => {
    const id = ids.get(entry.index);
    if (id === undefined || !('resource' in entry)) return entry;
    const sentId = textOf(entry.resource.id);
    return { ...entry, resource: { ...entry.resource, id }, ...(sentId !== undefined && { sentId }) };
  });
}

const isGivenId = (asked: Asked): boolean => asked.ok && (asked.creates === true || asked.byIdentifier === true);

/** Of two servers' Consents under one id each is obeyed for what it denies. */
function withServersOwnId(entry: RawEntry, sourceOf: (resource: Resource) => string): RawEntry {
  if (!isCarrying(entry) || !isPrivacyConsent(entry.resource)) return entry;
  return { ...entry, resource: asOfItsServer(entry.resource, entry.fullUrl ?? '', sourceOf(entry.resource)) };
}

const isCarrying = (entry: RawEntry): entry is Carrying => 'resource' in entry;
const isRecorded = ({ asked }: Carrying): boolean => asked.ok && asked.does === 'record';
const isFaulty = (nobodys: KeptResource | readonly Problem[]): nobodys is readonly Problem[] => Array.isArray(nobodys);

function withWarnings(event: AcceptedEvent, warnings: readonly Problem[] | undefined): AcceptedEvent {
  return warnings === undefined ? event : { ...event, warnings: [...(event.warnings ?? []), ...warnings] };
}

/** A retry is known by what it sent, whatever came in between that is kept with it now. */
function withSent(event: AcceptedEvent, sent: Resource | undefined): AcceptedEvent {
  if (sent === undefined || event.type !== 'care-event-recorded-1') return event;
  return { ...event, sentDigest: contentDigest({ type: event.type, resource: sent }) };
}

/** `whole`: the resource with what it refers to that is about nobody. */
function asEntry(
  raw: Exclude<RawEntry, Faulty>,
  whole: Resource | undefined,
  only: Resource | undefined,
  ids: RequestIds,
): Entry {
  const { index, asked } = raw;
  const told = 'resource' in raw ? (whole ?? raw.resource) : only;
  const named = asked.ok && asked.does === 'retract' ? asked.names : undefined;
  const resource: Resource = (named && { ...named }) ?? ('resource' in raw && told !== undefined ? told : { resourceType: '' });
  return { index, asked, resource, about: told, id: ids.next(resource) };
}

function about(
  { about: told, resource }: Entry,
  patients: ReturnType<typeof indexPatients>,
): Pick<PendingItem, 'subject' | 'isDecision' | 'mayDeny'> {
  const found = told === undefined ? undefined : subjectsOf(told, patients);
  const isDecision = mayDecide(resource, told);
  // What is too costly to be read to its end is refused, and may carry one where it carries anything.
  const isRead = told === undefined || costProblem(told) === null;
  const decisions = isRead ? decisionsIn(told) : [];
  const mayCarry = !isRead && (told.contained !== undefined || CARRYING.includes(told.resourceType));
  // Whose those are that it carries must be told by each of them: else they may be anybody's.
  const isTold =
    found?.ok === true &&
    decisions.every((one) => one === told || isOf(found.subject, subjectsOf(one as unknown as Resource, patients)));
  return { isDecision, mayDeny: isDecision || mayCarry || decisions.length > 0, ...(isTold && { subject: found.subject }) };
}

const CARRYING = ['Bundle', 'Parameters'];

const isOf = (subject: string, found: Subject): boolean => found.ok && found.subject === subject;

/** Of a Consent that is taken back without being carried nobody knows what it decided. */
function mayDecide(resource: Resource, told: Resource | undefined): boolean {
  const consent = told?.resourceType === 'Consent' ? told : resource;
  return isPrivacyConsent(consent) || (consent.resourceType === 'Consent' && consent !== told);
}

function placed(index: number, problems: readonly Problem[]): Reading<never> {
  return { ok: false, problems: within(`entry[${index}].resource`, problems) };
}

function unplaced(_: number, problems: readonly Problem[]): Reading<never> {
  return { ok: false, problems };
}

function refuse(...problems: Problem[]): Reading<never> {
  return { ok: false, problems: presentable(problems) };
}

function readRawEntry(raw: unknown, index: number, at: string): RawEntry {
  const carried = isObject(raw) ? raw['resource'] : undefined;
  const resource = isObject(carried) && textOf(carried['resourceType']) !== undefined ? carried : undefined;
  const asked = isObject(raw) ? askedAt(at, askedOf(raw, resource)) : RECORDED;
  if (!isObject(raw) || resource === undefined) {
    if (asked.ok && asked.does === 'retract' && carried === undefined) return { index, asked };
    const mayDeny = mayHoldDecision(carried) || mayHoldDecision(raw);
    if (!asked.ok) return { index, problem: asked.problem, mayDeny };
    return {
      ...{ index, mayDeny },
      problem: problem('', 'required', 'an entry must carry a resource; to take one back, send care-event-retracted-1'),
    };
  }
  const fullUrl = textOf(raw['fullUrl']);
  const fullUrlOf = { ...(fullUrl !== undefined && { fullUrl }) };
  // A decision that is to be deleted was entered in error: it would otherwise be made once more.
  if (asked.ok && asked.does === 'retract' && isPrivacyConsent(resource)) {
    const inError = withId({ ...resource, status: 'entered-in-error' }, fullUrl);
    return { index, asked: { ...asked, does: 'record' }, resource: inError, ...fullUrlOf };
  }
  const isByIdentifier = asked.ok && asked.byIdentifier === true;
  return { index, asked, resource: withId(resource, isByIdentifier ? undefined : fullUrl), ...fullUrlOf };
}

const askedAt = (at: string, asked: Asked): Asked =>
  asked.ok ? asked : { ok: false, problem: { ...asked.problem, field: `${at}${asked.problem.field}` } };

/** A resource to be created has no id yet: the one in its entry's fullUrl stands for it, the same however often it is sent. */
function withId(resource: Loose, fullUrl: string | undefined): Resource {
  const address = unversioned(fullUrl ?? '');
  const id = resource['id'] ?? /^(?:urn:uuid:|.*\/)([A-Za-z0-9.-]{1,64})$/.exec(address)?.[1];
  return (id === undefined || 'id' in resource ? resource : { ...resource, id }) as unknown as Resource;
}

function readEntry(
  { resource, about: told, asked, id }: Entry,
  patients: ReturnType<typeof indexPatients>,
  options: Opening,
): Reading<AcceptedEvent> {
  if (!asked.ok) return refuse(asked.problem);
  const over = costProblem(resource);
  if (over !== null) return refuse(over);
  if (told === undefined) return refuse(NOBODY_TO_RETRACT);
  const subjects = subjectsOf(told, patients);
  if (!subjects.ok) return refuse(decisionWithinProblem(told) ?? subjects.problem);
  const { organisation, now, organisations, validate, recorder, policy } = options;
  const isDecision = mayDecide(resource, told);
  if (isDecision && asked.does === 'retract') return refuse(CONSENT_NOT_RETRACTED);
  if (isDecision && asked.ifMatch !== undefined) return refuse(DECISION_UNCONDITIONAL);
  const type = asked.does === 'retract' ? 'care-event-retracted-1' : 'care-event-recorded-1';
  const attributes = {
    specversion: '1.0',
    id,
    source: sourceOfResource(told, options.source, options),
    type: isDecision ? DECISION_TYPE : type,
    subject: subjects.subject,
    time: (isDecision ? undefined : updatedAt(resource, now)) ?? new Date(now).toISOString(),
    datacontenttype: 'application/fhir+json',
  };
  const bytes = new TextEncoder().encode(jsonWithDigits(resource));
  const reading = acceptEvent(
    { attributes, data: { ok: true, event: resource }, bytes },
    {
      ...{ organisations, now, sender: organisation },
      ...(validate !== undefined && { validate }),
      ...(recorder !== undefined && { recorder }),
      ...(policy !== undefined && { policy }),
    },
  );
  if (!reading.ok) return refuse(...reading.problems);
  return asked.ifMatch === undefined ? reading : { ok: true, event: { ...reading.event, ifMatch: asked.ifMatch } };
}

/** Where it says when, as an event's time has to; else it is judged as what it is, a fault of the resource. */
function updatedAt({ meta }: Resource, now: number): string | undefined {
  const text = textOf(meta?.lastUpdated);
  return text === undefined || timeProblems('', text, now).length > 0 ? undefined : text;
}
