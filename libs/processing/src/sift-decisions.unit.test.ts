import {
  DEFAULT_RULES,
  denies,
  grants,
  provision,
  type Authority,
  type NewDecision,
  type Policy,
  type Provision,
} from '@weft/domain';
import { permissionLeftOut, recordedIn } from './decision-effect.js';
import { bytesOf, decodeDecision, type RecordedDecision } from './encoding.js';
import { PERMISSIONS_MAX, siftDecisions, type Arrival } from './sift-decisions.js';
import { CONSENT_TOPIC } from './topics.js';

const POLICY: Policy = { name: 'test', rules: DEFAULT_RULES, organisations: { Y90001: 'gp' } };
const [DENIED, PERMITTED] = [provision('deny', ['research']), provision('permit', ['research'])];
/** A permission in which something is denied, and one that is an exception of a denial. */
const EXCEPT = { ...PERMITTED, provisions: [provision('deny', ['direct-care'])] };
const BUT = { ...DENIED, provisions: [PERMITTED] };

const decision = (id: string, said: Provision, more: Partial<NewDecision> = {}): NewDecision => ({
  ...{ id, source: 'urn:ods:Y90001', consentId: `consent of ${id}`, digest: `digest of ${id}`, receivedAt: 0 },
  ...{ authority: 'local-dissent', status: 'active', decidedBy: 'not-stated' },
  recorder: { as: 'organisation', organisation: 'Y90001', subject: null },
  ...more,
  provision: said,
});
const recorded = (one: NewDecision, offset = 0): RecordedDecision => ({
  ...one,
  recordedAt: new Date(0).toISOString(),
  coordinates: { topic: CONSENT_TOPIC, partition: 0, offset },
});
function arrival(one: NewDecision, offset: number): Arrival {
  const message = { topic: CONSENT_TOPIC, partition: 0, offset, key: 'k', headers: {}, value: null, timestamp: 0 };
  return { message, event: { subject: 's', decisions: [one], isVetted: true }, problems: [] };
}
function sift(decisions: readonly RecordedDecision[], ...arrivals: readonly Arrival[]) {
  const { fresh, quarantined, redelivered } = siftDecisions({ chain: '', decisions, revision: 0 }, arrivals, POLICY);
  const codes = quarantined.flatMap(({ problems }) => problems.map(({ code }) => code));
  return { provisions: fresh.map((one) => one.decision.provision), fresh: fresh.map((one) => one.decision), codes, redelivered };
}

describe('a person about whom as many decisions permit something as there is room for', () => {
  const many = Array.from({ length: PERMISSIONS_MAX }, (_, index) => recorded(decision(`many ${index}`, PERMITTED)));

  it('gets no further permission', () => {
    expect(sift(many, arrival(decision('x', PERMITTED), 1))).toMatchObject({ fresh: [], codes: ['too-many-decisions'] });
  });

  it('has room for a permission however much was denied', () => {
    const denials = many.map((one) => ({ ...one, provision: DENIED }));
    expect(sift(denials, arrival(decision('x', PERMITTED), 1)).provisions).toEqual([PERMITTED]);
  });

  it.each([DENIED, provision('deny', ['direct-care'], { from: 1 })])('gets every denial', (said) => {
    expect(sift(many, arrival(decision('x', said), 1)).provisions).toEqual([said]);
  });

  it.each([
    ['a permission with a denial in it', EXCEPT],
    ['a denial with an exception', BUT],
  ])('gets of %s what it denies, and no permission', (_, said) => {
    const { fresh, codes } = sift(many, arrival(decision('x', said), 1));
    expect(fresh.map((one) => [denies(one.provision), grants(one.provision), one.liftsNothing])).toEqual([[true, false, true]]);
    expect(codes).toEqual([]);
  });

  it('gets a withdrawal, whatever it says besides', () => {
    for (const said of [DENIED, PERMITTED, EXCEPT])
      expect(sift(many, arrival(decision('x', said, { status: 'withdrawn' }), 1)).provisions).toEqual([said]);
  });

  it('has the sender told what was left out', () => {
    const said = decision('x', EXCEPT);
    const mine = sift(many, arrival(said, 1)).fresh.map((one) => recorded(one));
    expect(permissionLeftOut([said], mine, [...many, ...mine])).toBe(true);
    expect(permissionLeftOut([said], [recorded(said)], [...many.slice(1), recorded(said)])).toBe(false);
    expect(permissionLeftOut([decision('x', DENIED)], mine, [...many, ...mine])).toBe(false);
  });
});

