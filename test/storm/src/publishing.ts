import { randomUUID } from 'node:crypto';
import type { Prng } from '@weft/testing';
import { ENTRIES_MAX, type Entry, laterEntry, ORGANISATIONS, VERSIONS_MAX } from './entries.js';
import { bundleOf, cloudEventOf, resourceIdOf, resourceOf } from './fhir.js';
import type { Region } from './region.js';
import { pause, type World } from './world.js';

const AGAIN_MS = 100;
/** Of what an organisation publishes so much is new; of the rest most is amended, some retracted. */
const NEW = 0.3;
const RETRACTED = 0.2;

/** Publishes every entry that the storm begins with. */
export async function publishBase(world: World, region: Region): Promise<void> {
  for (const person of world.people) {
    for (const organisation of ORGANISATIONS) {
      const own = world.entriesOf(person).filter((entry) => entry.organisation === organisation);
      const body = JSON.stringify(bundleOf(own.map((entry) => resourceOf(entry, 1))));
      if (await untilAccepted(world, region, organisation, '/fhir', 'application/fhir+json', body)) {
        for (const entry of own) entry.version = 1;
      }
    }
  }
}

/** An organisation that goes on publishing: what is new, what is amended, what was wrong. */
export async function keepPublishing(world: World, region: Region, draw: Prng): Promise<void> {
  while (world.isStormy) {
    const isNew = draw.chance(NEW) && world.entries.length < ENTRIES_MAX;
    const entry = isNew ? newEntry(world, draw) : draw.pick(world.entries);
    if (!entry.isBusy && !entry.isRetracted && entry.version < VERSIONS_MAX) await publish(world, region, entry, draw);
    await pause(draw.below(300));
  }
}

function newEntry(world: World, draw: Prng): Entry {
  const entry = laterEntry(draw.pick(world.people), world.entries.length, draw.pick(ORGANISATIONS), draw);
  world.entries.push(entry);
  return entry;
}

async function publish(world: World, region: Region, entry: Entry, draw: Prng): Promise<void> {
  entry.isBusy = true;
  const { organisation, person, resourceType } = entry;
  const version = entry.version + 1;
  const about = { id: randomUUID(), organisation, person, sentAt: Date.now() };
  // A denial of a category that no entry is of any more may mean anything, so entries of one stay.
  if (entry.version > 0 && !entry.isBase && entry.category === null && draw.chance(RETRACTED)) {
    entry.isRetracted = true;
    const named = { resourceType, id: resourceIdOf(entry) };
    const event = cloudEventOf('care-event-retracted-1', about, named);
    await untilAccepted(world, region, organisation, '/events', 'application/cloudevents+json', JSON.stringify(event));
    return;
  }
  const resource = resourceOf(entry, version);
  const isEvent = draw.chance(0.5);
  const body = isEvent ? cloudEventOf('care-event-recorded-1', about, resource) : bundleOf([resource]);
  const type = isEvent ? 'application/cloudevents+json' : 'application/fhir+json';
  const path = isEvent ? '/events' : '/fhir';
  if (!(await untilAccepted(world, region, organisation, path, type, JSON.stringify(body)))) return;
  entry.version = version;
  entry.isBusy = false;
}

/** Sends it again until it is durable, the same each time. False where it was refused, which nothing here deserves. */
async function untilAccepted(
  world: World,
  region: Region,
  organisation: string,
  path: '/fhir' | '/events',
  type: string,
  body: string,
): Promise<boolean> {
  const asking = { roles: ['publisher'], organisation, method: 'POST', body, headers: { 'content-type': type } } as const;
  while (!world.over.signal.aborted) {
    const answer = await region.ask('gateway', path, asking);
    if (answer?.status === 202 || (answer?.status === 200 && isTaken(answer.text))) {
      world.counts.events += 1;
      return true;
    }
    if (answer !== null && answer.status !== 503) {
      world.violation(`${path} answered ${answer.status} ${answer.text.slice(0, 300)}`);
      return false;
    }
    await pause(AGAIN_MS);
  }
  return false;
}

/** Of FHIR's answer by entry: none of what is sent here deserves to be refused. */
const isTaken = (text: string): boolean => !/"severity":"(?:error|fatal)"/.test(text);
