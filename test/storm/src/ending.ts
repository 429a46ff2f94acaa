import { lastDate } from './decisions.js';
import { type Entry, isOfConcern, type Purpose, PURPOSES } from './entries.js';
import { entryIdOf } from './fhir.js';
import { readExplanation, readRecord } from './reading.js';
import type { Region } from './region.js';
import type { Subscriber } from './subscribing.js';
import { nameOf, pause, type World } from './world.js';

/** So long a region may take, once nothing happens any more, until everybody has what they are to have, in ms. */
const AT_REST_MS = 120_000;
const AGAIN_MS = 250;

/** Once it is quiet: nothing is lost, what became forbidden is withdrawn, and everybody sees what they may. */
export async function checkAtRest(world: World, region: Region, subscribers: readonly Subscriber[]): Promise<void> {
  const deadline = Date.now() + AT_REST_MS;
  while (Date.now() <= lastDate(world.allMatters) + 10) await pause(AGAIN_MS);
  await untilSound(world, deadline, async () => lagging(region));
  for (const { name, purpose, picture } of subscribers) {
    await untilSound(world, deadline, async () => {
      const held = new Map(picture.seen.map(({ number, version }) => [number, version]));
      return differences(`${name} holds`, expected(world, purpose, world.entries), held);
    });
  }
  for (const person of world.people) {
    for (const purpose of PURPOSES) {
      await untilSound(world, deadline, async () => {
        const seen = await readRecord(world, region, person, purpose);
        if (seen === null) return ['the record-api does not answer'];
        const where = `the record of person ${person.index} for ${purpose} has`;
        return differences(where, expected(world, purpose, world.entriesOf(person)), seen);
      });
    }
    await untilSound(world, deadline, async () => {
      const explained = await readExplanation(world, region, person);
      if (explained === null) return ['the record-api does not explain'];
      const lost = world.entriesOf(person).filter((entry) => isThere(entry) && !explained.has(entryIdOf(entry)));
      return lost.map((entry) => `${nameOf(entry)} was acknowledged, and is not in the record`);
    });
  }
  const { status, said } = await region.weft('verify');
  if (status !== 0) world.violation(`weft verify ended with ${status}: ${said.slice(-500)}`);
}

const isThere = ({ version, isRetracted }: Entry): boolean => version > 0 && !isRetracted;

/** By number the version of every entry that may be seen for a purpose now. */
function expected(world: World, purpose: Purpose, entries: readonly Entry[]): ReadonlyMap<number, number> {
  const now = Date.now();
  const shown = entries.filter(
    (entry) =>
      isThere(entry) && isOfConcern(entry, purpose) && world.verdict(entry, purpose, { since: now, until: now }) === 'shown',
  );
  return new Map(shown.map(({ number, version }) => [number, version]));
}

function differences(where: string, wanted: ReadonlyMap<number, number>, held: ReadonlyMap<number, number>): string[] {
  const numbers = new Set([...wanted.keys(), ...held.keys()]);
  return [...numbers]
    .filter((number) => wanted.get(number) !== held.get(number))
    .map(
      (number) => `${where} ${versionOf(held.get(number))} of entry ${number}, and should have ${versionOf(wanted.get(number))}`,
    );
}

const versionOf = (version: number | undefined): string => (version === undefined ? 'nothing' : `version ${version}`);

async function lagging(region: Region): Promise<string[]> {
  const answer = await region.ask('record-api', '/status', { roles: ['operations'], organisation: 'RX901' });
  if (answer?.status !== 200) return ['the record-api does not say how it stands'];
  const { lag } = JSON.parse(answer.text) as { lag: number };
  return lag === 0 ? [] : [`${lag} messages are not dealt with`];
}

/** Looks until nothing is amiss, or it is too late: then what is amiss is broken. */
async function untilSound(world: World, deadline: number, amiss: () => Promise<readonly string[]>): Promise<void> {
  for (;;) {
    const found = await amiss();
    if (found.length === 0) return;
    if (Date.now() > deadline) return found.forEach((one) => world.violation(`at rest: ${one}`));
    await pause(AGAIN_MS);
  }
}
