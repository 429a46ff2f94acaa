import type { Decision, Policy, Projection, RecordedCareEvent, ViewEntry } from '@weft/domain';
import { occurredAt } from '@weft/domain';
import { judgeOf } from './naive-decisions.js';
import { idOf } from './naive-limits.js';

/**
 * What a record, a decision and a policy come to, said once more and as simply as can be: no state, no shortcuts, nothing
 * shared with the core but how a purpose words an entry. Where the two differ one of them is wrong.
 */

export interface Naming {
  readonly patient: string;
  of(text: string): string;
}

/** Of each entry the event that stands, from all events in the order in which they were accepted. */
function standing(events: readonly RecordedCareEvent[]): Map<string, RecordedCareEvent> {
  const taken = new Map<string, RecordedCareEvent[]>();
  const seen = new Set<string>();
  for (const event of events) {
    const name = `${event.source} ${event.id} ${said(event)}`;
    if (seen.has(name) || event.type.startsWith('patient-merged') || event.type.startsWith('patient-unmerged')) continue;
    seen.add(name);
    const before = taken.get(idOf(event)) ?? [];
    const last = before.at(-1);
    if (last === undefined || (said(last) !== said(event) && !isOlder(event, before))) taken.set(idOf(event), [...before, event]);
  }
  return new Map([...taken].map(([id, list]) => [id, list.at(-1) as RecordedCareEvent]));
}

/** What an event says, when and by which message aside. */
export const said = ({ type, resource }: Pick<RecordedCareEvent, 'type' | 'resource'>): string =>
  JSON.stringify([type, resource]);

const isRetraction = (event: RecordedCareEvent): boolean => event.type === 'care-event-retracted-1';
const numbered = ({ resource }: RecordedCareEvent): number => Number(resource.meta?.versionId ?? Number.NaN);
const dated = ({ resource }: RecordedCareEvent): number => Date.parse(resource.meta?.lastUpdated ?? '');

/** Whether it is older than what those before it that stood for a while last said of their ages, or is one of them come back. */
function isOlder(next: RecordedCareEvent, before: readonly RecordedCareEvent[]): boolean {
  const signs = [numbered, dated].map((age) => {
    const known = before.map(age).findLast((one) => !Number.isNaN(one)) ?? Number.NaN;
    return Math.sign(age(next) - known);
  });
  const telling = signs.find((sign) => sign === 1 || sign === -1);
  if (telling !== undefined) return telling === -1;
  const last = before.at(-1) as RecordedCareEvent;
  const isOver = isGone(last) || (Number.isNaN(numbered(last)) && Number.isNaN(dated(last)));
  return isOver && signs.includes(0);
}

/** Entries that are no more, whatever anybody decided. */
export function goneFrom(events: readonly RecordedCareEvent[]): string[] {
  return [...standing(events)].filter(([, event]) => isGone(event)).map(([id]) => id);
}

function isGone(event: RecordedCareEvent): boolean {
  const { status, verificationStatus } = event.resource as {
    status?: string;
    verificationStatus?: { coding: { code: string }[] };
  };
  const wrong = 'entered-in-error';
  return isRetraction(event) || status === wrong || verificationStatus?.coding.some(({ code }) => code === wrong) === true;
}

/** What there is to be seen of a record: entries that stand and are not gone. */
export function presentIn(events: readonly RecordedCareEvent[]): RecordedCareEvent[] {
  return [...standing(events).values()].filter((event) => !isGone(event));
}

/** The view of a purpose, from events, decisions and policy and nothing else. */
export function viewOf(
  events: readonly RecordedCareEvent[],
  decisions: readonly Decision[],
  policy: Policy,
  at: number,
  projection: Projection,
  naming: Naming,
): { readonly entries: Map<string, ViewEntry>; readonly withheld: number; readonly unsaid: number | undefined } {
  const entries = new Map<string, ViewEntry>();
  const silent = policy.rules.filter(({ authority }) => authority !== undefined && policy.notices?.silent?.includes(authority));
  let withheld = 0;
  let unsaid = 0;
  const present = presentIn(events);
  const ruleOf = judgeOf(projection.purpose, decisions, policy, at, present);
  for (const event of present) {
    const { organisation, resource, recordedAt } = event;
    if (!projection.sees(resource)) continue;
    const rule = ruleOf(event);
    if (rule?.effect === 'permit') {
      const { resourceType } = resource;
      const id = idOf(event);
      const rank = { eventTime: Date.parse(event.time) };
      const entry = { id, organisation, resourceType, occurredAt: occurredAt(resource), recordedAt, resource, rank };
      entries.set(projection.entryId(id, naming), projection.project(entry, naming));
      continue;
    }
    withheld += 1;
    if (rule !== undefined && silent.includes(rule)) unsaid += 1;
  }
  return { entries, withheld, unsaid: silent.length === 0 ? undefined : unsaid };
}
