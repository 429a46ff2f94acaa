import { jsonWithDigits, parseWithDigits, type Resource } from '@weft/domain';
import { verifyViews } from '@weft/processing';
import { ANNE, observation, openRegion, patient, type Region } from './region.fixture.js';
import { isUpToDate, Subscriber } from './subscriber.fixture.js';

const DECIMALS = ['5.00', '0.010', '1.0e2', '71.0', '1E-7', '-0'];

/** An Observation of this value, as its sender writes it. */
function measured(id: string, digits: string): Resource {
  const { valueQuantity: _, ...rest } = observation(ANNE, id, '2025-06-01T09:00:00Z', { code: { text: `Result ${id}` } });
  const quantity = `{"value":${digits},"unit":"mmol/L","system":"http://unitsofmeasure.org","code":"mmol/L"}`;
  return parseWithDigits(`${JSON.stringify(rest).slice(0, -1)},"valueQuantity":${quantity}}`) as Resource;
}

const valuesIn = (text: string): string[] => [...text.matchAll(/"value":(-?\d[^,}]*)/g)].map(([, digits]) => digits!).sort();

describe('a decimal', () => {
  let region: Region;
  beforeAll(async () => {
    region = await openRegion();
    await region.publish('Y90001', ANNE, patient(ANNE));
    for (const [index, digits] of DECIMALS.entries()) await region.publish('RX901', ANNE, measured(`o${index}`, digits));
  });
  afterAll(() => region.close());

  const sorted = [...DECIMALS].sort();
  const textOf = async (path: string) => (await region.ask(path, { roles: ['clinician'] })).text;

  it.each([
    `/records/${ANNE}?purpose=direct-care`,
    `/records/${ANNE}?purpose=direct-care&limit=1000`,
    `/fhir/Patient/${ANNE}/$everything`,
    `/fhir/Patient/${ANNE}/$summary`,
  ])('is answered with the digits that its sender wrote, the first time and again: %s', async (path) => {
    for (const text of [await textOf(path), await textOf(path)]) {
      expect(valuesIn(text)).toEqual(sorted);
      expect(text).not.toContain('"#');
    }
  });

  it('is told in the summary as it was written', async () => {
    expect(await textOf(`/fhir/Patient/${ANNE}/$summary`)).toContain('5.00 mmol/L');
  });

  it('is told to subscribers as it was written, in the topic and in the feed', async () => {
    const subscriber = await Subscriber.open(region, 'direct-care?from=beginning');
    await subscriber.until(isUpToDate);
    await subscriber.leave();
    expect(valuesIn(subscriber.changes.map(jsonWithDigits).join())).toEqual(sorted);
    const { bus } = region.wiring;
    const topic = 'weft.record-changes.direct-care';
    const texts: string[] = [];
    for (const { partition } of await bus.offsets(topic)) {
      for (const { value } of await bus.read(topic, partition, 0)) if (value !== null) texts.push(Buffer.from(value).toString());
    }
    expect(valuesIn(texts.join())).toEqual(sorted);
    expect(texts.join()).not.toContain('"#');
  });

  it('is for research a number, rounded as any other', async () => {
    const { text } = await region.ask(`/records/${ANNE}?purpose=research`, { roles: ['governance'] });
    expect(text).not.toMatch(/"#|5\.00|1\.0e2/);
  });

  it('stands in a view made anew as in one made event by event', async () => {
    const { differing } = await verifyViews(region.wiring);
    expect(differing).toEqual([]);
  });

  it('of other digits is another version, and of the same ones none', async () => {
    await region.publish('RX901', ANNE, measured('changing', '5.0'));
    const before = await textOf(`/records/${ANNE}`);
    await region.publish('RX901', ANNE, measured('changing', '5.00'));
    const after = await textOf(`/records/${ANNE}`);
    expect([valuesIn(before).includes('5.0'), valuesIn(after).includes('5.0')]).toEqual([true, false]);
    await region.publish('RX901', ANNE, measured('changing', '5.00'));
    expect(await textOf(`/records/${ANNE}`)).toBe(after);
  });
});
