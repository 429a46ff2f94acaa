import { provision } from '@weft/domain';
import { ANNE, condition, observation, openRegion, type Region } from './region.fixture.js';

interface Explained {
  readonly id: string;
  readonly purposes: readonly {
    readonly purpose: string;
    readonly included: boolean;
    readonly rule: string;
    readonly plainEnglish: string;
  }[];
}

describe('explaining a record', () => {
  let region: Region;
  let beforeOptOut: string;
  beforeAll(async () => {
    region = await openRegion();
    await region.publish('Y90001', ANNE, condition(ANNE, 'c1'));
    await region.publish('RX901', ANNE, observation(ANNE, 'o1'));
    beforeOptOut = new Date(region.service.clock.now()).toISOString();
    await region.wiring.timers.sleep(5);
    await region.decide(ANNE, { authority: 'national-data-opt-out', provision: provision('deny', ['research']) });
    await region.decide(ANNE, {
      authority: 'withheld-item',
      provision: provision('deny', ['direct-care'], {
        limits: [{ kind: 'entries', entries: [{ entry: 'Y90001/Condition/c1', reach: 'instance' }] }],
      }),
    });
  });
  afterAll(() => region.close());

  it('says which version changed nothing, and counts it by its organisation', async () => {
    const version = (versionId: string) =>
      observation(ANNE, 'v', '2025-06-01', { meta: { versionId }, note: [{ text: versionId }] });
    for (const id of ['2', '1']) await region.publish('RX902', ANNE, version(id));
    expect((await explain()).setAside).toMatchObject([{ entry: 'RX902/Observation/v', versionId: '1', why: 'earlier' }]);
    const status = await region.ask('/status', { roles: ['operations'] });
    expect(status.body.versions).toEqual({ RX902: { setAside: 1, disagreeing: 0 } });
    expect((await explain(beforeOptOut)).setAside).toEqual([]);
  });

  const explain = async (at?: string) =>
    (
      await region.ask(`/records/${ANNE}/explain${at === undefined ? '' : `?at=${encodeURIComponent(at)}`}`, {
        roles: ['governance'],
      })
    ).body;
  const rulingOf = ({ entries }: { entries: Explained[] }, id: string, purpose: string) =>
    entries.find((entry) => entry.id === id)!.purposes.find((one) => one.purpose === purpose)!;

  it('says of each entry and purpose the rule, the decision and its date, and what the patient reads', async () => {
    const explained = await explain();
    expect(rulingOf(explained, 'Y90001/Condition/c1', 'direct-care')).toEqual({
      purpose: 'direct-care',
      included: false,
      rule: 'withheld-item',
      decision: {
        id: expect.any(String),
        authority: 'withheld-item',
        effect: 'deny',
        decidedAt: expect.stringMatching(/^\d{4}-/),
        decidedBy: 'patient',
        recordedBy: { as: 'governance', organisation: null, subject: 'somebody' },
        recordedAt: expect.stringMatching(/^\d{4}-/),
      },
      plainEnglish: 'You asked for this item not to be shared, so it is not.',
    });
    expect(rulingOf(explained, 'RX901/Observation/o1', 'direct-care')).toMatchObject({ included: true, rule: 'individual-care' });
    expect(rulingOf(explained, 'RX901/Observation/o1', 'research')).toMatchObject({
      included: false,
      rule: 'national-data-opt-out',
    });
    expect(rulingOf(explained, 'RX901/Observation/o1', 'care-coordination')).toMatchObject({
      included: false,
      rule: 'not-of-concern',
    });
    expect(explained).toMatchObject({ policyVersion: 1, movedTo: null });
    expect(explained.decisions).toHaveLength(2);
  });

  it('says of each decision for which purposes it stood then', async () => {
    const by = { consentId: 'back', authority: 'national-data-opt-out', provision: provision('permit', ['research']) } as const;
    const { at } = await explain();
    await region.wiring.timers.sleep(5);
    await region.decide(ANNE, by);
    const standing = ({ decisions }: { decisions: { standsFor: string[] }[] }) => decisions.map(({ standsFor }) => standsFor);
    expect(standing(await explain(at))).toEqual([['research'], ['direct-care']]);
    expect(standing(await explain())).toEqual([[], ['direct-care'], ['research']]);
  });

  it('says what was so at an earlier instant, and before anything was known', async () => {
    const then = await explain(beforeOptOut);
    expect(then).toMatchObject({ at: beforeOptOut, decisions: [] });
    expect(rulingOf(then, 'RX901/Observation/o1', 'research')).toMatchObject({ included: true, rule: 'research-and-planning' });
    expect(await explain('2020-01-31')).toMatchObject({ at: '2020-01-31T23:59:59.999Z', entries: [], policyVersion: null });
  });

  it('agrees with what readers are given', async () => {
    const explained = await explain();
    for (const purpose of ['direct-care', 'care-coordination', 'population-health', 'research']) {
      const { body } = await region.ask(`/records/${ANNE}?purpose=${purpose}`, { roles: ['governance'] });
      const rulings = explained.entries.map(({ id }: Explained) => rulingOf(explained, id, purpose));
      expect(body.entries).toHaveLength(rulings.filter(({ included }: { included: boolean }) => included).length);
      const withheld = rulings.filter(
        (ruling: { included: boolean; rule: string }) => !ruling.included && ruling.rule !== 'not-of-concern',
      );
      expect(body.withheld).toBe(withheld.length);
    }
  });
});
