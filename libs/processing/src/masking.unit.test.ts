import { provision, type CareEvent, type Provision, type Resource } from '@weft/domain';
import { ANNE, decisionMessage, observation, publish, read, region, standingOnTopic } from './region.fixture.js';
import { verifyViews } from './verify-views.js';
import type { Wiring } from './wiring.js';

const WITHOUT = { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'masked' }] };
const SAYS = { reference: 'Condition/hiv1', display: 'HIV infection, newly diagnosed' };

const event = (resource: Resource, more: Partial<CareEvent> = {}): CareEvent =>
  observation(ANNE, resource.id as string, { resource, ...more });
const encounter = (more: object = {}): Resource => ({
  ...{ resourceType: 'Encounter', id: 'e1', status: 'planned', class: { code: 'AMB' } },
  ...more,
  reasonReference: [SAYS],
});
const condition = (more: object = {}): Resource => ({ resourceType: 'Condition', id: 'hiv1', ...more });

const denial = (id: string): Provision => ({
  ...provision('deny', ['direct-care', 'care-coordination']),
  limits: [{ kind: 'entries', entries: [{ entry: `RX901/${id}`, reach: 'instance' }] }],
});

async function withhold(wiring: Wiring, id: string): Promise<void> {
  await wiring.bus.publish([decisionMessage(wiring, ANNE, denial(id))]);
  // Comes back once everything is committed.
  await publish(wiring, []);
}

/** What the encounter says of its reason, to two purposes; undefined where it is not given. */
async function reasons(wiring: Wiring) {
  const found = await Promise.all((['direct-care', 'care-coordination'] as const).map((purpose) => read(wiring, ANNE, purpose)));
  return found.map(({ record, fromView }) => {
    expect(fromView).toBe(true);
    return (record.entries.find(({ id }) => id === 'RX901/Encounter/e1')?.resource['reasonReference'] as unknown[])[0];
  });
}

async function lastTold(wiring: Wiring) {
  const topic = 'weft.record-changes.direct-care';
  const told: { readonly type: string | undefined; readonly text: string }[] = [];
  for (const { partition, low } of await wiring.bus.offsets(topic))
    for (const { headers, value } of await wiring.bus.read(topic, partition, low))
      told.push({ type: headers['ce_type'], text: value === null ? '' : Buffer.from(value).toString() });
  return told.filter(({ text }) => text.includes('Encounter/e1')).at(-1);
}

async function isInLine(wiring: Wiring): Promise<void> {
  expect(await verifyViews(wiring)).toMatchObject({ differing: [] });
}

describe('what names a withheld entry', () => {
  it('is masked as soon as it is withheld, told as amended, and as it was once the decision is lifted', async () => {
    const { wiring, failures } = await region();
    await publish(wiring, [event(condition()), event(encounter())]);
    expect(await reasons(wiring)).toEqual([SAYS, SAYS]);
    await withhold(wiring, 'Condition/hiv1');
    expect(await reasons(wiring)).toEqual([WITHOUT, WITHOUT]);
    const told = await lastTold(wiring);
    expect(told).toMatchObject({ type: 'record-entry-amended-1' });
    expect(told?.text).not.toMatch(/HIV|hiv1/);
    expect(await standingOnTopic(wiring, 'direct-care')).toBe(1);
    await isInLine(wiring);
    await wiring.bus.publish([decisionMessage(wiring, ANNE, { ...denial('Condition/hiv1'), effect: 'permit' })]);
    await publish(wiring, []);
    expect(await reasons(wiring)).toEqual([SAYS, SAYS]);
    expect(await lastTold(wiring)).toMatchObject({ type: 'record-entry-amended-1' });
    await isInLine(wiring);
    expect(failures).toEqual([]);
  });

  it('is masked in what comes later, and once what it names comes later, also where the purpose does not look at that', async () => {
    const { wiring } = await region();
    await publish(wiring, [event(observationOf('o1')), event(condition({ id: 'other' }))]);
    for (const id of ['other', 'hiv1']) await withhold(wiring, `Condition/${id}`);
    await publish(wiring, [event(encounter())]);
    expect(await reasons(wiring)).toEqual([SAYS, SAYS]);
    await publish(wiring, [event(condition())]);
    expect(await reasons(wiring)).toEqual([WITHOUT, WITHOUT]);
    expect((await lastTold(wiring))?.text).not.toMatch(/HIV|hiv1/);
    await publish(wiring, [event(encounter({ priority: { text: 'soon' } }))]);
    expect(await reasons(wiring)).toEqual([WITHOUT, WITHOUT]);
    await isInLine(wiring);
  });

  it('says again what it said once the entry is gone, which is then withheld from nobody', async () => {
    const { wiring } = await region();
    await publish(wiring, [event(condition()), event(encounter())]);
    await withhold(wiring, 'Condition/hiv1');
    // The projector has the person at hand.
    await publish(wiring, [event(observationOf('o1'))]);
    await publish(wiring, [event(condition(), { type: 'care-event-retracted-1' })]);
    expect(await reasons(wiring)).toEqual([SAYS, SAYS]);
    await isInLine(wiring);
  });

  it('is masked by any name that a later version of the entry has', async () => {
    const { wiring } = await region();
    const identifier = { system: 'urn:problems', value: '77' };
    const byIdentifier = { ...encounter(), reasonReference: [{ identifier, display: SAYS.display }] };
    await publish(wiring, [event(condition()), event(byIdentifier)]);
    await withhold(wiring, 'Condition/hiv1');
    expect(await reasons(wiring)).toEqual([byIdentifier.reasonReference[0], byIdentifier.reasonReference[0]]);
    await publish(wiring, [event(observationOf('o1'))]);
    await publish(wiring, [event(condition({ identifier: [identifier] }))]);
    expect(await reasons(wiring)).toEqual([WITHOUT, WITHOUT]);
    await isInLine(wiring);
  });
});

const observationOf = (id: string): Resource => ({ resourceType: 'Observation', id, status: 'final' });
