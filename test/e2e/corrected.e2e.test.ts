import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { consentOf, NHS_NUMBER_SYSTEM } from '@weft/care-events';
import { provision, type Purpose } from '@weft/domain';
import { isAllPublished, verifyViews } from '@weft/processing';
import { startRegion, type Region } from './region.js';

const ANNE = '9990000018';
const BERT = '9990000026';
const X = 'RX901/Observation/x';

/** A version of one result, which its laboratory filed under this number. */
const version = (number: string, versionId: string, value: number) => ({
  resourceType: 'Observation',
  id: 'x',
  meta: { versionId },
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
  subject: { type: 'Patient', identifier: { system: NHS_NUMBER_SYSTEM, value: number } },
  effectiveDateTime: '2025-06-01T09:00:00Z',
  valueQuantity: { value, unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' },
});

describe('a result that was filed under the wrong NHS number', () => {
  let region: Region;
  beforeAll(async () => {
    region = await startRegion();
  });
  afterAll(() => region.close());

  async function publish(number: string, versionId: string, value: number): Promise<void> {
    const event = {
      ...{ specversion: '1.0', id: `${number}-${versionId}`, source: 'urn:ods:RX901', type: 'care-event-recorded-1' },
      ...{ subject: number, time: '2026-01-01T10:00:00Z', datacontenttype: 'application/fhir+json' },
      data: version(number, versionId, value),
    };
    const headers = { 'content-type': 'application/cloudevents+json' };
    const { status } = await region.as(['publisher'], '/events', { method: 'POST', headers, body: JSON.stringify(event) });
    expect(status).toBe(202);
    await region.settled();
    // The publisher is behind by a moment.
    while (!(await isAllPublished(region.wiring.store))) await new Promise((resolve) => setImmediate(resolve));
  }

  /** What a subscriber of a purpose holds once they are up to now, as how many entries each of the two has. */
  async function heldBy(purpose: Purpose): Promise<readonly number[]> {
    const held = new Map<string, string>();
    const { body } = await region.as(['subscriber'], `/record-changes/${purpose}?from=beginning`);
    const input = Readable.fromWeb(body as never);
    for await (const line of createInterface({ input })) {
      if (line === '') break;
      const { key, kind, subject } = JSON.parse(line) as { key: string; kind: string; subject: string };
      if (kind === 'withdrawn') held.delete(key);
      else held.set(key, subject);
    }
    input.destroy();
    const { keys } = region.wiring;
    const viewKeys = [ANNE, BERT].map((number) => keys.view(purpose, keys.patient(number)));
    return viewKeys.map((viewKey) => [...held.keys()].filter((key) => key.startsWith(viewKey)).length);
  }

  async function seen(number: string): Promise<readonly unknown[]> {
    const answer = await region.as(['clinician'], `/records/${number}`);
    if (answer.status === 404) return [];
    const { entries, review } = (await answer.json()) as {
      entries: { id: string; resource: { valueQuantity: { value: number } } }[];
      review?: unknown;
    };
    return [...entries.map(({ id, resource }) => [id, resource.valueQuantity.value]), ...(review === undefined ? [] : [review])];
  }

  const explained = async (number: string) => {
    const text = await (await region.as(['governance'], `/records/${number}/explain`)).text();
    return { text, corrected: (JSON.parse(text) as { corrected: { entry: string; what: string }[] }).corrected };
  };

  it('goes to the right one with its next version: record, subscribers and reasons of both say so', async () => {
    await publish(ANNE, '1', 60);
    expect([await seen(ANNE), await seen(BERT)]).toEqual([[[X, 60]], []]);
    expect([await heldBy('direct-care'), await heldBy('research')]).toEqual([
      [1, 0],
      [1, 0],
    ]);
    await publish(BERT, '2', 61);
    expect([await seen(ANNE), await seen(BERT)]).toEqual([[], [[X, 61], [{ entry: X, fields: ['nhsNumber'] }]]]);
    expect([await heldBy('direct-care'), await heldBy('research')]).toEqual([
      [0, 1],
      [0, 1],
    ]);
    const [anne, bert] = [await explained(ANNE), await explained(BERT)];
    expect(anne.corrected).toMatchObject([{ entry: X, what: 'moved-away' }]);
    expect(bert.corrected).toMatchObject([{ entry: X, what: 'moved-here' }]);
    expect([anne.text.includes(BERT), bert.text.includes(ANNE)]).toEqual([false, false]);
    const status = (await (await region.as(['operations'], '/status')).json()) as { recordsToReview: unknown };
    expect(status.recordsToReview).toEqual({ people: 1, organisations: { RX901: 1 } });
    expect(await verifyViews(region.wiring, { patience: 1 })).toMatchObject({ differing: [] });
  });

  it('brings along what protected it, and goes back by a later version alone', async () => {
    const consent = consentOf({
      ...{ subject: BERT, consentId: 'c', status: 'active', authority: 'local-dissent', decidedBy: 'patient' },
      ...{ decidedAt: '2025-12-01T00:00:00Z', provision: provision('deny', ['research']) },
    });
    const { status } = await region.as(['governance'], '/consents', {
      method: 'POST',
      headers: { 'content-type': 'application/fhir+json', prefer: 'wait=10' },
      body: JSON.stringify(consent),
    });
    expect(status).toBe(200);
    expect(await heldBy('research')).toEqual([0, 0]);
    await publish(ANNE, '3', 62);
    await publish(BERT, '1', 64);
    expect(await seen(ANNE)).toEqual([[X, 62], [{ entry: X, fields: ['nhsNumber'] }]]);
    expect(await seen(BERT)).toEqual([]);
    expect([await heldBy('direct-care'), await heldBy('research')]).toEqual([
      [1, 0],
      [0, 0],
    ]);
    expect(await verifyViews(region.wiring, { patience: 1 })).toMatchObject({ differing: [] });
  });
});
