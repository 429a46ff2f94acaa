import type { CareEvent, Purpose } from '@weft/domain';
import { bytesOf, textOf } from './encoding.js';
import { keyOfPseudonym, numberOfKey } from './person-of-pseudonym.js';
import { pseudonymsOfPerson } from './pseudonyms-of-person.js';
import { ANNE, BERT, merge, observation, publish, region } from './region.fixture.js';
import { loadRecord } from './load.js';
import type { EventStore } from './ports.js';
import type { Wiring } from './wiring.js';

const withNumber = (subject: string): Partial<CareEvent> => ({
  resource: { resourceType: 'Observation', id: 'n', status: 'final', note: [{ text: `${subject}, 12345678901234567890` }] },
});

describe('whom a purpose beyond individual care calls so', () => {
  let wiring: Wiring;
  beforeEach(async () => {
    ({ wiring } = await region());
  });
  const named = (purpose: Purpose, number: string): string => wiring.keys.view(purpose, wiring.keys.patient(number));
  /** The bus has let go of what it had. */
  const forgetful = (given = wiring): Wiring => ({ ...given, bus: { ...given.bus, read: () => Promise.resolve([]) } });
  /** Events as they were recorded before the number that they were sent under was kept with them. */
  const older = (): Wiring => {
    const read: EventStore['read'] = async (stream, options) =>
      (await wiring.store.read(stream, options)).map((stored) => ({
        ...stored,
        data: bytesOf(withoutSubject(textOf(stored.data))),
      }));
    return { ...wiring, store: Object.assign(Object.create(wiring.store) as EventStore, { read }) };
  };
  const withoutSubject = (data: string): string => JSON.stringify({ ...JSON.parse(data), subject: undefined });

  it.each(['research', 'population-health'] as const)(
    'is found for %s among everybody, and only under its own name',
    async (purpose) => {
      await publish(wiring, [observation(ANNE, 'a'), observation(BERT, 'b')]);
      expect(await keyOfPseudonym(wiring, purpose, named(purpose, BERT))).toBe(wiring.keys.patient(BERT));
      const other = purpose === 'research' ? 'population-health' : 'research';
      expect(await keyOfPseudonym(wiring, other, named(purpose, BERT))).toBeNull();
    },
  );

  it('has the number that stands in its events, or of older ones on the messages, or else in the resources', async () => {
    await publish(wiring, [observation(ANNE, 'a'), observation(BERT, 'b', withNumber(BERT))]);
    expect(await numberOfKey(forgetful(), wiring.keys.patient(ANNE))).toBe(ANNE);
    expect(await numberOfKey(older(), wiring.keys.patient(ANNE))).toBe(ANNE);
    expect(await numberOfKey(forgetful(older()), wiring.keys.patient(BERT))).toBe(BERT);
    expect(await numberOfKey(forgetful(older()), wiring.keys.patient(ANNE))).toBeNull();
  });

  it('is never a number that only stands beside it', async () => {
    await publish(wiring, [observation(ANNE, 'a', withNumber(BERT))]);
    expect(await numberOfKey(older(), wiring.keys.patient(ANNE))).toBe(ANNE);
    expect(await numberOfKey(forgetful(older()), wiring.keys.patient(ANNE))).toBeNull();
  });

  it('is after a merge the surviving number, which may have nothing of its own, under its own name and the former one', async () => {
    await publish(wiring, [observation(ANNE, 'a'), merge(ANNE, BERT)]);
    expect((await loadRecord(wiring.store, wiring.keys.patient(BERT))).entries.size).toBe(0);
    for (const number of [ANNE, BERT]) {
      const key = await keyOfPseudonym(wiring, 'research', named('research', number));
      expect(key).toBe(wiring.keys.patient(number));
      expect(await numberOfKey(forgetful(), key!)).toBe(BERT);
      expect(await pseudonymsOfPerson(wiring, 'research', key!)).toEqual({
        pseudonym: named('research', BERT),
        formerPseudonyms: [named('research', ANNE)],
      });
    }
  });

  it('is not searched for any longer by a process that stops', async () => {
    await publish(wiring, [observation(ANNE, 'a')]);
    const search = keyOfPseudonym(wiring, 'research', 'none', AbortSignal.abort(new Error('stopping')));
    await expect(search).rejects.toThrow('stopping');
  });
});
