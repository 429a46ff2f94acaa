import type { Prng } from '@weft/testing';
import { type Entry, isOfConcern, type Person, type Purpose, PURPOSES, seenIn } from './entries.js';
import { entryIdOf } from './fhir.js';
import type { While } from './oracle.js';
import type { Answer, Region } from './region.js';
import { nameOf, pause, type World } from './world.js';

/** Somebody who reads by every route there is, and is never shown what was forbidden before they asked. */
export async function keepReading(world: World, region: Region, draw: Prng): Promise<void> {
  while (world.isStormy) {
    const person = await personToLookAt(world, draw);
    const route = draw.pick(['record', 'record', 'everything', 'summary', 'explain'] as const);
    if (route === 'record') await readRecord(world, region, person, draw.pick(PURPOSES));
    else if (route === 'explain') await readExplanation(world, region, person);
    else await readFhir(world, region, person, route);
    await pause(draw.below(60));
  }
}

/** Mostly somebody about whom something has just begun, or was just answered as obeyed. */
async function personToLookAt(world: World, draw: Prng): Promise<Person> {
  if (draw.chance(0.3)) return draw.pick(world.people);
  const begun = draw.chance(0.5) ? await world.untilSomethingBegins(draw) : null;
  return begun ?? draw.pick(world.justDecided.length > 0 ? world.justDecided : world.people);
}

type Reading = { readonly answer: Answer; readonly during: While } | null;

/** Null where nobody answered. 404 is how a clinician is told of somebody of whom nothing may be shown. */
async function read(world: World, region: Region, path: string, role: 'clinician' | 'governance'): Promise<Reading> {
  const since = Date.now();
  const answer = await region.ask('record-api', path, { roles: [role], organisation: 'RX901' });
  if (answer === null || answer.status === 503) return null;
  if (answer.status !== 200 && answer.status !== 404) {
    world.violation(`a read was answered ${answer.status} ${answer.text.slice(0, 300)}`);
    return null;
  }
  world.counts.reads += 1;
  return { answer, during: { since, until: Date.now() } };
}

/** The record as it stands for a purpose, checked; null where nobody answered. */
export async function readRecord(
  world: World,
  region: Region,
  person: Person,
  purpose: Purpose,
): Promise<ReadonlyMap<number, number> | null> {
  const role = purpose === 'direct-care' || purpose === 'care-coordination' ? 'clinician' : 'governance';
  const reading = await read(world, region, `/records/${person.nhsNumber}?purpose=${purpose}`, role);
  if (reading === null) return null;
  const { answer, during } = reading;
  const seen = checkSeen(world, answer.text, { person, purpose, during, where: `the record for ${purpose}` });
  for (const entry of world.entriesOf(person)) {
    if (!entry.isBase || mayArrive(entry) || !isOfConcern(entry, purpose) || seen.has(entry.number)) continue;
    if (world.verdict(entry, purpose, during) === 'shown') {
      world.violation(`the record for ${purpose} lacks ${nameOf(entry)}, which nobody forbade`);
    }
  }
  return seen;
}

async function readFhir(world: World, region: Region, person: Person, route: 'everything' | 'summary'): Promise<void> {
  let path: string | null = `/fhir/Patient/${person.nhsNumber}/$${route}`;
  while (path !== null) {
    const reading: Reading = await read(world, region, path, 'clinician');
    if (reading === null) return;
    const { answer, during } = reading;
    checkSeen(world, answer.text, { person, purpose: 'direct-care', during, where: `$${route}` });
    path = nextPageOf(answer.text);
  }
}

function nextPageOf(text: string): string | null {
  const { link = [] } = JSON.parse(text) as { link?: readonly { relation: string; url: string }[] };
  const next = link.find(({ relation }) => relation === 'next')?.url;
  if (next === undefined) return null;
  const { pathname, search } = new URL(next, 'http://region');
  return `${pathname}${search}`;
}

interface Explained {
  readonly id: string;
  readonly purposes: readonly { readonly purpose: Purpose; readonly included: boolean; readonly rule: string }[];
}

/** What came behind decisions that nobody has read yet is not shown until they are, nor is the version before it. */
const mayArrive = ({ isBase, isBusy, version }: Entry): boolean => !isBase || isBusy || version > 1;

/** The explanation says of each entry what the reads do; gives the ids of all that it explains. */
export async function readExplanation(world: World, region: Region, person: Person): Promise<ReadonlySet<string> | null> {
  const reading = await read(world, region, `/records/${person.nhsNumber}/explain`, 'governance');
  if (reading === null || reading.answer.status !== 200) return null;
  const { entries } = JSON.parse(reading.answer.text) as { entries: readonly Explained[] };
  const explained = new Map(entries.map((entry) => [entry.id, entry.purposes]));
  for (const entry of world.entriesOf(person)) {
    for (const { purpose, included, rule } of explained.get(entryIdOf(entry)) ?? []) {
      if (rule === 'arriving' && mayArrive(entry)) continue;
      const verdict = isOfConcern(entry, purpose) ? world.verdict(entry, purpose, reading.during) : 'hidden';
      if (verdict !== 'either' && included !== (verdict === 'shown')) {
        world.violation(`the explanation says that ${nameOf(entry)} is ${included ? '' : 'not '}shared for ${purpose}`);
      }
    }
  }
  return new Set(explained.keys());
}

interface Looked {
  readonly person: Person;
  readonly purpose: Purpose;
  readonly during: While;
  readonly where: string;
}

/** Every entry that a text gives away may be seen; by number the version seen. */
function checkSeen(world: World, text: string, { person, purpose, during, where }: Looked): ReadonlyMap<number, number> {
  const seen = seenIn(text);
  for (const { number } of seen) {
    const entry = world.entries[number]!;
    world.counts.entriesRead += 1;
    if (entry.person !== person) world.violation(`${where} of person ${person.index} shows ${nameOf(entry)}`);
    else if (world.verdict(entry, purpose, during) === 'hidden')
      world.violation(`${where} shows ${nameOf(entry)}, which is forbidden`);
  }
  return new Map(seen.map(({ number, version }) => [number, version]));
}
