import { rawEvent, toRawMessages } from '@weft/hl7v2';
import {
  careEventsTopic,
  CONSENT_TOPIC,
  hl7v2Topic,
  type OutgoingMessage,
  quarantineMessages,
  RECORD_PROJECTOR_GROUP,
  REDRIVES_HEADER,
  regionTopics,
} from '@weft/processing';
import { World } from '@weft/testing';
import { Arrivals, type Arrived, type ListenerZone } from './arrivals.js';
import type { ManifestHead } from './manifest.js';

const ORGANISATIONS = [
  { ods: 'RX901', name: 'A trust', kind: 'acute' },
  { ods: 'RX902', name: 'Another', kind: 'acute' },
] as const;
const HEAD = { organisation: 'RX901', from: '2026-01-01T00:00:00Z', until: '2026-01-02T00:00:00Z' };
const LISTENERS: readonly ListenerZone[] = [{ name: 'pas', organisation: 'RX901', timeZone: 'Europe/London' }];

async function opened() {
  const wiring = new World({ seed: 1 }).directly();
  await wiring.bus.createTopics(regionTopics(ORGANISATIONS, 1, ['RX901']));
  const arrivedOf = async (head: Partial<ManifestHead>): Promise<Arrived[]> => {
    const arrivals = await Arrivals.open(wiring, { ...HEAD, kind: 'events', ...head }, LISTENERS);
    const arrived: Arrived[] = [];
    for await (const one of arrivals.read(() => undefined)) arrived.push(one);
    return arrived;
  };
  return { ...wiring, arrivedOf };
}

const event = (
  id: string,
  more: { readonly source?: string; readonly topic?: string; readonly headers?: object } = {},
): OutgoingMessage => {
  const { source = 'urn:ods:RX901', topic = careEventsTopic('RX901'), headers } = more;
  const attributes = { ce_id: id, ce_source: source, ce_type: 'care-event-recorded-1', ce_time: '2026-01-01T10:00:00+01:00' };
  return { topic, key: '9990000018', value: Buffer.from('{}'), headers: { ...attributes, ...headers } };
};

const message = (controlId: string, time: string, more = ''): Uint8Array =>
  Buffer.from(`MSH|^~\\&|PAS|RX901|||${time}||ADT^A01|${controlId}|P|2.4\rEVN|A01\r${more}`);
const raw = (bytes: Uint8Array, name = 'pas', kind: 'message' | 'truncated' = 'message'): OutgoingMessage[] =>
  toRawMessages(rawEvent({ organisation: 'RX901', name }, kind, bytes, Date.parse('2026-07-01T12:00:00Z'))).map((one) => ({
    ...{ topic: hl7v2Topic('RX901'), key: name },
    ...one,
  }));

const namesOf = (arrived: readonly Arrived[]): string[] => arrived.map(({ name }) => name.join(' '));

