import type { Person } from '@weft/domain';
import {
  decodeReIdentification,
  encode,
  type ReIdentificationEvent,
  type ReIdentificationProposed,
  type ReIdentificationStep,
} from './encoding.js';
import { eventsOf } from './number.js';
import { NO_STREAM } from './ports.js';
import { RE_IDENTIFICATIONS_STREAM } from './streams.js';
import { timestamp, type Wiring } from './wiring.js';
import { unlessFenced } from './append.js';

const HOUR_MS = 3_600_000;
/** So long a proposal waits for a second person. */
const WAITS_MS = 7 * 24 * HOUR_MS;
/** And what was authorised for its disclosure: whom a pseudonym names is searched for among everybody, which takes its time. */
const STANDS_MS = { 'nhs-number': HOUR_MS, pseudonym: 24 * HOUR_MS };

/** Why somebody asks whom a pseudonym names, or what a person is called, and what became of that. Says nothing of who it is. */
export interface ReIdentification extends Omit<ReIdentificationProposed, 'type' | 'mark' | 'by' | 'at'> {
  readonly state: 'waiting' | 'authorised' | 'disclosed' | 'expired';
  readonly proposedBy: Person;
  readonly proposedAt: string;
  readonly authorisedBy: Person | null;
  readonly authorisedAt: string | null;
  readonly disclosedTo: Person | null;
  readonly disclosedAt: string | null;
  /** When what still waits expires. */
  readonly expiresAt: string | null;
}

/** Why a re-identification may not go on. */
export class NotReIdentified extends Error {
  override readonly name = 'NotReIdentified';
  constructor(
    readonly why:
      'unknown' | 'other-subject' | 'same-person' | 'waiting' | 'authorised' | 'neither-of-two' | 'disclosed' | 'expired',
  ) {
    super(`the re-identification may not go on: ${why}`);
  }
}

export interface ReIdentificationAsked extends Pick<ReIdentificationProposed, 'id' | 'purpose' | 'known' | 'reason' | 'by'> {
  /** The NHS number or the pseudonym. */
  readonly subject: string;
}

/** Every one that was proposed, the first one first. */
export async function reIdentifications(wiring: Pick<Wiring, 'store' | 'clock'>): Promise<ReIdentification[]> {
  const { all } = await load(wiring);
  return [...all.values()].map((one) => stateOf(one, wiring.clock.now()));
}

/** Null where there is no such one. */
export async function reIdentification(wiring: Pick<Wiring, 'store' | 'clock'>, id: string): Promise<ReIdentification | null> {
  const one = (await load(wiring)).all.get(id);
  return one === undefined ? null : stateOf(one, wiring.clock.now());
}

/** It waits for a second person. Of its subject only a keyed mark is kept: who goes on with it has to name them. */
export async function proposeReIdentification(
  wiring: Wiring,
  { subject, ...asked }: ReIdentificationAsked,
): Promise<ReIdentification> {
  const mark = markOf(wiring, asked.id, subject);
  await next(wiring, asked.id, () => ({ type: 're-identification-proposed-1', ...asked, mark, at: timestamp(wiring.clock) }));
  return (await reIdentification(wiring, asked.id)) as ReIdentification;
}

/** On the word of a second person, who names the same subject. Throws NotReIdentified. */
export async function authoriseReIdentification(
  wiring: Wiring,
  id: string,
  subject: string,
  by: Person,
): Promise<ReIdentification> {
  await next(wiring, id, (found) => {
    const { state, proposedBy, authorisedBy } = asMeant(wiring, found, subject);
    if (proposedBy.subject === by.subject) throw new NotReIdentified('same-person');
    // Who lost the answer asks again.
    if (state === 'authorised' && authorisedBy?.subject === by.subject) return null;
    if (state !== 'waiting') throw new NotReIdentified(state);
    return { type: 're-identification-authorised-1', id, by, at: timestamp(wiring.clock) };
  });
  return (await reIdentification(wiring, id)) as ReIdentification;
}

