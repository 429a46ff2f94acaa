import type { Decision, PersonKnown, Policy, Projection, RecordedCareEvent, ViewEntry } from '@weft/domain';
import { occurredAt } from '@weft/domain';
import { judgeOf } from './naive-decisions.js';
import { idOf, tellsDeath } from './naive-limits.js';
import { maskedBeside, type Refused } from './naive-masking.js';
import { documentsOf, type Documents } from './naive-replaced.js';
import { foundOnce } from './once.js';

/**
 * What a record, a decision and a policy come to, said once more and as simply as can be: no state, no shortcuts, nothing
 * shared with the core but how a purpose words an entry. Where the two differ one of them is wrong.
 */

export interface Naming {
  readonly patient: string;
  of(text: string): string;
  /** For individual care: who the person is, and what a Patient that is recorded of one of their numbers is linked to. */
  personOf?(number: string | undefined): PersonKnown;
}

/** An event with the number in whose record it is; of one that stands, whether its entry is somebody else's by now. */
type Kept = RecordedCareEvent & { readonly key?: string; readonly isAway?: boolean };

/**
 * Of each entry the event that stands, by what it is called: each number's entries are its own, and of one that a number before it has too
 * the other is called otherwise. The surviving number's events come last.
 */
const standing = foundOnce((events: readonly Kept[]): ReadonlyMap<string, Kept & { readonly called: string }> => {
  const numbers = [...new Set(events.map(({ key }) => key))].toReversed();
  const all = numbers.flatMap((number) => [...standingOf(events.filter(({ key }) => key === number))]);
  const named = new Map<string, Kept & { readonly called: string }>();
  for (const [id, event] of [...all.filter(([, { isAway }]) => !isAway), ...all.filter(([, { isAway }]) => isAway)]) {
    const called = named.has(id) ? `${id}~${event.key?.slice(0, 12)}` : id;
    named.set(called, { ...event, called });
  }
  return named;
});

/** The same of one number, from its events in the order in which they were accepted. */
function standingOf(events: readonly Kept[]): Map<string, Kept> {
  const about = new Map<string, Kept[]>();
  const deaths = new Map<string, Kept>();
  const seen = new Set<string>();
  for (const event of events) {
    const name = `${event.source} ${event.id}`;
    if (!isSaid(event) || seen.has(name) || event.type.startsWith('patient-merged') || event.type.startsWith('patient-unmerged'))
      continue;
    seen.add(name);
    if (event.type.startsWith('patient-d')) tellOfDeath(deaths, event);
    else about.set(idOf(event), [...(about.get(idOf(event)) ?? []), event]);
  }
  const away = awayIn(events);
  return new Map([...[...about].map(([id, list]) => [id, { ...lastTaken(list), isAway: away.has(id) }] as const), ...deaths]);
}

/** The entries of one number that are somebody else's, by the last word on each. */
export const awayIn = foundOnce((events: readonly object[]): ReadonlySet<string> => {
  const places = new Map<string, string>();
  for (const event of events as readonly { readonly type: string; readonly entry: string; readonly place: string }[])
    if (event.type === 'entry-placed-1') places.set(event.entry, event.place);
  return new Set([...places].flatMap(([entry, place]) => (place === 'away' ? [entry] : [])));
});

/** Whether it says something itself, and not where something is that was said. */
export const isSaid = ({ type }: { readonly type: string }): boolean => !/-(homed|claimed|placed)-/.test(type);

const lastTaken = (events: readonly Kept[]): Kept => takenOf(events).at(-1) as Kept;

/** Of the events about one entry those that were not set aside as earlier, or as one that is over. */
export function takenOf(events: readonly Kept[]): Kept[] {
  const taken: Kept[] = [];
  events.forEach((next, nth) => {
    const before = events.slice(0, nth);
    const last = taken.at(-1);
    if (before.some((one) => compared(next, one) === 'earlier')) return;
    if (last !== undefined && !isGone(last) && compared(next, last) === 'same') {
      if (isAged(next) && taken.some((one) => said(one) === said(next))) return;
    } else if (before.some((one) => compared(next, one) === 'same')) return;
    if (last === undefined || said(last) !== said(next)) taken.push(next);
  });
  return taken;
}

/** A death stands as it was told last, until whoever told it takes it back, or the demographics service everybody's. */
function tellOfDeath(deaths: Map<string, Kept>, event: Kept): void {
  const last = deaths.get(idOf(event));
  if (tellsDeath(event)) {
    if (last === undefined || said(last) !== said(event)) deaths.set(idOf(event), event);
    return;
  }
  for (const [id, death] of deaths) {
    if (event.takesBack === 'every-death' || death.organisation === event.organisation) deaths.set(id, event);
  }
}

const texts = new WeakMap<RecordedCareEvent['resource'], string>();

/** What an event says, when and by which message aside. Asked of each event at every step, so the text of a resource is kept. */
export function said({ type, resource }: Pick<RecordedCareEvent, 'type' | 'resource'>): string {
  const text = texts.get(resource) ?? JSON.stringify(resource);
  texts.set(resource, text);
  return `${type} ${text}`;
}

export const isOver = (event: Kept): boolean => isGone({ ...event, isAway: false });

const isRetraction = ({ type }: RecordedCareEvent): boolean =>
  type === 'care-event-retracted-1' || type === 'patient-death-retracted-1';
/** One that is no number is none: NaN is neither before nor after anything. */
const numbered = (event: RecordedCareEvent): number => ageOf(event)[0];
const dated = (event: RecordedCareEvent): number => ageOf(event)[1];