describe('a decision that was not recorded in its turn, of whose Consent a later version was', () => {
  const [later, late] = [decision('b', DENIED, { consentId: 'c' }), arrival(decision('a', EXCEPT, { consentId: 'c' }), 1)];
  const unvetted = { ...late, event: { ...late.event, isVetted: false } };

  it('counts for what it denies, and lifts nothing', () => {
    const { fresh, codes } = sift([recorded(later, 2)], unvetted);
    expect(fresh.map((one) => [denies(one.provision), grants(one.provision), one.liftsNothing])).toEqual([[true, false, true]]);
    expect(codes).toEqual([]);
  });

  it.each<[string, RecordedDecision, Arrival]>([
    ['where the later one came first', recorded(later, 0), unvetted],
    ['where the later one is of another Consent', recorded({ ...later, consentId: 'd' }, 2), unvetted],
    ['where the later one is of another sender', recorded({ ...later, source: 'urn:ods:RX901' }, 2), unvetted],
    ['where the later one was received earlier, by another bus', recorded({ ...later, receivedAt: -1 }, 2), unvetted],
    ['where no policy could have refused it', recorded(later, 2), late],
  ])('is whole %s', (_, before, arriving) => {
    expect(sift([before], arriving).provisions).toEqual([EXCEPT]);
  });

  it('withdraws, whatever came after it', () => {
    const withdrawn = arrival(decision('a', PERMITTED, { consentId: 'c', status: 'withdrawn' }), 1);
    const { fresh } = sift([recorded(later, 2)], { ...withdrawn, event: { ...withdrawn.event, isVetted: false } });
    expect(fresh.map((one) => [one.status, one.liftsNothing])).toEqual([['withdrawn', undefined]]);
  });
});

describe('a decision that the first version of the stream recorded', () => {
  const old = (said: Provision, authority: Authority = 'local-dissent'): RecordedDecision => {
    const { effect, purposes } = said;
    const data = {
      ...{ id: 'd', source: 'urn:ods:Y90001', consentId: 'c', authority, status: 'active', decidedAt: '2026-01-01T00:00:00Z' },
      ...{ decidedBy: 'patient', provision: { effect, purposes }, exceptions: [], recordedAt: '2026-01-01T00:00:01Z' },
      coordinates: { topic: CONSENT_TOPIC, partition: 0, offset: 3 },
    };
    const at = { id: 'd', stream: 'consent-k', revision: 0, position: '0', recordedAt: '' } as const;
    return decodeDecision({ ...at, type: 'decision-recorded-1', data: bytesOf(JSON.stringify(data)) } as never);
  };
  const again = (said: Provision, more: Partial<NewDecision> = {}) => decision('d', said, { consentId: 'c', ...more });
  const WIDER = provision('deny', ['research', 'population-health']);

  it.each([
    ['says the same', DENIED, DENIED],
    ['permits what was denied', DENIED, PERMITTED],
    ['permits more', PERMITTED, provision('permit', ['research', 'direct-care'])],
  ])('counts as recorded when it is sent again and %s', (_, before, said) => {
    for (const offset of [2, 3, 9]) {
      const sifted = sift([old(before)], arrival(again(said), offset));
      expect(sifted).toMatchObject({ fresh: [], codes: [], redelivered: offset === 3 });
    }
    const event = { source: 'urn:ods:Y90001', id: 'd', digest: 'digest of d' };
    expect(recordedIn([old(before)], event)).toMatchObject({ state: 'recorded', decisions: [{ id: 'd' }] });
  });

  it('is withdrawn by no other message of its id', () => {
    expect(sift([old(DENIED)], arrival(again(DENIED, { status: 'withdrawn' }), 9)).fresh).toEqual([]);
  });

  it.each([
    ['more', WIDER, WIDER],
    ['under another authority', DENIED, DENIED],
    ['where it permitted', { ...WIDER, provisions: [PERMITTED] }, WIDER],
  ])('is new, for what it denies, when it is read as denying %s', (how, said, denied) => {
    const before = old(how === 'where it permitted' ? PERMITTED : DENIED, how.includes('authority') ? 'type-1' : undefined);
    const { fresh, codes } = sift([before], arrival(again(said), 9));
    expect(codes).toEqual([]);
    expect(fresh.map((one) => one.unread)).toEqual([undefined]);
    expect(fresh[0]).toMatchObject({ id: 'd', liftsNothing: true, provision: { purposes: denied.purposes } });
    expect(fresh.some((one) => grants(one.provision))).toBe(false);
    const now = [before, ...fresh.map((one) => recorded(one, 9))];
    expect(sift(now, arrival(again(said), 10))).toMatchObject({ fresh: [], codes: [] });
    const event = { source: 'urn:ods:Y90001', id: 'd', digest: 'digest of d' };
    expect(recordedIn(now, event)).toMatchObject({ state: 'recorded', decisions: [{ digest: 'digest of d' }] });
    expect(recordedIn(now, { ...event, digest: 'another' })).toEqual({ state: 'conflict' });
  });
});
