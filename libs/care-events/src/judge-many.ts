import { DECISION_TYPE, jsonWithDigits } from '@weft/domain';
import type { Organisation, Policy, Problem, Recorder } from '@weft/domain';
import type { Reading } from '@weft/processing';
import type { AcceptedEvent } from './accept-event.js';
import type { KeptResource } from './about-nobody.js';
import type { FoundResources } from './bundle-kept.js';
import { openBundle } from './bundle.js';
import type { Interaction } from './bundle.js';
import type { FhirRequest } from './bundle-request.js';
import { mayHoldDecision, mayNameDecision } from './decision-within.js';
import { readCloudEventBatch } from './cloud-event.js';
import { contentDigest } from './content-digest.js';
import type { ReceivedEvent } from './cloud-event.js';
import { readFhirJson } from './json.js';
import { acceptWithKept } from './kept-before.js';
import type { Before } from './kept-before.js';
import { problem } from './problems.js';
import { messageHeaderOf } from './request-ids.js';
import type { RequestKeys } from './request-ids.js';

/** What a judgement needs to know, as data that may go to another thread. */
export interface JudgeRules {
  readonly organisations: ReadonlyMap<string, Organisation>;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The ODS code of whoever publishes. */
  readonly sender: string;
  readonly recorder: Recorder;
  /** The header ce-source of a FHIR request. */
  readonly source?: string;
  /** By which decisions are made; absent: whoever reads them has still to ask. */
  readonly policy?: Policy;
}

/** The body of a request that carries many events: a Bundle (or one resource), or a batch of CloudEvents. */
export interface Many {
  readonly kind: 'bundle' | 'batch';
  readonly bytes: Uint8Array;
  readonly limitBytes: number;
  readonly entriesMax: number;
  readonly rules: JudgeRules;
  /** What the organisation sent before that is about nobody, by the names that were wanted. */
  readonly found?: FoundResources;
  /** What the ids of a Bundle's events are made of. */
  readonly keys: RequestKeys;
  /** What is asked of one resource; without a body, of one that the request names. */
  readonly request?: FhirRequest;
  /** The NHS number of whom something is about that is taken back and not carried. */
  readonly subject?: string;
}

/** An event to be published as it came: what was read of its resource has done its work. */
export type ReadyEvent = Omit<AcceptedEvent, 'resource' | 'bytes'> & {
  readonly bytes: Uint8Array;
  /** Of what its sender sent. */
  readonly digest: string;
};

export interface JudgedOne {
  /** Index in the Bundle or batch. */
  readonly entry: number;
  readonly reading: Reading<ReadyEvent>;
  /** NHS number of whom it is about, where that can be told. */
  readonly subject?: string | undefined;
  /** Whether it is a decision about sharing. */
  readonly isDecision: boolean;
  /** Whether, refused, it may have denied something: then nothing else about the person is taken in the same call. */
  readonly mayDeny: boolean;
  readonly interaction?: Interaction;
  /** JSON text of the resource as it was sent, where more is kept with it. */
  readonly sent?: string;
}

/** Of a request that is a Bundle: its type, how many entries it has, and what its answer repeats of a MessageHeader. */
export interface BundleSent {
  readonly type: string;
  readonly size: number;
  readonly header?: Readonly<Record<string, unknown>>;
}

export interface JudgedMany {
  readonly items: readonly JudgedOne[];
  /** What is about nobody, by its index in the Bundle. */
  readonly kept: readonly (KeptResource & { readonly entry: number; readonly interaction: Interaction })[];
  readonly bundle?: BundleSent;
  /** Names of what is referred to and may have come before. */
  readonly wanted: readonly string[];
}

/** Each event judged by itself; refused as a whole only where it cannot be told apart. Never throws. */
export function judgeMany(many: Many): Reading<JudgedMany> {
  return many.kind === 'bundle' ? judgeBundle(many) : judgeBatch(many);
}

