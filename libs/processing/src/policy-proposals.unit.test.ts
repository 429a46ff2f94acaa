import { DEFAULT_RULES, type Policy } from '@weft/domain';
import { authorisePolicy, policyProposals, proposePolicy, type Adopt } from './policy-proposals.js';
import { ANNE, BERT, observation, POLICY, publish, region } from './region.fixture.js';
import type { Wiring } from './wiring.js';

const without = (id: string, name = id): Policy => ({ ...POLICY, name, rules: DEFAULT_RULES.filter((rule) => rule.id !== id) });
const NO_RESEARCH = without('research-and-planning');
const NO_DISSENT = without('local-dissent');
const anna = { subject: 'anna', organisation: null };
const bert = { subject: 'bert', organisation: 'RX901' };

/** Adopts after another policy was adopted at the last moment, the first time. */
function overtakenBy(wiring: Wiring, other: Policy): Adopt {
  let isOvertaken = false;
  return async (policy, adoption, after) => {
    if (!isOvertaken) await wiring.policies.adopt(other);
    isOvertaken = true;
    return wiring.policies.adopt(policy, adoption, after);
  };
}

async function opened() {
  const { wiring } = await region();
  await publish(wiring, [observation(ANNE, 'a'), observation(BERT, 'a')]);
  return wiring;
}

describe('a policy that is overtaken between its plan and its adoption', () => {
  it.each([
    ['adopted all the same where that changed nothing of what it closes', { ...POLICY, name: 'renamed' }, 'adopted', 3],
    ['not adopted where it would open again what that closed', without('individual-care'), 'overtaken', 2],
    ['not adopted where that closed the same already', { ...NO_RESEARCH, name: 'the same' }, 'overtaken', 2],
  ] as const)('is %s', async (_, other, state, version) => {
    const wiring = await opened();
    const proposed = { id: 'p1', policy: NO_RESEARCH, reason: 'Agreed', by: anna };
    const proposal = await proposePolicy(wiring, proposed, overtakenBy(wiring, other));
    expect(proposal).toMatchObject({ state, version, opens: false });
    expect((await wiring.policies.current()).policy.name).toBe(state === 'adopted' ? NO_RESEARCH.name : other.name);
  });

  it('is not adopted on the word of somebody who saw other figures', async () => {
    const wiring = await opened();
    const adopt: Adopt = (policy, adoption, after) => wiring.policies.adopt(policy, adoption, after);
    const waiting = await proposePolicy(wiring, { id: 'p1', policy: NO_DISSENT, reason: 'Agreed', by: anna }, adopt);
    expect(waiting).toMatchObject({ state: 'waiting', opens: true });
    const overtaken = authorisePolicy(wiring, 'p1', bert, overtakenBy(wiring, NO_RESEARCH));
    await expect(overtaken).rejects.toMatchObject({ why: 'overtaken', proposal: { version: 2 } });
    expect(await policyProposals(wiring)).toMatchObject([{ id: 'p1', state: 'overtaken', authorisedBy: null }]);
    expect((await wiring.policies.current()).policy.name).toBe(NO_RESEARCH.name);
  });
});
