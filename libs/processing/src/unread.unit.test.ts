import { provision } from '@weft/domain';
import { ANNE, BERT, careEventMessage, decisionMessage, idleRegion, observation } from './region.fixture.js';
import { careEventsTopic, CONSENT_TOPIC, OPT_OUT_PROJECTOR_GROUP, RECORD_PROJECTOR_GROUP } from './topics.js';
import { unreadMessages } from './unread.js';

describe('what was accepted and no projector has dealt with', () => {
  it('is counted on every inbound topic and on no other, and less by what its group has committed', async () => {
    const wiring = await idleRegion();
    const { bus } = wiring;
    expect(await unreadMessages(bus)).toBe(0);
    await bus.publish([ANNE, BERT].map((nhsNumber) => careEventMessage(observation(nhsNumber, 'o1'))));
    await bus.publish([decisionMessage(wiring, ANNE, provision('deny', ['research']))]);
    await bus.publish([{ topic: 'weft.record-changes.research', key: 'key', value: null, headers: {} }]);
    expect(await unreadMessages(bus)).toBe(3);
    for (const [group, topic] of [
      [RECORD_PROJECTOR_GROUP, careEventsTopic('RX901')],
      [OPT_OUT_PROJECTOR_GROUP, CONSENT_TOPIC],
    ] as const) {
      const before = await unreadMessages(bus);
      const ends = (await bus.offsets(topic)).map(({ partition, high }) => ({ partition, offset: high }));
      await bus.seek(group, topic, ends);
      expect(await unreadMessages(bus)).toBeLessThan(before);
    }
    expect(await unreadMessages(bus)).toBe(0);
  });
});
