import { PURPOSES, type Policy } from '@weft/domain';
import { applyPolicy, listQuarantine, projectionOf, redrive, replayView, type Wiring } from '@weft/processing';
import { policyOf, type Prng, type SmallRegion } from '@weft/testing';

export type Work = (wiring: Wiring) => Promise<void>;

export interface Operation {
  readonly work: Work;
  /** What an operator who was interrupted may do in its place: a policy that was begun gives way only to another. */
  readonly instead?: Work;
}

/** What an operator does: another policy, a replay, a message out of quarantine sent again; all while the region works. */
export function operation(random: Prng, region: SmallRegion): Operation {
  const purpose = random.pick(PURPOSES);
  const [dryRun, fromBeginning, chunk] = [random.chance(0.2), random.chance(0.3), random.between(1, 3)];
  const applied = (policy: Policy) => async (wiring: Wiring) => void (await applyPolicy(wiring, policy, { chunk }));
  return random.pick<Operation>([
    { work: applied(otherPolicy(random, region)), instead: applied(otherPolicy(random, region)) },
    {
      work: async (wiring) => void (await replayView(wiring, projectionOf(wiring, purpose), { dryRun, fromBeginning, chunk })),
      instead: nothing,
    },
    {
      work: async ({ bus }) => {
        const [one] = await listQuarantine(bus);
        if (one !== undefined) await redrive(bus, one.id);
      },
    },
  ]);
}

export const nothing: Work = () => Promise.resolve();

/** The region's first policy again, or one without a rule, with a rule more, or with another idea of an organisation. */
export function otherPolicy(random: Prng, { policy, organisations }: SmallRegion): Policy {
  const { rules } = policy;
  const gone = random.pick(rules.filter(({ effect }) => effect === 'deny')).id;
  const consent = 'explicit-consent';
  const codes = random.pick([['R'], ['SEX'], ['38341003'], ['165816005', '77386006']]);
  const purposes = random.pick(rules).purposes;
  const held = { id: 'locally-held-back', purposes, when: { codes }, effect: 'deny' as const, plainEnglish: 'Held back here.' };
  const plans = { ...held, id: 'plans-held-back', when: { resourceTypes: ['CarePlan', 'Encounter'] } };
  return random.pick<Policy>([
    policy,
    { ...policy, name: 'consent first', rules: rules.toSorted((a, b) => Number(b.id === consent) - Number(a.id === consent)) },
    { ...policy, name: `without ${gone}`, rules: rules.filter((rule) => rule.id !== gone) },
    { ...policy, name: `held back ${codes}`, rules: [held, ...rules] },
    { ...policy, name: 'plans held back', rules: [...rules.slice(0, 2), plans, ...rules.slice(2)] },
    {
      ...policyOf(
        organisations.map((one) => ({ ...one, kind: 'community' })),
        'no practice left',
      ),
      rules,
    },
  ]);
}
