import { DEFAULT_RULES, denies, grants, provision, type NewDecision, type Policy, type Provision } from '@weft/domain';
import { permissionLeftOut } from './decision-effect.js';
import type { RecordedDecision } from './encoding.js';
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
  const { fresh, quarantined, redelivered } = siftDecisions({ decisions }, arrivals, POLICY);
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
