import {
  heldOf,
  holdsAt,
  inForce,
  isHeldBack,
  isPresent,
  outcomeOf,
  refuse,
  refusesUnasked,
  Withheld,
  type AdoptedPolicy,
  type Basis,
  type Closing,
  type Entry,
  type Policy,
  type PresentEntry,
  type Projection,
} from '@weft/domain';
import { decodeViewEvent, type RecordedDecision } from './encoding.js';
import { pseudonymsOf, reachOthers, rulingsAt, surroundingsOf, type Rulings } from './judges.js';
import { sameEntry, tookIn, type Untold } from './rebuild-views.js';
import { loadPerson, survivorOf, type Person } from './load.js';
import { isBehind, isLongTail } from './patient-state.js';
import type { RecordChange } from './record-changes.js';
import { viewStream } from './streams.js';
import type { Wiring } from './wiring.js';
import { appendChanges, appendRebuilt, unlessFenced } from './write-view.js';

interface Head {
  readonly projection: Projection;
  readonly stream: string;
  readonly viewKey: string;
  readonly revision: number;
  readonly closing: Closing;
}

export interface Shifted {
  readonly changes: RecordChange[];
  /** Views that must be read and compared: behind the record, of an older policy, half written, merged, fenced off, or taken there by another. */
  readonly left: readonly Projection[];
}

/**
 * Brings views from the decisions that they were built under to those that stand now, without reading them: what a view
 * holds follows from its basis, so the same record judged under the old decisions and under the new says what changes.
 * A view that nothing changes in costs one small event, however long it is.
 */
export async function shiftViews(wiring: Wiring, untold: Untold, projections: readonly Projection[]): Promise<Shifted> {
  const { key } = untold;
  const survivor = (await survivorOf(wiring.store, key)).key;
  const heads = await Promise.all(projections.map((projection) => readHead(wiring, projection, survivor)));
  const person = await loadPerson(wiring.store, survivor);
  if (person === null) return { changes: [], left: projections };
  const adopted = await wiring.policies.current();
  const now = wiring.clock.now();
  const shiftIfItFollows = async (head: Head | null): Promise<RecordChange[] | null> => {
    if (
      head === null ||
      tookIn(head.closing.basis.consentRevisions, person, untold) ||
      !followsFromBasis(head, person, adopted, now)
    )
      return null;
    return unlessFenced(shift(wiring, head, person, adopted, now));
  };
  const shifted = await Promise.all(heads.map(shiftIfItFollows));
  return {
    changes: shifted.flatMap((changes) => changes ?? []),
    left: projections.filter((_, index) => shifted[index] === null),
  };
}

async function readHead(wiring: Wiring, projection: Projection, patientKey: string): Promise<Head | null> {
  const viewKey = wiring.keys.view(projection.purpose, patientKey);
  const stream = viewStream(projection, viewKey);
  const last = (await wiring.store.read(stream, { backwards: true, maxCount: 1 }))[0];
  const closing = last === undefined ? undefined : decodeViewEvent(last).closing;
  return last === undefined || closing === undefined ? null : { projection, stream, viewKey, revision: last.revision, closing };
}

function followsFromBasis({ projection, closing }: Head, person: Person, adopted: AdoptedPolicy, now: number): boolean {
  const { recordRevisions, policyVersion, identityRevision, span } = closing.basis;
  if (person.members.length !== 1 || recordRevisions.length !== 1 || isLongTail(closing.tail, person.record)) return false;
  if (policyVersion !== adopted.version || identityRevision !== person.identityRevision || !holdsAt(span, now)) return false;
  // What the view holds back, or has masked, may rest on an event that is of no concern to it.
  const mayRest =
    reachOthers(person.decisions) || knownTo(closing, person).length > 0 || refusesUnasked(adopted.policy, projection.purpose);
  if (mayRest && recordRevisions[0] !== person.record.revision) return false;
  return !isBehind(recordRevisions[0] as number, person.record, projection);
}

/** The decisions that a view was built under. */
const knownTo = ({ basis }: Closing, { decisions }: Person): readonly RecordedDecision[] =>
  decisions.slice(0, (basis.consentRevisions[0] as number) + 1);

