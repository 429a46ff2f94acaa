import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesOf, NO_STREAM } from '@weft/processing';
import { openEngines } from './engines.js';
import { readSettings } from './settings.js';

describe('engines', () => {
  it('are the embedded ones where nothing else is configured, and keep what they were given', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'weft-engines-'));
    const { settings } = readSettings({ WEFT_DATA_DIR: directory });
    const first = await openEngines(settings);
    await first.bus.createTopics([{ topic: 'weft.consent', partitions: 2 }]);
    await first.store.append('consent-1', NO_STREAM, [
      { id: '6f1b9d3c-2f65-4f0e-9d3c-0f5a3c1b2d4e', type: 'decision', data: bytesOf('{}') },
    ]);
    await first.close();

    const again = await openEngines(settings);
    await Promise.all([again.bus.check(), again.store.check()]);
    expect((await again.bus.topics()).map(({ topic }) => topic)).toEqual(['weft.consent']);
    expect(await again.store.head('consent-1')).toBe(0);
    await again.close();
    rmSync(directory, { recursive: true });
  });

  it.each([
    ['WEFT_KAFKA_BROKERS', '127.0.0.1:1', /^Kafka at 127\.0\.0\.1:1 \(WEFT_KAFKA_BROKERS\): .*ECONNREFUSED/],
    [
      'WEFT_EVENTSTORE_URL',
      'esdb://user:secret@127.0.0.1:1?tls=false',
      /^EventStoreDB at 127\.0\.0\.1:1 \(WEFT_EVENTSTORE_URL\): /,
    ],
  ])('say with %s where nobody answers, the setting and the reason, and no secret', async (name, value, message) => {
    const directory = mkdtempSync(join(tmpdir(), 'weft-engines-'));
    const { settings } = readSettings({ WEFT_DATA_DIR: directory, [name]: value });
    const opening = openEngines(settings);
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toThrow(expect.not.stringContaining('secret'));
    rmSync(directory, { recursive: true });
  });
});
