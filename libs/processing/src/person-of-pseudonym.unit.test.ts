import type { CareEvent, Purpose } from '@weft/domain';
import { keyOfPseudonym, numberOfKey } from './person-of-pseudonym.js';
import { pseudonymsOfPerson } from './pseudonyms-of-person.js';
import { ANNE, BERT, decide, merge, observation, publish, region } from './region.fixture.js';
import { loadNumber } from './number.js';
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
  it.each(['research', 'population-health'] as const)(
    'is found for %s among everybody, and only under its own name',
    async (purpose) => {
      await publish(wiring, [observation(ANNE, 'a'), observation(BERT, 'b')]);
      expect(await keyOfPseudonym(wiring, purpose, named(purpose, BERT))).toBe(wiring.keys.patient(BERT));
      const other = purpose === 'research' ? 'population-health' : 'research';
      expect(await keyOfPseudonym(wiring, other, named(purpose, BERT))).toBeNull();
    },
  );

  it('has the number that stands in its events, and of decisions alone the one on their messages', async () => {
    await publish(wiring, [observation(ANNE, 'a', withNumber(BERT))]);
    await decide(wiring, BERT, ['research'], 'deny');
    expect(await numberOfKey(forgetful(), wiring.keys.patient(ANNE))).toBe(ANNE);
    expect(await numberOfKey(wiring, wiring.keys.patient(BERT))).toBe(BERT);
    expect(await numberOfKey(forgetful(), wiring.keys.patient(BERT))).toBeNull();
  });

  it('is after a merge the surviving number, which may have nothing of its own, under its own name and the former one', async () => {
    await publish(wiring, [observation(ANNE, 'a'), merge(ANNE, BERT)]);
    expect((await loadNumber(wiring.store, wiring.keys.patient(BERT))).record.entries.size).toBe(0);
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
