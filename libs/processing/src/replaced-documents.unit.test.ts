import { provision, type CareEvent, type Resource } from '@weft/domain';
import { explainRecord } from './explain-record.js';
import { ANNE, decisionMessage, ids, observation, publish, region, standingOnTopic } from './region.fixture.js';
import { verifyViews } from './verify-views.js';
import type { Wiring } from './wiring.js';

const event = (resource: Resource, more: Partial<CareEvent> = {}): CareEvent =>
  observation(ANNE, resource.id as string, { resource, ...more });
const document = (id: string, more: object = {}): Resource => ({
  resourceType: 'DocumentReference',
  id,
  status: 'current',
  ...more,
});
const LETTER = document('a', { description: 'Discharge letter' });
const CORRECTED = document('b', { relatesTo: [{ code: 'replaces', target: { reference: 'DocumentReference/a' } }] });
const [OLD, NEW] = ['RX901/DocumentReference/a', 'RX901/DocumentReference/b'];

/** What is shown now, and stands on the topic; and every view is what it rests on. */
async function current(wiring: Wiring): Promise<string[]> {
  const found = await ids(wiring, ANNE);
  expect(await standingOnTopic(wiring, 'direct-care')).toBe(found.length);
  expect(await verifyViews(wiring)).toMatchObject({ differing: [] });
  return found;
}

describe('a replaced document', () => {
  it.each([
    ['retracted', { type: 'care-event-retracted-1' as const }],
    ['entered in error', { resource: { ...CORRECTED, status: 'entered-in-error' } }],
  ])('gives way to what replaces it, and comes back once that is %s', async (_, more) => {
    const { wiring, failures } = await region();
    await publish(wiring, [event(LETTER)]);
    await publish(wiring, [event(CORRECTED)]);
    expect(await current(wiring)).toEqual([NEW]);
    // What comes to it meanwhile joins the history.
    await publish(wiring, [event({ ...LETTER, description: 'Discharge letter, signed' })]);
    expect(await current(wiring)).toEqual([NEW]);
    await publish(wiring, [event(CORRECTED, more)]);
    expect(await current(wiring)).toEqual([OLD]);
    expect(failures).toEqual([]);
  });

  it('is none of the record where it comes behind what replaces it, and explained', async () => {
    const { wiring } = await region();
    await publish(wiring, [event(CORRECTED)]);
    await publish(wiring, [event(LETTER)]);
    expect(await current(wiring)).toEqual([NEW]);
    const { entries } = await explainRecord(wiring, wiring.keys.patient(ANNE));
    const rules = entries.map(({ id, purposes }) => [id, purposes.find(({ purpose }) => purpose === 'direct-care')?.rule]);
    expect(Object.fromEntries(rules)).toEqual({ [OLD]: 'replaced', [NEW]: 'individual-care' });
  });

  it('takes with it what protects it', async () => {
    const { wiring } = await region();
    await publish(wiring, [event(LETTER), event(document('other'))]);
    const denied = provision('deny', ['direct-care'], {
      limits: [{ kind: 'entries', entries: [{ entry: OLD, reach: 'instance' }] }],
    });
    await wiring.bus.publish([decisionMessage(wiring, ANNE, denied)]);
    await publish(wiring, [event(CORRECTED)]);
    expect(await current(wiring)).toEqual(['RX901/DocumentReference/other']);
    await publish(wiring, [event({ ...CORRECTED, relatesTo: undefined })]);
    expect(await current(wiring)).toEqual(['RX901/DocumentReference/other']);
    await wiring.bus.publish([decisionMessage(wiring, ANNE, { ...denied, effect: 'permit' })]);
    await publish(wiring, []);
    expect(await current(wiring)).toEqual([OLD, NEW, 'RX901/DocumentReference/other']);
  });

  it('takes with it what protects it, also where it was named by an identifier that its retraction does not say', async () => {
    const { wiring } = await region();
    const identifier = { system: 'urn:documents', value: '1' };
    await publish(wiring, [event({ ...LETTER, identifier: [identifier] })]);
    const denied = provision('deny', ['direct-care'], {
      limits: [{ kind: 'entries', entries: [{ entry: OLD, reach: 'instance' }] }],
    });
    await wiring.bus.publish([decisionMessage(wiring, ANNE, denied)]);
    await publish(wiring, [event(document('b', { relatesTo: [{ code: 'replaces', target: { identifier } }] }))]);
    expect(await current(wiring)).toEqual([]);
    await publish(wiring, [event({ resourceType: 'DocumentReference', id: 'a' }, { type: 'care-event-retracted-1' })]);
    expect(await current(wiring)).toEqual([]);
  });
});
