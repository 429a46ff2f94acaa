import { DEFAULT_AUTHORITIES, provision, type Policy, type Provision } from '@weft/domain';
import { eventMessage, type SaidDecision } from '@weft/testing';
import { applyDecisions } from './apply-decisions.js';
import type { Message } from './ports.js';
import { RecordCareEvents } from './record-care-events.js';
import { ANNE, arriving, idleRegion, ids, observation, POLICY } from './region.fixture.js';
import { CONSENT_TOPIC } from './topics.js';

const [DENIED, PERMITTED] = [provision('deny', ['research']), provision('permit', ['research'])];
/** Everybody may object, and governance alone permits. */
const dissent = { recordedBy: ['governance'], denialRecordedBy: ['any'], liftedBy: ['same-source', 'governance'] } as const;
const NO_PERMISSIONS: Policy = { ...POLICY, authorities: { ...DEFAULT_AUTHORITIES, 'local-dissent': dissent } };

function version(offset: number, says: Provision, more: Partial<SaidDecision> = {}): Message {
  const decision: SaidDecision = {
    ...{ id: `d${offset}`, source: 'urn:ods:Y90001', consentId: 'c', digest: `digest ${offset}`, status: 'active' },
    ...{ authority: 'local-dissent', decidedBy: 'not-stated', provision: says },
    recorder: { as: 'organisation', organisation: 'Y90001', subject: null },
    ...more,
  };
  const message = eventMessage(CONSENT_TOPIC, ANNE, { subject: ANNE, decisions: [decision], isVetted: false });
  return { ...message, partition: 0, offset, timestamp: 1_000 + offset };
}

/** What research sees after the messages were applied, the policy changed before that was committed, and they came again. */
async function comingAgain(messages: readonly Message[]): Promise<readonly string[]> {
  const wiring = await idleRegion();
  await new RecordCareEvents(wiring).handle({ messages: [arriving(observation(ANNE, 'o'))] });
  await wiring.policies.adopt(NO_PERMISSIONS);
  await applyDecisions(wiring, { messages });
  await wiring.policies.adopt(POLICY);
  await applyDecisions(wiring, { messages });
  return ids(wiring, ANNE, 'research');
}

describe('a version of a Consent that was refused, and comes again when another policy is in force', () => {
  it('lifts no objection that a later version made, though it would be taken now', async () => {
    expect(await comingAgain([version(4, PERMITTED), version(5, DENIED)])).toEqual([]);
  });

  it('permits what it says where it says itself that it is the later one', async () => {
    const [late, before] = [2, 1].map((versionId) => ({ version: { versionId } }));
    expect(await comingAgain([version(4, PERMITTED, late), version(5, DENIED, before)])).toHaveLength(1);
  });

  it('is whole where no version came after it', async () => {
    expect(await comingAgain([version(4, DENIED), version(5, PERMITTED)])).toHaveLength(1);
  });
});
