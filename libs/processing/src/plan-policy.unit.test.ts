import { DEFAULT_RULES, PURPOSES, type Policy, type PolicyPlan, type Rule } from '@weft/domain';
import { applyAdoptedPolicy, applyPolicy, followPolicies, policyApplied } from './apply-policy.js';
import { planPolicy } from './plan-policy.js';
import { ANNE, BERT, ids, merge, observation, POLICY, publish, region } from './region.fixture.js';
import type { ReplayProgress } from './replay-views.js';
import { noteSubscriber } from './subscribers.js';
import type { Wiring } from './wiring.js';

const CARL = '9990000034';
const without = (id: string): Policy => ({ ...POLICY, rules: DEFAULT_RULES.filter((rule) => rule.id !== id) });
const NO_RESEARCH = without('research-and-planning');
const held: Rule = { id: 'held', purposes: PURPOSES, when: { codes: ['x'] }, effect: 'deny', plainEnglish: 'Held back.' };

/** What the adoption of a policy does to what is read of these people. */
async function adopted(wiring: Wiring, policy: Policy, people: readonly string[]) {
  const shown = () =>
    Promise.all(people.flatMap((person) => PURPOSES.map(async (purpose) => new Set(await ids(wiring, person, purpose)))));
  const before = await shown();
  await applyPolicy(wiring, policy);
  const after = await shown();
  return PURPOSES.map((purpose, index) => {
    const ofPurpose = before.flatMap((was, place) => (place % PURPOSES.length === index ? [{ was, is: after[place]! }] : []));
    const reach = (counts: readonly number[]) => ({
      people: counts.filter((count) => count > 0).length,
      entries: counts.reduce((all, one) => all + one, 0),
    });
    return {
      purpose,
      opened: reach(ofPurpose.map(({ was, is }) => [...is].filter((id) => !was.has(id)).length)),
      closed: reach(ofPurpose.map(({ was, is }) => [...was].filter((id) => !is.has(id)).length)),
    };
  });
}

const planned = ({ purposes }: PolicyPlan) =>
  PURPOSES.map((purpose) => ({ purpose, opened: purposes[purpose].opened, closed: purposes[purpose].closed }));

describe('the plan of a policy', () => {
  it('is what its adoption then does, when it closes and when it opens', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a'), observation(ANNE, 'b'), observation(BERT, 'a')]);
    for (const policy of [NO_RESEARCH, POLICY, { ...POLICY, rules: [held, ...DEFAULT_RULES] }, without('individual-care')]) {
      const plan = await planPolicy(wiring, policy);
      expect(plan.people).toBe(2);
      expect(await adopted(wiring, policy, [ANNE, BERT])).toEqual(planned(plan));
    }
  });

  it('counts numbers that were merged as one person, also where the surviving number has nothing of its own', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a'), observation(BERT, 'b'), merge(ANNE, CARL), merge(BERT, CARL)]);
    const plan = await planPolicy(wiring, NO_RESEARCH);
    expect(plan.people).toBe(1);
    expect(plan.purposes.research.closed).toEqual({ people: 1, entries: 2 });
    expect(await adopted(wiring, NO_RESEARCH, [CARL])).toEqual(planned(plan));
  });

  it('names everybody who was ever told of a purpose, when they last began, and what opens and closes for them', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a'), observation(BERT, 'a'), observation(BERT, 'b')]);
    const lab = { subject: 'lab', organisation: 'RX902' };
    const study = { subject: 'study', organisation: 'RX901' };
    const nobodys = { subject: 'lab', organisation: null };
    const [first, last] = ['2026-05-01T09:00:00.000Z', '2026-05-02T09:00:00.000Z'];
    const at = (time: string): Wiring => ({ ...wiring, clock: { ...wiring.clock, now: () => Date.parse(time) } });
    for (const who of [lab, study, nobodys]) await noteSubscriber(at(first), 'research', who);
    await noteSubscriber(at(first), 'direct-care', lab);
    await noteSubscriber(at(last), 'research', study);
    const { purposes } = await planPolicy(wiring, NO_RESEARCH);
    const figures = { opened: { people: 0, entries: 0 }, closed: { people: 2, entries: 3 } };
    expect(purposes.research.subscribers).toEqual([
      { ...nobodys, lastBegan: first, ...figures },
      { ...study, lastBegan: last, ...figures },
      { ...lab, lastBegan: first, ...figures },
    ]);
    expect(purposes['direct-care'].subscribers).toMatchObject([{ ...lab, closed: { people: 0, entries: 0 } }]);
    expect(purposes['population-health'].subscribers).toEqual([]);
  });

  it('says why it may open something, how far it is, and may be ended', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a'), observation(BERT, 'a')]);
    const progress: number[] = [];
    const plan = await planPolicy(wiring, without('withheld-item'), { onProgress: (people) => progress.push(people) });
    expect(plan.openings).toContainEqual(expect.stringContaining('withheld-item'));
    expect(progress).toEqual([1, 2]);
    const ended = AbortSignal.abort(new Error('ended'));
    await expect(planPolicy(wiring, POLICY, { signal: ended })).rejects.toThrow('ended');
  });
});

describe('a policy that is adopted while nobody looks', () => {
  it('is brought to every view by the process that follows policies', async () => {
    const { wiring } = await region();
    await publish(wiring, [observation(ANNE, 'a')]);
    const follower = followPolicies(wiring, () => undefined);
    await wiring.policies.adopt(NO_RESEARCH);
    while ((await policyApplied(wiring)) < 2) await wiring.timers.sleep(100);
    await wiring.policies.adopt(POLICY);
    while ((await policyApplied(wiring)) < 3) await wiring.timers.sleep(100);
    await follower.stop();
  });

  it('is not said to be applied where that was ended half way, and is then gone on with', async () => {
    const { wiring } = await region();
    const people = [ANNE, BERT, CARL, '9990000042'];
    await publish(
      wiring,
      people.map((person) => observation(person, 'a')),
    );
    await wiring.policies.adopt(NO_RESEARCH);
    const stopping = new AbortController();
    const seen: number[] = [];
    const onProgress = ({ done }: ReplayProgress): void => {
      seen.push(done);
      stopping.abort();
    };
    await applyAdoptedPolicy(wiring, { chunk: 1, signal: stopping.signal, onProgress });
    expect(seen.at(-1)).toBeLessThan(people.length);
    expect(await policyApplied(wiring)).toBe(0);
    const reached = seen.length;
    await applyAdoptedPolicy(wiring, { chunk: 1, onProgress });
    expect(seen[reached]).toBe((seen[reached - 1] as number) + 1);
    expect(await policyApplied(wiring)).toBe(2);
  });
});
