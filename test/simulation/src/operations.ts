import { provision, PURPOSES, type Policy } from '@weft/domain';
import {
  applyPolicy,
  CONSENT_TOPIC,
  listQuarantine,
  projectionOf,
  redrive,
  replayView,
  type Quarantined,
  type Wiring,
} from '@weft/processing';
import {
  localChoices,
  policyOf,
  type DecisionEvent,
  type Prng,
  type SaidDecision,
  type SmallRegion,
  type UnreadEvent,
} from '@weft/testing';

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
  const [nth, isMended] = [random.fraction(), random.chance(0.7)];
  const applied = (policy: Policy) => async (wiring: Wiring) => void (await applyPolicy(wiring, policy, { chunk }));
  return random.pick<Operation>([
    { work: applied(otherPolicy(random, region)), instead: applied(otherPolicy(random, region)) },
    {
      work: async (wiring) => void (await replayView(wiring, projectionOf(wiring, purpose), { dryRun, fromBeginning, chunk })),
      instead: nothing,
    },
    { work: (wiring) => redriveOne(wiring, nth, isMended) },
  ]);
}

async function redriveOne({ bus }: Wiring, nth: number, isMended: boolean): Promise<void> {
  const all = await listQuarantine(bus);
  const one = all[Math.floor(nth * all.length)];
  if (one !== undefined) await redrive(bus, one, isMended ? { mended: mended(one) } : {});
}

/** As it was meant, or under an id of its own; what nobody can read turns out to have been nothing. */
function mended({ id: place, from, key, headers, value }: Quarantined): Pick<Quarantined, 'headers' | 'value'> | undefined {
  if (from.topic !== CONSENT_TOPIC || !/^\d{10}$/.test(key)) return undefined;
  const event = textOf(value) as Partial<DecisionEvent & UnreadEvent>;
  const { decisions, isVetted = true } = event.meant ?? event;
  const said = (decisions ?? [NOTHING]).map((one) => ({ ...one, mends: place }));
  const renamed = event.decisions === undefined ? said : said.map((one) => ({ ...one, id: `${one.id}-of-${place}` }));
  return { headers, value: Buffer.from(JSON.stringify({ subject: key, decisions: renamed, isVetted } satisfies DecisionEvent)) };
}

const NOTHING: SaidDecision = {
  ...{ id: 'nothing', source: 'urn:ods:X26', consentId: 'nothing', authority: 'local-dissent', status: 'withdrawn' },
  ...{ decidedBy: 'not-stated', provision: provision('permit', []), digest: 'nothing' },
  recorder: { as: 'governance', organisation: null, subject: null },
};

function textOf(value: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(value).toString());
  } catch {
    return {};
  }
}

export const nothing: Work = () => Promise.resolve();

/** The region's first policy again, or one without a rule, with a rule more, with other notices, or with another idea of an organisation. */
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
    { ...policy, name: `held back ${codes}`, rules: [held, ...rules], notices: { silent: ['local-dissent'] } },
    { ...policyOf(organisations, 'other local choices'), ...localChoices(random) },
    {
      ...policy,
      name: 'plans held back',
      notices: { silent: ['withheld-item'] },
      rules: [...rules.slice(0, 2), plans, ...rules.slice(2)],
    },
    {
      ...policyOf(
        organisations.map((one) => ({ ...one, kind: 'community' })),
        'no practice left',
      ),
      rules,
    },
  ]);
}
