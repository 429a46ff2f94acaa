import { DECISION_TYPE } from '@weft/domain';
import type { Organisation, Policy, Problem, Recorder } from '@weft/domain';
import type { Reading } from '@weft/processing';
import { acceptEvent } from './accept-event.js';
import type { AcceptedEvent } from './accept-event.js';
import { openBundle } from './bundle.js';
import { readCloudEventBatch } from './cloud-event.js';
import type { ReceivedEvent } from './cloud-event.js';
import { readJson } from './json.js';
import { problem } from './problems.js';

/** What a judgement needs to know, as data that may go to another thread. */
export interface JudgeRules {
  readonly organisations: ReadonlyMap<string, Organisation>;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The ODS code of whoever publishes. */
  readonly sender: string;
  readonly recorder: Recorder;
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
}

/** An event to be published as it came: what was read of its resource has done its work. */
export type ReadyEvent = Omit<AcceptedEvent, 'resource' | 'bytes'> & { readonly bytes: Uint8Array };

export interface JudgedOne {
  /** Index in the Bundle or batch. */
  readonly entry: number;
  readonly reading: Reading<ReadyEvent>;
  /** NHS number of whom it is about, where that can be told. */
  readonly subject?: string | undefined;
  /** Whether it is a decision about sharing. */
  readonly isDecision: boolean;
}

/** Each event judged by itself; refused as a whole only where it cannot be told apart. `newId` is for decisions of a Bundle. Never throws. */
export function judgeMany(many: Many, newId: () => string): Reading<JudgedOne[]> {
  return many.kind === 'bundle' ? judgeBundle(many, newId) : judgeBatch(many);
}

function judgeBundle({ bytes, limitBytes, entriesMax, rules }: Many, newId: () => string): Reading<JudgedOne[]> {
  const parsed = readJson(bytes, 'body', limitBytes);
  if (!parsed.ok) return parsed;
  const { entry } = (parsed.event ?? {}) as { readonly entry?: unknown };
  const over = tooMany(Array.isArray(entry) ? entry.length : 1, entriesMax);
  if (over !== null) return { ok: false, problems: [over] };
  const { sender: organisation, ...about } = rules;
  const bundle = openBundle(parsed.event, { ...about, organisation, newId });
  if (!bundle.ok) return bundle;
  return {
    ok: true,
    event: bundle.event.map(({ judge, ...item }) => ({ ...item, reading: ready(judge()) })),
  };
}

function judgeBatch({ bytes, entriesMax, rules }: Many): Reading<JudgedOne[]> {
  const batch = readCloudEventBatch(bytes);
  if (!batch.ok) return batch;
  const over = tooMany(batch.event.length, entriesMax);
  if (over !== null) return { ok: false, problems: [over] };
  return { ok: true, event: batch.event.map((received, entry) => judgeReceived(received, entry, rules)) };
}

function judgeReceived(received: Reading<ReceivedEvent>, entry: number, rules: JudgeRules): JudgedOne {
  if (!received.ok) return { entry, reading: received, isDecision: false };
  const { type, subject } = received.event.attributes;
  return {
    entry,
    reading: ready(acceptEvent(received.event, rules)),
    subject: typeof subject === 'string' ? subject : undefined,
    isDecision: type === DECISION_TYPE,
  };
}

function tooMany(count: number, max: number): Problem | null {
  if (count <= max) return null;
  return problem('body', 'too-large', `holds ${count} entries, above the limit of ${max}; send it in several parts`);
}

function ready(reading: Reading<AcceptedEvent>): Reading<ReadyEvent> {
  if (!reading.ok) return reading;
  const { resource, bytes = new TextEncoder().encode(JSON.stringify(resource)), ...rest } = reading.event;
  return { ok: true, event: { ...rest, bytes } };
}