async function shift(wiring: Wiring, head: Head, person: Person, adopted: AdoptedPolicy, now: number): Promise<RecordChange[]> {
  const { projection, stream, viewKey, closing } = head;
  const pseudonyms = pseudonymsOf(wiring.keys, projection, person.key, person.person);
  const known = knownTo(closing, person);
  const { entries } = person.record;
  const rulings = rulingsAt(now, person.decisions, adopted, entries);
  const before = rulingsAt(now, known, adopted, entries);
  const { appeared, stayed, disappeared, absent, included, held, ...withheld } = outcomes(person, projection, before, rulings);
  const amended = stayed.filter((entry) => {
    const [was, is] = [withheld.before.masked(entry), withheld.after.masked(entry)];
    return was !== is && !sameEntry(projection.project(was, pseudonyms), projection.project(is, pseudonyms));
  });
  const { recordRevisions, consentRevisions, identityRevision } = person;
  const basis: Basis = {
    recordRevisions,
    consentRevisions,
    policyVersion: adopted.version,
    identityRevision,
    span: rulings.span,
  };
  const isSame = appeared.length === 0 && disappeared.length === 0 && amended.length === 0;
  const view = new Map<string, string>();
  if (!isSame) {
    for (const entry of included) {
      const seen = projection.project(withheld.after.masked(entry), pseudonyms);
      view.set(seen.id, JSON.stringify(seen));
    }
  }
  const revision = isSame
    ? await appendChanges(wiring.store, wiring.random, stream, head.revision, [{ type: 'view-confirmed-1' }], {
        ...{ basis, ...held },
        tail: closing.tail + 1,
      })
    : await appendRebuilt(wiring.store, wiring.random, stream, head.revision, view, basis, held);
  const about = { projection, viewKey, viewRevision: revision };
  // A rebuild in several parts may have been seen half done by whoever told of this view meanwhile: all of it is told again.
  const isToldAll = revision > head.revision + 1;
  const told = isToldAll ? included : [...appeared, ...amended];
  const isAmended = new Set(isToldAll ? [] : amended);
  // What is not in the view may still stand on the topic: who took it out of the view, whyever, may not have told yet.
  const withdrawn = standsAsBefore(person, known.length, projection, adopted.policy, now) ? disappeared : absent;
  return [
    ...withdrawn.map((entry): RecordChange => ({
      ...{ ...about, kind: 'withdrawn' },
      entryId: projection.entryId(entry.id, pseudonyms),
    })),
    ...told.map((entry): RecordChange => {
      const entryId = projection.entryId(entry.id, pseudonyms);
      return { ...about, entryId, kind: isAmended.has(entry) ? 'amended' : 'included', entry: view.get(entryId) as string };
    }),
  ];
}

/** Whether the decisions after the first so many change nothing of what is in force for a purpose. */
function standsAsBefore(
  { decisions, record }: Person,
  known: number,
  { purpose }: Projection,
  policy: Policy,
  now: number,
): boolean {
  const around = surroundingsOf(record.entries);
  const before = inForce(decisions.slice(0, known), purpose, policy, now, around).current;
  const after = inForce(decisions, purpose, policy, now, around).current;
  return before.length === after.length && after.every((decision, index) => decision === before[index]);
}

function outcomes(person: Person, projection: Projection, before: Rulings, after: Rulings) {
  const [judgeBefore, judgeAfter] = [before.of(projection), after.of(projection)];
  const result = {
    appeared: [] as PresentEntry[],
    stayed: [] as PresentEntry[],
    disappeared: [] as Entry[],
    absent: [] as Entry[],
    included: [] as PresentEntry[],
    before: new Withheld(),
    after: new Withheld(),
  };
  let [withheld, unsaid] = [0, 0];
  for (const entry of person.record.entries.values()) {
    const is = outcomeOf(entry, projection, judgeAfter, after.silent);
    const was = outcomeOf(entry, projection, judgeBefore, before.silent);
    refuse(result.before, entry, was);
    refuse(result.after, entry, is);
    if (!projection.concerns(entry.resourceType)) continue;
    if (isPresent(entry) && is === 'included') {
      result.included.push(entry);
      (was === 'included' ? result.stayed : result.appeared).push(entry);
    } else result.absent.push(entry);
    if (isHeldBack(is)) withheld += 1;
    if (is === 'unsaid') unsaid += 1;
    if (is !== 'included' && was === 'included') result.disappeared.push(entry);
  }
  return { ...result, held: heldOf(withheld, unsaid, after.silent) };
}
