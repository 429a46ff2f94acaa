import { canonicalJson, DECISION_TYPE } from '@weft/domain';
import type { Organisation, Policy, Problem, Recorder, Resource } from '@weft/domain';
import type { Reading } from '@weft/processing';
import { acceptEvent } from './accept-event.js';
import type { AcceptedEvent } from './accept-event.js';
import { indexPatients, subjectsOf } from './bundle-patients.js';
import type { BundleEntry } from './bundle-patients.js';
import { costProblem } from './fhir.js';
import { isPrivacyConsent } from './consent-in.js';
import { isObject, textOf } from './patient-reference.js';
import type { Loose } from './patient-reference.js';
import { presentable, problem, typeShown, within } from './problems.js';
import { stableUuid } from './stable-uuid.js';

export interface BundleOptions {
  readonly organisations: ReadonlyMap<string, Organisation>;
  /** ODS code of whoever publishes. */
  readonly organisation: string;
  /** The publishing system, for the events' source. */
  readonly system?: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Who records the decisions that it carries, and by which policy they may. */
  readonly recorder?: Recorder;
  readonly policy?: Policy;
  /** The id of a decision's event: new for each request, because a decision that returns to an earlier state is new. */
  readonly newId?: () => string;
  readonly validate?: boolean;
}

export interface BundleItem {
  /** The entry's index in the Bundle; 0 for a resource that came alone. */
  readonly entry: number;
  readonly reading: Reading<AcceptedEvent>;
}

/** An entry whose judgement waits until it is asked for: a big Bundle takes seconds, which others may want in between. */
export interface PendingItem {
  readonly entry: number;
  /** The NHS number of whom it is about, where that can be told. */
  readonly subject?: string;
  /** Whether it is a decision about sharing. */
  readonly isDecision: boolean;
  readonly judge: () => Reading<AcceptedEvent>;
}

const BUNDLE_TYPES: readonly unknown[] = ['collection', 'transaction', 'batch', 'message', 'searchset'];
/** What a Bundle says about itself, and not about a patient. */
const WRAPPING = ['MessageHeader', 'OperationOutcome'];

/**
 * A care event for each resource about the patient it carries, or what keeps it from being one: entries do not hold each
 * other up. Refused as a whole only where it is neither a Bundle nor a resource. A resource may come alone if it carries the
 * NHS number itself. Never throws.
 */
export function careEventsOfBundle(bundle: unknown, options: BundleOptions): Reading<BundleItem[]> {
  const opened = openBundle(bundle, options);
  return opened.ok ? { ok: true, event: opened.event.map(({ entry, judge }) => ({ entry, reading: judge() })) } : opened;
}

/** careEventsOfBundle, one entry at a time. */
export function openBundle(bundle: unknown, options: BundleOptions): Reading<PendingItem[]> {
  if (!isObject(bundle) || textOf(bundle['resourceType']) === undefined) {
    return { ok: false, problems: [problem('resourceType', 'required', 'must be a FHIR Bundle or one FHIR resource')] };
  }
  if (bundle['resourceType'] !== 'Bundle') {
    const alone = { index: 0, resource: bundle as unknown as Resource };
    const patients = indexPatients([alone]);
    return { ok: true, event: [{ entry: 0, ...about(alone, patients), judge: () => readEntry(alone, patients, options) }] };
  }
  if (!BUNDLE_TYPES.includes(bundle['type'])) {
    return { ok: false, problems: [problem('Bundle.type', 'unsupported', `must be one of ${BUNDLE_TYPES.join(', ')}`)] };
  }
  return { ok: true, event: itemsOf(Array.isArray(bundle['entry']) ? bundle['entry'] : [], options) };
}

function itemsOf(raw: readonly unknown[], options: BundleOptions): PendingItem[] {
  const entries = raw.map(readRawEntry);
  const patients = indexPatients(entries.filter((entry) => 'resource' in entry));
  return entries
    .filter((entry) => !('resource' in entry && WRAPPING.includes(entry.resource.resourceType)))
    .map((entry) => ({
      entry: entry.index,
      ...('resource' in entry ? about(entry, patients) : { isDecision: false }),
      judge: () => {
        const reading = 'resource' in entry ? readEntry(entry, patients, options) : refuse(entry.problem);
        return reading.ok ? reading : placed(entry.index, reading.problems);
      },
    }));
}