/** Whether either of the two may be told now what they asked for. Throws NotReIdentified. */
export async function mayBeDisclosed(wiring: Wiring, id: string, subject: string, to: Person): Promise<ReIdentification> {
  return disclosable(wiring, (await load(wiring)).all.get(id), subject, to);
}

/** Takes the one disclosure: who comes after is refused. Throws NotReIdentified. */
export async function takeDisclosure(wiring: Wiring, id: string, subject: string, to: Person): Promise<ReIdentification> {
  await next(wiring, id, (found) => {
    disclosable(wiring, found, subject, to);
    return { type: 're-identification-disclosed-1', id, by: to, at: timestamp(wiring.clock) };
  });
  return (await reIdentification(wiring, id)) as ReIdentification;
}

function disclosable(wiring: Wiring, found: Steps | undefined, subject: string, to: Person): ReIdentification {
  const known = asMeant(wiring, found, subject);
  const { state, proposedBy, authorisedBy } = known;
  if (state !== 'authorised') throw new NotReIdentified(state);
  if (![proposedBy, authorisedBy].some((one) => one?.subject === to.subject)) throw new NotReIdentified('neither-of-two');
  return known;
}

function asMeant(wiring: Wiring, found: Steps | undefined, subject: string): ReIdentification {
  if (found === undefined) throw new NotReIdentified('unknown');
  if (found.proposed.mark !== markOf(wiring, found.proposed.id, subject)) throw new NotReIdentified('other-subject');
  return stateOf(found, wiring.clock.now());
}

/** Another one for each proposal: two about one person have nothing in common. */
const markOf = ({ keys }: Pick<Wiring, 'keys'>, id: string, subject: string): string =>
  keys.uuid('re-identification', id, subject);

interface Steps {
  readonly proposed: ReIdentificationProposed;
  readonly authorised?: ReIdentificationStep;
  readonly disclosed?: ReIdentificationStep;
}

async function load({ store }: Pick<Wiring, 'store'>): Promise<{ readonly all: Map<string, Steps>; readonly revision: number }> {
  const all = new Map<string, Steps>();
  let revision = NO_STREAM;
  for await (const page of eventsOf(store, RE_IDENTIFICATIONS_STREAM)) {
    for (const stored of page) {
      take(all, decodeReIdentification(stored));
      revision = stored.revision;
    }
  }
  return { all, revision };
}

function take(all: Map<string, Steps>, event: ReIdentificationEvent): void {
  if (event.type === 're-identification-proposed-1') return void all.set(event.id, { proposed: event });
  const before = all.get(event.id);
  if (before === undefined) return;
  all.set(event.id, { ...before, [event.type === 're-identification-authorised-1' ? 'authorised' : 'disclosed']: event });
}

/** Appends what is decided of one, on all that was decided before; null decides nothing. */
async function next(
  wiring: Wiring,
  id: string,
  decide: (found: Steps | undefined) => ReIdentificationEvent | null,
): Promise<void> {
  for (let isWritten = false; !isWritten;) {
    const { all, revision } = await load(wiring);
    const event = decide(all.get(id));
    if (event === null) return;
    const append = wiring.store.append(RE_IDENTIFICATIONS_STREAM, revision, [encode(event, wiring.random)]);
    isWritten = (await unlessFenced(append)) !== null;
  }
}

function stateOf({ proposed, authorised, disclosed }: Steps, now: number): ReIdentification {
  const { type: _, mark: __, by, at, ...asked } = proposed;
  const end = authorised === undefined ? Date.parse(at) + WAITS_MS : Date.parse(authorised.at) + STANDS_MS[asked.known];
  const waits = authorised === undefined ? 'waiting' : 'authorised';
  return {
    ...asked,
    state: disclosed !== undefined ? 'disclosed' : now < end ? waits : 'expired',
    proposedBy: by,
    proposedAt: at,
    authorisedBy: authorised?.by ?? null,
    authorisedAt: authorised?.at ?? null,
    disclosedTo: disclosed?.by ?? null,
    disclosedAt: disclosed?.at ?? null,
    expiresAt: disclosed === undefined ? new Date(end).toISOString() : null,
  };
}
