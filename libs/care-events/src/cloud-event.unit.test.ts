import fc from 'fast-check';
import { MESSAGE_LIMIT_BYTES } from '@weft/processing';
import { BATCH_EVENTS_MAX, contentModeOf, readCloudEvent, readCloudEventBatch } from './cloud-event.js';
import type { Arrival, ReceivedEvent } from './cloud-event.js';

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const text = (part: Uint8Array): string => new TextDecoder().decode(part);
const resource = { resourceType: 'Observation', id: 'o1' };
const attributes = {
  specversion: '1.0',
  id: 'a-1',
  source: 'urn:ods:RX901',
  type: 'care-event-recorded-1',
  subject: '9990033471',
  time: '2026-03-01T11:59:00Z',
};
const all = { ...attributes, datacontenttype: 'application/fhir+json' };
const prefixed = (prefix: string) => Object.fromEntries(Object.entries(attributes).map(([key, value]) => [prefix + key, value]));

function received(arrival: Arrival): ReceivedEvent {
  const reading = readCloudEvent(arrival);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return reading.event;
}
const structured = (body: unknown): Arrival => ({
  mode: 'http',
  headers: { 'content-type': 'application/cloudevents+json; charset=utf-8' },
  body: bytes(body),
});
const codeOf = (arrival: Arrival): string | undefined => {
  const reading = readCloudEvent(arrival);
  if (!reading.ok) return reading.problems[0]?.code;
  return reading.event.data.ok ? undefined : reading.event.data.problems[0]?.code;
};

describe('an event in binary mode', () => {
  it('has its attributes in ce- headers over HTTP, in whatever case they are written', () => {
    const headers = { ...prefixed('CE-'), 'Content-Type': 'application/fhir+json' };
    const event = received({ mode: 'http', headers, body: bytes(resource) });
    expect(event.attributes).toEqual(all);
    expect(event.data).toEqual({ ok: true, event: resource });
  });

  it('has them in ce_ headers over Kafka, not percent-encoded', () => {
    const headers = { ...prefixed('ce_'), ce_id: '100%25', 'content-type': 'application/fhir+json' };
    expect(received({ mode: 'kafka', headers, body: bytes(resource) }).attributes).toEqual({ ...all, id: '100%25' });
  });

  it('has HTTP values unquoted and percent-decoded, as the binding asks', () => {
    const headers = { ...prefixed('ce-'), 'ce-id': '"caf%C3%A9 \\"1\\""', 'content-type': 'application/fhir+json' };
    expect(received({ mode: 'http', headers, body: bytes(resource) }).attributes['id']).toBe('café "1"');
    expect(codeOf({ mode: 'http', headers: { ...headers, 'ce-id': '%ff' }, body: bytes(resource) })).toBe('malformed');
  });

  it('keeps the bytes of its resource as they came, spaces and trailing zeros included', () => {
    const body = '{ "resourceType": "Observation", "value": 1.00 }';
    expect(text(received({ mode: 'kafka', headers: prefixed('ce_'), body: bytes(body) }).bytes)).toBe(body);
  });

  it('keeps its attributes when its data cannot be read, so that every problem can be told', () => {
    const event = received({ mode: 'http', headers: prefixed('ce-'), body: bytes('{"a":') });
    expect(event.attributes['subject']).toBe('9990033471');
    expect(event.data.ok).toBe(false);
  });

  it('may lack data altogether: a tombstone, an empty body', () => {
    expect(received({ mode: 'kafka', headers: prefixed('ce_'), body: null }).data).toEqual({ ok: true, event: undefined });
    expect(received({ mode: 'http', headers: prefixed('ce-'), body: new Uint8Array() }).data).toEqual({
      ok: true,
      event: undefined,
    });
  });

  it('takes a repeated HTTP header for one value that no rule will accept', () => {
    const headers = { ...prefixed('ce-'), 'ce-subject': ['9990033471', '9990079196'] };
    expect(received({ mode: 'http', headers, body: bytes(resource) }).attributes['subject']).toBe('9990033471, 9990079196');
  });
});

