import fc from 'fast-check';
import {
  intervalOf,
  judge,
  occurredAt,
  PURPOSES,
  Surroundings,
  type CareEvent,
  type Decision,
  type JudgedEntry,
  type Policy,
} from '@weft/domain';
import {
  CareEventGenerator,
  DecisionGenerator,
  focus,
  Prng,
  RATES,
  simReader,
  smallRegion,
  WIDE,
  withDocuments,
  type Focus,
} from '@weft/testing';
import { boundariesIn, judgeOf } from './src/naive-decisions.js';
import { idOf, tellsDeath, type Facts } from './src/naive-limits.js';
import { documentsOf } from './src/naive-replaced.js';

/** The same people each time, so that a change is to blame where they are judged otherwise. A failure says by which `seed` it is found again. */
const PEOPLE = Number(process.env['WEFT_JUDGED_PEOPLE'] ?? 1_000);
const SEED = Number(process.env['WEFT_JUDGED_SEED'] ?? 1);
const START = Date.UTC(2026, 5, 15, 12);
const MESSAGES_MAX = 8;
const ENTRIES = 6;
/** Documents of one organisation alone, so that many replace each other. */
const DOCUMENTS = 12;
const NOTHING_RARE = { ...RATES, duplicate: 0, retraction: 0, merge: 0, poison: 0, oversized: 0, flip: 0, conflict: 0, moved: 0 };

interface Person {
  readonly policy: Policy;
  readonly decisions: readonly Decision[];
  readonly record: readonly Facts[];
}

/** One authority, few recorders, hardly any limits: what replaces what. */
function narrow(prng: Prng): Focus {
  const authorities = [prng.chance(0.6) ? 'explicit-consent' : prng.pick(WIDE.authorities)] as const;
  const recorders = prng.pick([['governance', 'organisation'], ['organisation'], WIDE.recorders] as const);
  const [scoped, nested, vague] = [prng.pick([0, 0, 0.1]), prng.pick([0, 0, 0.3]), prng.pick([0, 0, 0.5])];
  return { ...WIDE, authorities, recorders, scoped, nested, vague, again: 0.85 };
}

function personOf(seed: number): Person {
  const prng = new Prng(seed);
  const whole = smallRegion(prng);
  const region = { ...whole, patients: whole.patients.slice(0, 1) };
  const kinds = prng.chance(0.7) ? narrow(prng) : focus(prng);
  const documents = new Prng(seed, 1);
  const hasDocuments = documents.chance(0.3);
  const about = hasDocuments ? withDocuments(kinds, documents) : kinds;
  const said = new DecisionGenerator(prng, region, NOTHING_RARE, about);
  const decisions: Decision[] = [];
  let now = START;
  for (let nth = prng.between(3, MESSAGES_MAX); nth > 0; nth -= 1) {
    now += prng.pick([0, 1_000, 60_000]);
    const reading = simReader.decision({ ...said.next(now), partition: 0, offset: nth, timestamp: now });
    const read = reading.ok ? reading.event.decisions : reading.unread === null ? [] : [reading.unread.decision];
    decisions.push(...read.map((one) => ({ ...one, recordedAt: '' })));
  }
  const record = new Map<string, Facts>();
  const organisations = hasDocuments ? region.organisations.slice(0, 1) : region.organisations;
  const publishers = organisations.map((one) => new CareEventGenerator(prng, region, one, NOTHING_RARE, about));
  for (let nth = 0; nth < (hasDocuments ? DOCUMENTS : ENTRIES); nth += 1) {
    const event = JSON.parse(Buffer.from(prng.pick(publishers).next(now).value ?? []).toString()) as CareEvent;
    record.set(idOf(event), event);
  }
  return { policy: whole.policy, decisions, record: [...record.values()] };
}

function judged(facts: Facts): JudgedEntry {
  const { organisation, resource } = facts;
  const { resourceType } = resource;
  const birthDate = resourceType === 'Patient' ? ((resource['birthDate'] as string | undefined) ?? null) : null;
  const judgedEntry = { id: idOf(facts), organisation, resourceType, occurredAt: occurredAt(resource), resource, birthDate };
  return tellsDeath(facts) ? { ...judgedEntry, ...deathOf(facts) } : judgedEntry;
}

/** When it was, as far as it is told: without a date, before it was told. */
function deathOf({ resource, time = '' }: Facts): Pick<JudgedEntry, 'occurredAt' | 'died'> {
  const date = resource['deceasedDateTime'];
  const told = { from: Date.parse(time), until: Date.parse(time) };
  return typeof date === 'string' ? { occurredAt: date, died: intervalOf(date) ?? told } : { occurredAt: null, died: told };
}

/** Where the core and the account of it that shares nothing with it differ about an entry, a purpose and an instant. */
function differencesOf({ policy, decisions, record }: Person, decided: (permitted: boolean) => unknown): string[] {
  const entries = record.map(judged);
  const around = new Surroundings(() => entries);
  const { inPlaceOf, isReplaced } = documentsOf(record, [], record);
  const last = decisions.at(-1)?.receivedAt ?? START;
  const instants = new Set([
    last,
    ...boundariesIn(decisions)
      .slice(0, 2)
      .flatMap((at) => [at - 1, at]),
  ]);
  return [...instants].flatMap((at) =>
    PURPOSES.flatMap((purpose) => {
      const core = judge(purpose, decisions, policy, at, around);
      const naive = judgeOf(purpose, decisions, policy, at, record, inPlaceOf);
      return entries.flatMap((entry, nth) => {
        const { rule, permitted, decision, replacedBy } = core(entry);
        if (decision !== null) decided(permitted);
        const facts = record[nth] as Facts;
        if ((replacedBy !== undefined) !== isReplaced(facts)) return [`${entry.id}: replaced by ${replacedBy}`];
        const should = naive(facts);
        const isSame = should === undefined ? !permitted && UNRULED.includes(rule) : rule === should.id;
        return isSame ? [] : `${entry.id} for ${purpose} at ${new Date(at).toISOString()}: ${rule}, should be ${should?.id}`;
      });
    }),
  );
}

/** With those alone of the decisions and entries that the difference takes. */
function least(person: Person): Person {
  const differs = (one: Person): boolean => differencesOf(one, () => undefined).length > 0;
  for (const part of ['decisions', 'record'] as const) {
    for (const without of person[part]) {
      const smaller = { ...person, [part]: person[part].filter((one) => one !== without) };
      if (differs(smaller)) return least(smaller);
    }
  }
  return person;
}

/** The person after each of their decisions. */
const growing = (person: Person): Person[] =>
  person.decisions.map((_, nth) => ({ ...person, decisions: person.decisions.slice(0, nth + 1) }));

const UNRULED: readonly string[] = ['no-rule', 'decision-not-read'];

describe(`${PEOPLE} people with decisions`, () => {
  it('are judged, for every entry, purpose and instant, as a second account of what decisions say judges them', () => {
    let [opened, closed] = [0, 0];
    const noted = (permitted: boolean): unknown => (permitted ? (opened += 1) : (closed += 1));
    fc.assert(
      fc.property(fc.noShrink(fc.nat()), (seed) => {
        const wrong = growing(personOf(seed)).find((person) => differencesOf(person, noted).length > 0);
        if (wrong === undefined) return;
        const small = least(wrong);
        const differences = differencesOf(small, noted).join('\n');
        throw new Error(`${differences}\n${JSON.stringify(small, null, 1)}`);
      }),
      { numRuns: PEOPLE, seed: SEED },
    );
    expect(Math.min(opened, closed)).toBeGreaterThan(PEOPLE / 2);
  }, 600_000);
});
