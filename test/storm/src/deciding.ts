import { randomUUID } from 'node:crypto';
import type { Prng } from '@weft/testing';
import { type Act, type Matter, nextWish } from './decisions.js';
import { bundleOf, cloudEventOf, consentOf } from './fhir.js';
import type { Answer, Asking, Region } from './region.js';
import { pause, type World } from './world.js';

/** Until a process that was killed is back. */
const AGAIN_MS = 100;

/** Somebody who decides, now about this and now about that, and waits each time until it is obeyed. */
export async function keepDeciding(world: World, region: Region, draw: Prng): Promise<void> {
  while (world.isStormy) {
    const matter = draw.pick(world.allMatters);
    if (matter.isBusy) {
      await pause(1);
      continue;
    }
    await decide(world, region, matter, draw);
    await pause(draw.below(200));
  }
}

async function decide(world: World, region: Region, matter: Matter, draw: Prng): Promise<void> {
  matter.isBusy = true;
  const now = Date.now();
  const act: Act = { ...nextWish(matter, now, draw), sentAt: now, obeyedAt: null };
  matter.acts.push(act);
  if (await untilObeyed(world, region, matter, sendingOf(matter, act, draw))) {
    act.obeyedAt = Date.now();
    world.noteDecided(matter.person);
    matter.isBusy = false;
  }
}

interface Sending {
  readonly path: '/consents' | '/fhir' | '/events';
  readonly asking: Asking;
}

/** Governance by its own door; organisations by every door there is. Sent again it is the same. */
function sendingOf(matter: Matter, act: Act, draw: Prng): Sending {
  const consent = consentOf(matter, act);
  const id = randomUUID();
  const { maker, person } = matter;
  const post = (path: Sending['path'], body: object, type: string, more: Asking['headers'] = {}): Sending => {
    const roles = maker === 'governance' ? (['governance'] as const) : (['publisher'] as const);
    const organisation = maker === 'governance' ? 'RX901' : maker;
    const headers = { 'content-type': type, ...more };
    return { path, asking: { roles, organisation, method: 'POST', body: JSON.stringify(body), headers } };
  };
  const path = maker === 'governance' ? '/consents' : draw.pick(['/consents', '/fhir', '/events'] as const);
  if (path === '/consents') return post(path, consent, 'application/fhir+json', { 'idempotency-key': id, prefer: 'wait=20' });
  if (path === '/fhir') return post(path, bundleOf([consent]), 'application/fhir+json');
  const about = { id, organisation: maker, person, sentAt: act.sentAt };
  return post(path, cloudEventOf('consent-decision-recorded-1', about, consent), 'application/cloudevents+json');
}

/** False where it was refused, or the storm has ended. What it may mean is then unclear for good, which the oracle knows. */
async function untilObeyed(world: World, region: Region, matter: Matter, { path, asking }: Sending): Promise<boolean> {
  const { roles, organisation } = asking;
  let place: string | null = null;
  while (!world.over.signal.aborted) {
    const answer: Answer | null =
      place === null
        ? await region.ask('gateway', path, asking)
        : await region.ask('gateway', `/consents/${place}`, { roles, organisation });
    const isLost = place !== null && answer?.status === 404;
    if (answer === null || answer.status === 503 || isLost) {
      await pause(AGAIN_MS);
      continue;
    }
    const { state, place: at }: Read = answer.status === 200 || answer.status === 202 ? readAnswer(answer.text) : {};
    if (state === 'obeyed' || state === 'covers-nothing') return true;
    if ((state !== 'pending' && state !== undefined) || at === undefined) {
      world.violation(`${matter.id}, sent to ${path}, was answered ${answer.status} ${answer.text.slice(0, 300)}`);
      return false;
    }
    place = at;
    await pause(20);
  }
  return false;
}

interface Read {
  readonly state?: string;
  readonly place?: string;
}

/** Of a decision its state; of an event, or an entry of FHIR's answer, only where it stands, which names the decision as well. */
function readAnswer(text: string): Read {
  const place = /GET \/consents\/(\d+-\d+) /.exec(text)?.[1];
  if (place !== undefined) return { place };
  const { state, id, partition, offset } = JSON.parse(text) as Read &
    Partial<Record<'id' | 'partition' | 'offset', string | number>>;
  if (state !== undefined) return { state, ...(id !== undefined && { place: String(id) }) };
  return offset === undefined ? {} : { place: `${partition}-${offset}` };
}