function judgeBundle({ bytes, limitBytes, entriesMax, rules, found, keys, request, subject }: Many): Reading<JudgedMany> {
  const isBare = request?.method === 'DELETE';
  const parsed: Reading<unknown> = isBare ? { ok: true, event: undefined } : readFhirJson(bytes, 'body', limitBytes);
  if (!parsed.ok) return parsed;
  const { resourceType, type, entry } = (parsed.event ?? {}) as Readonly<Record<string, unknown>>;
  const size = Array.isArray(entry) ? entry.length : 1;
  const over = tooMany(size, entriesMax);
  if (over !== null) return { ok: false, problems: [over] };
  if (keys.byMessage === true && (type !== 'message' || messageHeaderOf(parsed.event) === undefined)) {
    return { ok: false, problems: [NO_MESSAGE] };
  }
  const { sender: organisation, ...about } = rules;
  const bundle = openBundle(parsed.event, {
    ...{ ...about, organisation, keys },
    ...(found !== undefined && { found }),
    ...(request !== undefined && { request }),
    ...(subject !== undefined && { subject }),
  });
  if (!bundle.ok) return bundle;
  const { items, kept, wanted } = bundle.event;
  const isBundle = request === undefined && resourceType === 'Bundle';
  return {
    ok: true,
    event: {
      items: items.map(({ judge, sent, ...item }) => {
        const reading = ready(judge());
        const text = sent === undefined ? {} : { sent: jsonWithDigits(sent) };
        return { ...item, ...text, reading, mayDeny: item.mayDeny && !reading.ok };
      }),
      ...{ kept, wanted },
      ...(isBundle && { bundle: { type: String(type), size: Array.isArray(entry) ? size : 0, ...headerOf(parsed.event) } }),
    },
  };
}

const NO_MESSAGE = problem(
  'Bundle.type',
  'unsupported',
  'must be a message: a Bundle of that type whose first entry is a MessageHeader',
);

function headerOf(bundle: unknown): Pick<BundleSent, 'header'> {
  const header = messageHeaderOf(bundle);
  if (header === undefined) return {};
  return {
    header: Object.fromEntries(
      ['id', 'eventCoding', 'eventUri'].flatMap((name) => (name in header ? [[name, header[name]]] : [])),
    ),
  };
}

function judgeBatch({ bytes, entriesMax, rules, found = new Map() }: Many): Reading<JudgedMany> {
  const batch = readCloudEventBatch(bytes);
  if (!batch.ok) return batch;
  const over = tooMany(batch.event.length, entriesMax);
  if (over !== null) return { ok: false, problems: [over] };
  const before = { found, wanted: new Set<string>() };
  const items = batch.event.map(({ reading, bytes: own }, entry) => judgeReceived(reading, own, entry, { rules, before }));
  return { ok: true, event: { items, kept: [], wanted: [...before.wanted] } };
}

function judgeReceived(
  received: Reading<ReceivedEvent>,
  bytes: Uint8Array,
  entry: number,
  { rules, before }: { readonly rules: JudgeRules; readonly before: Before },
): JudgedOne {
  if (!received.ok) return { entry, reading: received, isDecision: false, mayDeny: mayNameDecision(bytes) };
  const { attributes, data } = received.event;
  const { type, subject } = attributes;
  const reading = ready(acceptWithKept(received.event, rules, before));
  const isDecision = type === DECISION_TYPE;
  const mayBeOne = (): boolean => (data.ok ? mayHoldDecision(data.event) : mayNameDecision(received.event.bytes));
  return {
    ...{ entry, reading, isDecision, mayDeny: !reading.ok && (isDecision || mayBeOne()) },
    subject: typeof subject === 'string' ? subject : undefined,
  };
}

function tooMany(count: number, max: number): Problem | null {
  if (count <= max) return null;
  return problem('body', 'too-large', `holds ${count} entries, above the limit of ${max}; send it in several parts`);
}

function ready(reading: Reading<AcceptedEvent>): Reading<ReadyEvent> {
  if (!reading.ok) return reading;
  const { resource, bytes = new TextEncoder().encode(jsonWithDigits(resource)), ...rest } = reading.event;
  return { ok: true, event: { ...rest, bytes, digest: rest.sentDigest ?? contentDigest(reading.event) } };
}
