import type { Organisation } from '@weft/domain';
import { acceptEvent } from './accept-event.js';
import { careEventsOfBundle } from './bundle.js';
import { withKept } from './kept-with.js';
import { createMessageReader } from './message.js';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const SUBJECT = '9990033471';
const NHS = 'https://fhir.nhs.uk/Id/nhs-number';
const organisations = new Map<string, Organisation>([['RX901', { ods: 'RX901', name: 'Acute', kind: 'acute' }]]);
const subject = { identifier: { system: NHS, value: SUBJECT } };
const observation = { resourceType: 'Observation', id: 'o1', status: 'final', code: { text: 'Height' }, subject };
const consent = { resourceType: 'Consent', id: 'c1', patient: subject, provision: { type: 'deny' } };
const list = <T>(length: number, item: (index: number) => T): T[] => Array.from({ length }, (_, index) => item(index));

const attributes = (type: string) => ({
  specversion: '1.0',
  id: 'a-1',
  source: 'urn:ods:RX901',
  type,
  subject: SUBJECT,
  time: '2026-03-01T11:59:00Z',
  datacontenttype: 'application/fhir+json',
});

type Refusals = readonly string[];
const told = (reading: { ok: boolean; problems?: readonly { code: string }[] }): Refusals =>
  (reading.problems ?? []).map(({ code }) => code);

function asEvent(resource: unknown, type = 'care-event-recorded-1'): Refusals {
  const received = { attributes: attributes(type), data: { ok: true as const, event: resource }, bytes: new Uint8Array() };
  return told(acceptEvent(received, { organisations, now: NOW }));
}
function inBundle(...resources: unknown[]): readonly Refusals[] {
  const bundle = { resourceType: 'Bundle', type: 'collection', entry: resources.map((resource) => ({ resource })) };
  const reading = careEventsOfBundle(bundle, { organisations, organisation: 'RX901', now: NOW, keys: { fresh: 'request' } });
  return reading.ok ? reading.event.map((item) => told(item.reading)) : [];
}
function inTopic(resource: unknown, type: string, read: 'careEvent' | 'decision' = 'careEvent') {
  const { datacontenttype, ...rest } = attributes(type);
  const headers = Object.fromEntries(Object.entries(rest).map(([name, value]) => [`ce_${name}`, value]));
  const message = {
    topic: read === 'decision' ? 'weft.consent' : 'weft.care-events.RX901',
    ...{ partition: 0, offset: 7, timestamp: NOW, key: SUBJECT },
    value: new TextEncoder().encode(JSON.stringify(resource)),
    headers: { ...headers, 'content-type': datacontenttype },
  };
  return createMessageReader({ organisations, now: () => NOW })[read](message);
}

/** A value that must not be read. */
const untouched = () => ({
  get code(): never {
    throw new Error('read');
  },
});

describe('what costs more than it is', () => {
  it.each<[string, object]>([
    ['a list above the limit', { extension: list(330_000, () => ({})) }],
    ['more values than the limit', { component: list(12, () => ({ extension: list(15_000, () => 1) })) }],
    ['more text than a message carries', { note: [{ text: 'x'.repeat(21 * 1_048_576) }] }],
  ])('is refused as too costly, alone, in a Bundle and in a topic: %s', (_, more) => {
    const resource = { ...observation, ...more };
    expect(asEvent(resource)).toEqual(['too-costly']);
    expect(inBundle(resource, observation)).toEqual([['too-costly'], []]);
    const [code] = told(inTopic(resource, 'care-event-recorded-1'));
    expect(['too-costly', 'too-large']).toContain(code);
  });

  it('is read no further than to the limit: not for its rules, not to be written again, whatever type of event carries it', () => {
    const resource = { ...observation, participant: list(20_001, untouched) };
    for (const type of ['care-event-recorded-1', 'care-event-retracted-1'])
      expect(asEvent(resource, type)).toEqual(['too-costly']);
    expect(asEvent({ ...consent, provision: { provision: list(20_001, untouched) } }, 'consent-decision-recorded-1')).toEqual([
      'too-costly',
    ]);
    expect(inBundle(resource)).toEqual([['too-costly']]);
  });

  it('is told 50 problems of 9,000', () => {
    expect(asEvent({ ...observation, extension: list(9_000, () => 1) })).toHaveLength(50);
  });

  it('closes its person, when it is a decision in the topic: it may be an objection to all', () => {
    const costly = { ...consent, provision: { type: 'permit', provision: list(30_000, () => ({})) } };
    const reading = inTopic(costly, 'consent-decision-recorded-1', 'decision');
    expect(told(reading)).toEqual(['too-costly']);
    expect(reading).toMatchObject({ unread: { subject: SUBJECT, decision: { provision: { effect: 'deny', limits: [] } } } });
  });
});

describe('references to what a resource contains', () => {
  /** Contained resources that count how often they are looked at. */
  function counted(length: number) {
    const looks = { count: 0 };
    const contained = list(length, (index) => ({
      get id(): string {
        looks.count += 1;
        return `p${index}`;
      },
    }));
    return { looks, contained };
  }

  it.each([
    ['by the event’s rules', (resource: unknown) => asEvent(resource, 'care-event-retracted-1')],
    ['by a Bundle', (resource: unknown) => inBundle(resource)],
  ])('are looked for in a list that is read a few times, not once for each: %s', (_, judge) => {
    const { looks, contained } = counted(2_000);
    judge({ ...observation, contained, subject: list(2_000, () => ({ reference: '#nobody' })) });
    expect(looks.count).toBeGreaterThan(0);
    expect(looks.count).toBeLessThan(30 * 2_000);
  });
});

describe('a resource about nobody', () => {
  it('is measured once, however many refer to it, and whether or not there is room for it', () => {
    let written = 0;
    const toJSON = { value: () => ((written += 1), 'as JSON') };
    const kept = Object.defineProperty({ resourceType: 'Practitioner', id: 'p1' }, 'toJSON', toJSON);
    const referring = { ...observation, performer: list(100, () => ({ reference: 'Practitioner/p1' })) };
    const made = [0, 1_000].map((characters) => withKept(referring, () => ({ kept }), { resources: 1, characters }));
    expect(made.map(({ isCut }) => isCut)).toEqual([true, false]);
    expect(written).toBe(1);
  });
});