function about(
  { resource }: BundleEntry,
  patients: ReturnType<typeof indexPatients>,
): Pick<PendingItem, 'subject' | 'isDecision'> {
  const found = subjectsOf(resource, patients);
  return { isDecision: isPrivacyConsent(resource), ...(found.ok && { subject: found.subject }) };
}

function placed(index: number, problems: readonly Problem[]): Reading<never> {
  return { ok: false, problems: within(`entry[${index}].resource`, problems) };
}

function refuse(...problems: Problem[]): Reading<never> {
  return { ok: false, problems: presentable(problems) };
}

function readRawEntry(raw: unknown, index: number): BundleEntry | { readonly index: number; readonly problem: Problem } {
  const resource = isObject(raw) ? raw['resource'] : undefined;
  if (!isObject(raw) || !isObject(resource) || textOf(resource['resourceType']) === undefined) {
    return {
      index,
      problem: problem('', 'required', 'an entry must carry a resource; to take one back, send care-event-retracted-1'),
    };
  }
  const fullUrl = textOf(raw['fullUrl']);
  return { index, resource: withId(resource, fullUrl), ...(fullUrl !== undefined && { fullUrl }) };
}

/** A resource to be created has no id yet: the one in its entry's fullUrl stands for it, the same however often it is sent. */
function withId(resource: Loose, fullUrl: string | undefined): Resource {
  const id =
    resource['id'] ??
    /^urn:uuid:([A-Za-z0-9.-]{1,64})$/.exec(fullUrl ?? '')?.[1] ??
    /\/([A-Za-z0-9.-]{1,64})$/.exec(fullUrl ?? '')?.[1];
  return (id === undefined || 'id' in resource ? resource : { ...resource, id }) as unknown as Resource;
}

function readEntry(
  { resource }: BundleEntry,
  patients: ReturnType<typeof indexPatients>,
  options: BundleOptions,
): Reading<AcceptedEvent> {
  const over = costProblem(resource);
  if (over !== null) return refuse(over);
  const subjects = subjectsOf(resource, patients);
  if (!subjects.ok) return refuse(subjects.problem);
  const { organisation, system, now, organisations, validate, recorder, policy, newId } = options;
  const isDecision = isPrivacyConsent(resource);
  const attributes = {
    specversion: '1.0',
    id: (isDecision ? newId?.() : undefined) ?? eventIdOf(organisation, resource, subjects.subject),
    source: system === undefined ? `urn:ods:${organisation}` : `urn:ods:${organisation}:${system}`,
    type: isDecision ? DECISION_TYPE : 'care-event-recorded-1',
    subject: subjects.subject,
    time: (isDecision ? undefined : textOf(resource.meta?.lastUpdated)) ?? new Date(now).toISOString(),
    datacontenttype: 'application/fhir+json',
  };
  const bytes = new TextEncoder().encode(JSON.stringify(resource));
  const reading = acceptEvent(
    { attributes, data: { ok: true, event: resource }, bytes },
    {
      ...{ organisations, now, sender: organisation },
      ...(validate !== undefined && { validate }),
      ...(recorder !== undefined && { recorder }),
      ...(policy !== undefined && { policy }),
    },
  );
  return reading.ok ? reading : refuse(...reading.problems.map((item) => inResource(item, resource)));
}

/** An envelope made here can only be wrong where the resource is. */
function inResource(item: Problem, resource: Resource): Problem {
  return item.field === 'time' ? { ...item, field: `${typeShown(resource)}.meta.lastUpdated` } : item;
}

/** Known by what is published, so that the same resource published twice is one event. */
function eventIdOf(organisation: string, resource: Resource, subject: string): string {
  return stableUuid(canonicalJson([organisation, subject, resource]));
}
