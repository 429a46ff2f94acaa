import { DEFAULT_RULES, PROJECTIONS, type CareEvent, type Policy, type Resource } from '@weft/domain';
import {
  careEventsTopic,
  isAllPublished,
  PolicyBook,
  RecordCareEvents,
  regionTopics,
  startPublisher,
  type Wiring,
} from '@weft/processing';
import { eventMessage, Prng, simReader, World, type Ports } from '@weft/testing';
import { MARKS, type Mark } from './marks.js';

export const ATTACKER = 'RX901';
const ORGANISATIONS = [
  { ods: ATTACKER, name: 'Trust', kind: 'acute' },
  { ods: 'Y90001', name: 'Practice', kind: 'gp' },
] as const;
const POLICY: Policy = { name: 'attack', rules: DEFAULT_RULES, organisations: { [ATTACKER]: 'acute', Y90001: 'gp' } };
export const markedId = (nth: number): string => `m${nth}`;
const STARTS_AT = Date.UTC(2026, 0, 15);
const BATCH = 200;
/** More events than one round of publishing has. */
const MILLION = 1_000_000;

export interface Victim {
  readonly nhsNumber: string;
  readonly mark: Mark;
  readonly nth: number;
}

export interface AttackedRegion {
  readonly wiring: Wiring;
  /** NHS numbers of everybody. */
  readonly people: readonly string[];
  readonly victims: readonly Victim[];
}

export interface RegionOptions {
  readonly seed: number;
  /** People of whom nothing unusual is recorded: what is ordinary hides in what they have. */
  readonly people: number;
  /** People for each mark. */
  readonly victims: number;
  /** Resources of real people, by NHS number: more to hide in, and more to be told. */
  readonly samples?: ReadonlyMap<string, readonly Resource[]>;
}

/** A region in which an organisation has marked people whom it knows, by the code that runs in production. */
export async function attackedRegion({
  seed,
  people,
  victims: perMark,
  samples = new Map(),
}: RegionOptions): Promise<AttackedRegion> {
  const world = new World({ seed, startsAt: STARTS_AT });
  const wiring = wired(world.directly());
  await wiring.bus.createTopics(regionTopics(ORGANISATIONS, 2));
  await wiring.policies.adopt(POLICY);
  world.process('publisher', async (ports) => void startPublisher(wired(ports), () => true));
  const prng = new Prng(seed, 7);
  const numbers = Array.from({ length: people + MARKS.length * perMark }, (_, nth) => String(9_990_000_000 + nth));
  const victims = MARKS.flatMap((mark, at) =>
    Array.from({ length: perMark }, (_, nth): Victim => ({
      nhsNumber: numbers[at * perMark + nth] as string,
      mark,
      nth: at * perMark + nth,
    })),
  );
  const events: CareEvent[] = [];
  let count = 0;
  const published = (nhsNumber: string, resource: Resource, organisation = ATTACKER): void => {
    count += 1;
    const about = { id: `e${count}`, source: `urn:ods:${organisation}`, organisation, subject: nhsNumber };
    events.push({ ...about, type: 'care-event-recorded-1', time: '2026-01-14T09:00:00Z', resource });
  };
  for (const nhsNumber of numbers) for (const resource of ordinary(prng, nhsNumber)) published(nhsNumber, resource);
  for (const [nhsNumber, resources] of samples) for (const resource of resources) published(nhsNumber, resource, 'Y90001');
  const told = async (offset: number): Promise<void> => {
    await record(wiring, events.splice(0), offset);
    await untilPublished(world, wiring);
  };
  await told(0);
  // A version at a time, as an organisation that counts would publish them.
  for (let version = 1, left = victims; left.length > 0; version += 1) {
    for (const { nhsNumber, mark, nth } of left) {
      published(nhsNumber, { ...mark.resource(markedId(nth), nth), meta: { versionId: String(version) } });
    }
    await told(version * MILLION);
    left = left.filter(({ mark, nth }) => (mark.versions?.(nth) ?? 1) > version);
  }
  return { wiring, people: [...numbers, ...samples.keys()], victims };
}