export const isAged = (event: RecordedCareEvent): boolean => !Number.isNaN(numbered(event)) || !Number.isNaN(dated(event));

/** By the numbers and the dates that both have. */
function compared(one: RecordedCareEvent, other: RecordedCareEvent): 'earlier' | 'same' | 'neither' {
  const signs = [numbered, dated].map((age) => Math.sign(age(one) - age(other))).filter((sign) => !Number.isNaN(sign));
  if (signs.length > 0 && signs.every((sign) => sign === 0)) return 'same';
  return signs.includes(-1) && !signs.includes(1) ? 'earlier' : 'neither';
}

/** Whether one is earlier by the number and by the date, as far as both have them. */
export function isBeforeByEach(one: Age, other: Age): boolean {
  const signs = one.map((age, nth) => Math.sign(age - (other[nth] as number))).filter((sign) => !Number.isNaN(sign));
  return signs.length > 0 && signs.every((sign) => sign === -1);
}

/** A number and a date, NaN where it says none. */
export type Age = readonly [number, number];
export const ageOf = ({ resource }: RecordedCareEvent): Age => ageIn(resource);

const ageIn = foundOnce(({ meta }: RecordedCareEvent['resource']): Age => [
  Number(meta?.versionId ?? Number.NaN),
  Date.parse(meta?.lastUpdated ?? ''),
]);

/** Entries that are no more, whatever anybody decided, or in whose place a newer document stands. */
export function goneFrom(events: readonly Kept[]): string[] {
  const { isReplaced } = documentsIn(events);
  return [...standing(events)].filter(([, event]) => isGone(event) || isReplaced(event)).map(([id]) => id);
}

/** Which documents stand in the place of which. */
export const documentsIn = foundOnce((events: readonly Kept[]): Documents => {
  const said = events.filter(isSaid);
  if (!said.some(({ resource }) => 'relatesTo' in resource)) return documentsOf([], [], []);
  const all = [...standing(events).values()];
  return documentsOf(
    all.filter((event) => !isGone(event)),
    all.filter(isGone),
    said,
  );
});

function isGone(event: Kept): boolean {
  if (event.isAway === true) return true;
  const { status, verificationStatus, lifecycleStatus, docStatus } = event.resource as {
    [state: string]: unknown;
    verificationStatus?: { coding: { code: string }[] };
  };
  const states = [status, lifecycleStatus, docStatus, verificationStatus?.coding.map(({ code }) => code)].flat();
  return isRetraction(event) || states.includes('entered-in-error');
}

/** What there is to be seen of a record: entries that stand and are not gone. */
export const presentIn = foundOnce((events: readonly Kept[]): readonly (Kept & { readonly called: string })[] =>
  [...standing(events).values()].filter((event) => !isGone(event)),
);

interface NaiveView {
  /** Ids of what the purpose is given, and what stands there of each. */
  readonly given: ReadonlyMap<string, Kept>;
  readonly withheld: number;
  readonly unsaid: number | undefined;
  /** What decides of each entry that the purpose looks at; nothing where no rule does. */
  readonly rules: ReadonlyMap<string, string | undefined>;
  readonly refused: readonly Refused[];
}

/** What becomes of each entry for a purpose, from events, decisions and policy and nothing else. */
export function judgedOf(
  events: readonly Kept[],
  decisions: readonly Decision[],
  policy: Policy,
  at: number,
  projection: Projection,
): NaiveView {
  const given = new Map<string, Kept>();
  const rules = new Map<string, string | undefined>();
  const silent = policy.rules.filter(({ authority }) => authority !== undefined && policy.notices?.silent?.includes(authority));
  let withheld = 0;
  let unsaid = 0;
  const present = presentIn(events);
  const { isReplaced, inPlaceOf } = documentsIn(events);
  const ruleOf = judgeOf(projection.purpose, decisions, policy, at, present, inPlaceOf);
  const refused = present.flatMap((entry) => {
    const rule = ruleOf(entry);
    return rule?.effect === 'permit' ? [] : [{ entry, silent: rule !== undefined && silent.includes(rule) }];
  });
  for (const event of present) {
    if (!projection.sees(event.resource)) continue;
    const rule = ruleOf(event);
    const id = idOf(event);
    const isPermitted = rule?.effect === 'permit';
    rules.set(id, isPermitted && isReplaced(event) ? 'replaced' : rule?.id);
    if (isReplaced(event)) continue;
    if (isPermitted) {
      given.set(id, event);
      continue;
    }
    withheld += 1;
    if (rule !== undefined && silent.includes(rule)) unsaid += 1;
  }
  return { given, withheld, unsaid: silent.length === 0 ? undefined : unsaid, rules, refused };
}

/** The view of a purpose with what it says of each entry, by the ids that the purpose has for them. */
export function viewOf(judged: NaiveView, projection: Projection, naming: Naming): Map<string, ViewEntry> {
  const entries = new Map<string, ViewEntry>();
  for (const [id, event] of judged.given) {
    const { organisation, resource, recordedAt } = event;
    const { resourceType } = resource;
    const eventTime = Date.parse(event.time);
    const when = tellsDeath(event) ? ((resource['deceasedDateTime'] as string | undefined) ?? null) : occurredAt(resource);
    const told = maskedBeside(event, judged.refused);
    const entry = { id, organisation, resourceType, occurredAt: when, recordedAt, resource: told, eventTime };
    const person = naming.personOf?.(event.key);
    const seen = projection.project(entry, { ...naming, ...(person !== undefined && { person }) });
    entries.set(projection.entryId(id, naming), seen);
  }
  return entries;
}
