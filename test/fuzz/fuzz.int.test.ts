import { CONSENT_TOPIC, QUARANTINE_TOPIC, careEventsTopic } from '@weft/processing';
import { missing, stalled, unaccounted } from './src/check.js';
import { fuzz } from './src/fuzz.js';
import { openRegion, type Region } from './src/region.js';
import { FUZZED, WITNESSES } from './src/specimens.js';

/** About half a minute. `npm run fuzz` goes on for longer. */
const ROUNDS = 4;

describe('whatever anybody sends', () => {
  it('is in its record or in quarantine, refused with a reason, and keeps nobody else’s from theirs', async () => {
    const { broken, inputs, counts } = await fuzz(1, (rounds) => rounds < ROUNDS);
    expect(broken).toBeNull();
    expect(inputs).toBe(ROUNDS * 150);
    // It is no fuzzing where nothing is accepted, or nothing refused.
    expect(Object.keys(counts).sort()).toEqual(['2xx', '4xx', 'messages']);
  }, 600_000);
});

describe('the look after it', () => {
  let region: Region;
  beforeEach(async () => void (region = await openRegion()));
  afterEach(() => region.close());
  const publish = async (topic: string, key: string, value: string) => {
    const headers = { 'content-type': 'application/cloudevents+json' };
    const [at] = await region.wiring.bus.publish([{ topic, key, value: Buffer.from(value), headers }]);
    expect(await stalled(region)).toEqual([]);
    return `${at!.topic}/${at!.partition}/${at!.offset}`;
  };

  it.each([careEventsTopic('RX901'), CONSENT_TOPIC])('sees a message of %s that is nowhere', async (topic) => {
    const id = await publish(topic, FUZZED[0] as string, '{');
    expect(await unaccounted(region)).toEqual([]);
    await region.wiring.bus.publish([{ topic: QUARANTINE_TOPIC, key: id, partitionKey: id, value: null, headers: {} }]);
    expect(await unaccounted(region)).toEqual([expect.stringContaining(`${id} cannot be`)]);
  });

  it('sees what is said of somebody and does not arrive', async () => {
    const [number] = WITNESSES as readonly [string];
    expect(await missing(region, new Map([[number, ['RX901/Condition/w']]]), new Set())).toEqual([
      expect.stringContaining('RX901/Condition/w did not arrive'),
    ]);
  });
});