function wired(ports: Ports): Wiring {
  const policies = new PolicyBook(ports.store, ports.clock, ports.random);
  return { ...ports, reader: simReader, projections: PROJECTIONS, policies };
}

/** Lets the publisher work until subscribers are told everything; meanwhile nothing comes in, so that a seed decides what they are told. */
async function untilPublished(world: World, { store }: Wiring): Promise<void> {
  const stop = world.runInRealTime();
  while (!(await isAllPublished(store))) await new Promise((resolve) => setImmediate(resolve));
  stop();
}

async function record(wiring: Wiring, events: readonly CareEvent[], offset: number): Promise<void> {
  const projector = new RecordCareEvents(wiring);
  for (let from = 0; from < events.length; from += BATCH) {
    const messages = events.slice(from, from + BATCH).map((event, nth) => ({
      ...eventMessage(careEventsTopic(event.organisation), event.subject, event),
      ...{ partition: 0, offset: offset + from + nth, timestamp: wiring.clock.now() },
    }));
    for (const { ods } of ORGANISATIONS) {
      const own = messages.filter(({ topic }) => topic === careEventsTopic(ods));
      if (own.length > 0) await projector.handle({ messages: own });
    }
  }
}

const UCUM = 'http://unitsofmeasure.org';

/**
 * What a region has of everybody: weights, some of them out of the common run, some without a unit or in words; diagnoses, some in local
 * codes; people of all ages, some with an old address.
 */
function ordinary(prng: Prng, nhsNumber: string): Resource[] {
  const about = (resourceType: string, name: string) => ({ resourceType, id: `${nhsNumber}-${name}` });
  const value = prng.chance(0.08) ? prng.pick([0.4, 163, 181, 212]) : prng.between(60, 80) + prng.fraction();
  const weighed = prng.chance(0.1)
    ? { valueString: 'not weighed' }
    : { valueQuantity: { value, system: UCUM, code: 'kg', ...(prng.chance(0.3) && { comparator: '<' }) } };
  const code = prng.chance(0.2)
    ? { system: 'urn:local', code: `l${prng.below(900)}` }
    : { system: 'http://snomed.info/sct', code: '44054006' };
  const when = prng.chance(0.1) ? `${prng.between(1_940, 1_989)}-01-01` : `2024-05-${prng.between(10, 28)}`;
  const year = prng.chance(0.15) ? prng.between(1_915, 1_936) : prng.chance(0.3) ? 1_970 : prng.between(1_937, 2_025);
  return [
    {
      ...about('Patient', 'p'),
      gender: 'female',
      birthDate: `${year}-01-01`,
      ...(prng.chance(0.5) && { address: [{ use: 'old', postalCode: 'LS1 4AP' }] }),
    },
    {
      ...about('Observation', 'w'),
      status: 'final',
      code: { coding: [{ system: 'http://loinc.org', code: '29463-7' }] },
      effectiveDateTime: when,
      ...weighed,
    },
    {
      ...about('Observation', 'i'),
      status: 'final',
      code: { coding: [{ system: 'http://loinc.org', code: '29463-7' }] },
      effectiveDateTime: '2024-05',
      valueString: 'declined',
    },
    {
      ...about('Observation', 'v'),
      status: 'final',
      code: { coding: [{ system: 'http://loinc.org', code: '29463-7' }] },
      effectiveDateTime: '2024-05',
      encounter: { reference: `Encounter/${nhsNumber}-e` },
      valueQuantity: { value: prng.between(70, 72), system: UCUM, code: 'kg' },
    },
    {
      ...about('Observation', 'l'),
      status: 'final',
      code: { coding: [{ system: 'urn:local', code: `l${prng.below(900)}` }] },
      effectiveDateTime: '2024-05',
      valueQuantity: { value: prng.between(70, 72), system: UCUM, code: 'kg' },
    },
    {
      ...about('Condition', 'c'),
      clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] },
      code: { coding: [code] },
      recordedDate: '2024-05-06',
    },
  ];
}