describe('what arrived of an organisation', () => {
  it('is what it sent itself, in either mode of CloudEvents, and nothing of anybody else', async () => {
    const { bus, arrivedOf } = await opened();
    const structured = { id: 's1', source: 'urn:ods:RX901:lab', specversion: '1.0', type: 'care-event-recorded-1', data: {} };
    await bus.publish([
      event('e1'),
      {
        ...event(''),
        headers: { 'content-type': 'application/cloudevents+json' },
        value: Buffer.from(JSON.stringify(structured)),
      },
      event('e3', { topic: careEventsTopic('RX902'), source: 'urn:ods:RX902' }),
      event('c1', { topic: CONSENT_TOPIC }),
      event('c2', { topic: CONSENT_TOPIC, source: 'urn:ods:RX902' }),
      event('c3', { topic: CONSENT_TOPIC, source: 'urn:weft:governance' }),
      { ...event(''), topic: CONSENT_TOPIC, headers: {} },
    ]);
    const arrived = await arrivedOf({});
    expect(namesOf(arrived)).toEqual(['urn:ods:RX901 e1', 'urn:ods:RX901:lab s1', 'urn:ods:RX901 c1']);
    expect(arrived[0]!.time).toBe(Date.parse('2026-01-01T09:00:00Z'));
  });

  it('is not what was made of its HL7 v2', async () => {
    const { bus, arrivedOf } = await opened();
    await bus.publish([event(`${'0a'.repeat(32)}.0.1`), event('e2')]);
    expect(namesOf(await arrivedOf({}))).toEqual(['urn:ods:RX901 e2']);
  });

  it('waits until its projector has dealt with it, and is refused while it stands in quarantine', async () => {
    const { bus, arrivedOf } = await opened();
    const topic = careEventsTopic('RX901');
    const [first] = await bus.publish([event('e1'), event('e2'), event('e1', { headers: { [REDRIVES_HEADER]: 'x' } })]);
    const problem = { field: 'data', code: 'malformed', message: 'is none' };
    const [stored] = await bus.read(topic, 0, first!.offset, 1);
    const statesOf = (arrived: readonly Arrived[]) =>
      arrived.map(({ refused, waits, isRedriven }) => [refused?.[0]?.code, waits, isRedriven]);
    expect(statesOf(await arrivedOf({}))).toEqual([
      [undefined, true, false],
      [undefined, true, false],
      [undefined, true, true],
    ]);
    await bus.publish(quarantineMessages(stored!, [problem], '2026-01-01T10:00:00Z'));
    // Its projector has not committed yet that it refused it.
    expect(statesOf(await arrivedOf({}))[0]).toEqual(['malformed', false, false]);
    await bus.seek(RECORD_PROJECTOR_GROUP, topic, [{ partition: 0, offset: first!.offset + 1 }]);
    expect(statesOf(await arrivedOf({}))).toEqual([
      ['malformed', false, false],
      [undefined, true, false],
      [undefined, true, true],
    ]);
    await bus.publish([{ topic: 'weft.quarantine', key: `${topic}/0/${first!.offset}`, value: null, headers: {} }]);
    expect(statesOf(await arrivedOf({}))[0]).toEqual([undefined, false, false]);
  });

  it('is by HL7 v2 known by MSH-10 and its bytes, at the time of MSH-7 in the listener’s zone', async () => {
    const { bus, arrivedOf } = await opened();
    await bus.publish([
      ...raw(message('M1', '20260701100000')),
      ...raw(message(' M2 ', '20260101100000+0000')),
      ...raw(message('M1', '20260701100000')),
    ]);
    const arrived = await arrivedOf({ kind: 'hl7v2' });
    expect(arrived.map(({ name, type, time }) => [name, type, new Date(time).toISOString()])).toEqual([
      [['M1'], 'ADT^A01', '2026-07-01T09:00:00.000Z'],
      [['M2'], 'ADT^A01', '2026-01-01T10:00:00.000Z'],
      [['M1'], 'ADT^A01', '2026-07-01T09:00:00.000Z'],
    ]);
    expect(arrived[2]!.identity).toEqual(arrived[0]!.identity);
    expect(arrived[1]!.identity).not.toEqual(arrived[0]!.identity);
  });

  it('is one message, however many parts it came in, once the last is there', async () => {
    const { bus, arrivedOf } = await opened();
    const parts = raw(message('M1', '20260701100000', `OBX|1|ED|x||${'A'.repeat(2_100_000)}`));
    expect(parts).toHaveLength(3);
    await bus.publish(parts.slice(0, 2));
    expect(await arrivedOf({ kind: 'hl7v2' })).toEqual([]);
    await bus.publish([...raw(message('M2', '20260701100000')), ...parts.slice(2)]);
    expect(namesOf(await arrivedOf({ kind: 'hl7v2' }))).toEqual(['M2', 'M1']);
  });

  it('leaves out what was cut off on the way, and of another listener', async () => {
    const { bus, arrivedOf } = await opened();
    await bus.publish([
      ...raw(message('M1', '20260701100000'), 'pas', 'truncated'),
      ...raw(message('M2', '20260701100000'), 'lab'),
      ...raw(message('M3', '20260701100000')),
    ]);
    expect(namesOf(await arrivedOf({ kind: 'hl7v2' }))).toEqual(['M2', 'M3']);
    expect(namesOf(await arrivedOf({ kind: 'hl7v2', listener: 'pas' }))).toEqual(['M3']);
  });

  it('of one that sends nothing by HL7 v2 is nothing', async () => {
    const { arrivedOf } = await opened();
    expect(await arrivedOf({ kind: 'hl7v2', organisation: 'RX902' })).toEqual([]);
  });
});