describe('an event in structured mode', () => {
  it('is the same event, over HTTP and over Kafka', () => {
    for (const mode of ['http', 'kafka'] as const) {
      const event = received({ ...structured({ ...all, data: resource }), mode });
      expect(event.attributes).toMatchObject(all);
      expect(event.data).toEqual({ ok: true, event: resource });
      expect(text(event.bytes)).toBe(JSON.stringify(resource));
    }
  });

  it('is refused with two members called data, however they are written: the next reader may take the other one', () => {
    const reading = readCloudEvent(structured(`{"data":{"id":"first"},"d\\u0061ta" : {"id": "second"} }`));
    expect(reading).toMatchObject({ ok: false, problems: [{ field: 'body.data', code: 'repeated-member' }] });
  });

  it('may carry its data as base64', () => {
    const data_base64 = Buffer.from(JSON.stringify(resource)).toString('base64');
    const event = received(structured({ ...all, data_base64 }));
    expect(event.data).toEqual({ ok: true, event: resource });
    expect(text(event.bytes)).toBe(JSON.stringify(resource));
  });

  it.each([
    ['base64 that is none', { ...all, data_base64: '****' }, 'malformed'],
    ['base64 that is a number', { ...all, data_base64: 7 }, 'malformed'],
    ['base64 of no JSON', { ...all, data_base64: Buffer.from('{').toString('base64') }, 'not-json'],
    ['base64 of bytes that are not UTF-8', { ...all, data_base64: '/w==' }, 'not-utf-8'],
    ['data in both ways', { ...all, data: resource, data_base64: 'e30=' }, 'malformed'],
    ['a list instead of an event', [], 'malformed'],
    ['a text instead of an event', '"event"', 'malformed'],
    ['JSON that is cut off', '{"specversion":"1.0"', 'not-json'],
    ['nesting without end', '['.repeat(1000), 'too-deep'],
    ['a __proto__ key', `{"data":{},"__proto__":{"data":{}}}`, 'forbidden-key'],
    ['more than a message may carry', ' '.repeat(MESSAGE_LIMIT_BYTES + 1), 'too-large'],
  ])('is refused with %s', (_, body, code) => expect(codeOf(structured(body))).toBe(code));

  it('may lack data, which is for its acceptance to refuse', () => {
    expect(received(structured(all)).data).toEqual({ ok: true, event: undefined });
  });
});

describe('a batch', () => {
  it('answers for each of its events by itself', () => {
    const reading = readCloudEventBatch(
      bytes(`[${JSON.stringify({ ...all, data: resource })}, {"id":}, ${'['.repeat(70)}${']'.repeat(70)}, 7]`),
    );
    expect(
      reading.ok && reading.event.map(({ reading: item }) => (item.ok ? item.event.attributes['id'] : item.problems[0]?.code)),
    ).toEqual(['a-1', 'not-json', 'too-deep', 'malformed']);
  });

  it('may be empty', () => expect(readCloudEventBatch(bytes('[]'))).toEqual({ ok: true, event: [] }));

  it.each(['', '{}', '[{}', '[{}] []', 'null'])('is refused as a whole when its events cannot be told apart: %j', (body) => {
    const reading = readCloudEventBatch(bytes(body));
    expect(!reading.ok && reading.problems[0]?.code).toBe('not-json');
  });

  it('holds no more events than can be answered at once', () => {
    const reading = readCloudEventBatch(bytes(`[${'1,'.repeat(BATCH_EVENTS_MAX)}1]`));
    expect(!reading.ok && reading.problems[0]?.code).toBe('too-large');
  });

  it('measures each event by the limit of a message', () => {
    const big = JSON.stringify({ ...all, data: { pad: 'x'.repeat(MESSAGE_LIMIT_BYTES) } });
    const reading = readCloudEventBatch(bytes(`[${big},${JSON.stringify(all)}]`));
    expect(reading.ok && reading.event.map(({ reading: item }) => (item.ok ? 'read' : item.problems[0]?.code))).toEqual([
      'too-large',
      'read',
    ]);
  });
});

describe('the content mode', () => {
  it.each([
    ['application/fhir+json', 'binary'],
    [undefined, 'binary'],
    ['application/cloudevents+json', 'structured'],
    ['Application/CloudEvents+JSON; charset=UTF-8', 'structured'],
    ['application/cloudevents-batch+json', 'batch'],
    ['application/cloudevents+avro', 'unsupported'],
  ])('of content type %s is %s', (contentType, mode) => {
    expect(contentModeOf({ headers: { 'content-type': contentType } })).toBe(mode);
  });

  it('that holds no single event is refused where one is wanted', () => {
    for (const contentType of ['application/cloudevents+avro', 'application/cloudevents-batch+json']) {
      expect(codeOf({ mode: 'kafka', headers: { 'content-type': contentType }, body: bytes('[]') })).toBe('unsupported');
    }
  });
});

describe('reading', () => {
  it('never throws, whatever bytes arrive under whatever headers', () => {
    const names = fc.constantFrom('content-type', 'ce-id', 'ce_id', 'ce-time', 'CE-SUBJECT', '__proto__', 'constructor');
    const values = fc.oneof(fc.string(), fc.constantFrom('application/cloudevents+json', 'application/cloudevents-batch+json'));
    const body = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.json().map(bytes), fc.constant(null));
    fc.assert(
      fc.property(
        fc.dictionary(names, values),
        body,
        fc.constantFrom('http' as const, 'kafka' as const),
        (headers, given, mode) => {
          expect(typeof readCloudEvent({ headers, body: given, mode }).ok).toBe('boolean');
          expect(typeof readCloudEventBatch(given ?? new Uint8Array()).ok).toBe('boolean');
        },
      ),
      { numRuns: 500 },
    );
  });
});
