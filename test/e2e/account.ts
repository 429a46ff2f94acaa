import { careEventsTopic, CONSENT_TOPIC, type EventBus, OPT_OUT_PROJECTOR_GROUP, RECORD_PROJECTOR_GROUP } from '@weft/processing';
import type { Told } from './load.js';
import type { Processes, Running } from './processes.js';

/** Resolves once both projectors have dealt with everything published. */
export async function settled({ settings }: Processes, bus: EventBus): Promise<void> {
  const groups = [
    ...settings.organisations.map(({ ods }) => [RECORD_PROJECTOR_GROUP, careEventsTopic(ods)] as const),
    [OPT_OUT_PROJECTOR_GROUP, CONSENT_TOPIC] as const,
  ];
  for (const [group, topic] of groups) {
    while ((await lag(bus, group, topic)) > 0) await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** How many messages of a topic a group has not dealt with. */
export async function lag(bus: EventBus, group: string, topic: string): Promise<number> {
  const [ends, committed] = await Promise.all([bus.offsets(topic), bus.committed(group, topic)]);
  const offsets = new Map(committed.map(({ partition, offset }) => [partition, offset]));
  return ends.reduce((sum, { partition, low, high }) => sum + high - Math.max(low, offsets.get(partition) ?? -1), 0);
}

/** Every acknowledged event is in its patient's record, once, and `weft verify` finds no view that differs. */
export async function expectAllRecorded(region: Processes, recordApi: Running, acknowledged: readonly Told[]): Promise<void> {
  const expected = new Map<string, string[]>();
  for (const { nhsNumber, organisation, id } of acknowledged) {
    const entries = expected.get(nhsNumber) ?? [];
    expected.set(nhsNumber, entries);
    entries.push(`${organisation}/Condition/${id}`);
  }
  for (const [nhsNumber, ids] of expected) {
    const response = await region.as(['governance'], `${recordApi.url}/records/${nhsNumber}?purpose=direct-care`);
    const { entries } = (await response.json()) as { entries: { organisation: string; resource: { id: string } }[] };
    const held = entries.map(({ organisation, resource }) => `${organisation}/Condition/${resource.id}`);
    expect(held.sort()).toEqual(ids.sort());
  }
  const verified = await region.weft('verify', '--json');
  expect(verified).toMatchObject({ status: 0, stderr: expect.any(String) });
  expect(JSON.parse(verified.stdout)).toMatchObject({ differing: [] });
}
