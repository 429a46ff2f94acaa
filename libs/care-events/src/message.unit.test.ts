import { onlyDenying, PURPOSES, type NewDecision, type Organisation } from '@weft/domain';
import { MENDS_HEADER, type Message } from '@weft/processing';
import { acceptEvent } from './accept-event.js';
import type { AcceptedEvent } from './accept-event.js';
import { createMessageReader, mendsHeader, SEAL_HEADER, sealMessage, toMessage } from './message.js';
import type { ReaderOptions } from './message.js';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const SUBJECT = '9990033471';
const NHS = 'https://fhir.nhs.uk/Id/nhs-number';
const organisations = new Map(['RX901', 'Y90001'].map((ods): [string, Organisation] => [ods, { ods, name: ods, kind: 'acute' }]));
const seal = sealMessage('secret');
const bytes = (value: unknown) => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const observation = { resourceType: 'Observation', id: 'o1', status: 'final', code: { text: 'Body height' } };
const notFhir = { resourceType: 'Observation', id: 'o1' };
const consent = {
  resourceType: 'Consent',
  id: 'c1',
  status: 'active',
  scope: { coding: [{ code: 'patient-privacy' }] },
  category: [{ text: 'Opt-out' }],
  policy: [{ uri: 'urn:weft:authority:type-1' }],
  patient: { identifier: { system: NHS, value: SUBJECT } },
  dateTime: '2026-02-28',
};

function accepted(resource: unknown, type = 'care-event-recorded-1', json: unknown = resource): AcceptedEvent {
  const attributes = {
    specversion: '1.0',
    id: 'a-1',
    source: 'urn:ods:RX901',
    type,
    subject: SUBJECT,
    time: '2026-03-01T11:59:00Z',
    datacontenttype: 'application/fhir+json',
  };
  const received = { attributes, data: { ok: true as const, event: resource }, bytes: bytes(json) };
  const reading = acceptEvent(received, { organisations, now: NOW, validate: false });
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return reading.event;
}
function message(event: AcceptedEvent, changes: Partial<Message> = {}, sealed = true): Message {
  return { ...toMessage(event, sealed ? { seal } : {}), partition: 0, offset: 7, timestamp: NOW, ...changes };
}
const reader = (options: Partial<ReaderOptions> = {}) => createMessageReader({ organisations, now: () => NOW, seal, ...options });
function refusals(of: Message, options: Partial<ReaderOptions> = {}, read: 'careEvent' | 'decision' = 'careEvent'): string[] {
  const reading = reader(options)[read](of);
  return reading.ok ? [] : reading.problems.map(({ field, code }) => `${field} ${code}`);
}

describe('an accepted event as a message', () => {
  it('stands in its organisation’s topic, keyed by the subject, in binary mode', () => {
    expect(toMessage(accepted(observation))).toEqual({
      topic: 'weft.care-events.RX901',
      key: SUBJECT,
      value: bytes(observation),
      headers: {
        ce_specversion: '1.0',
        ce_id: 'a-1',
        ce_source: 'urn:ods:RX901',
        ce_type: 'care-event-recorded-1',
        ce_subject: SUBJECT,
        ce_time: '2026-03-01T11:59:00Z',
        'content-type': 'application/fhir+json',
      },
    });
  });

  it('carries the resource with the characters it came in', () => {
    const json = '{ "resourceType": "Observation", "id": "o1", "valueQuantity": { "value": 1.00 } }';
    expect(new TextDecoder().decode(toMessage(accepted(observation, undefined, json)).value!)).toBe(json);
  });

  it('stands in the consent topic when it is a decision', () => {
    expect(toMessage(accepted(consent, 'consent-decision-recorded-1')).topic).toBe('weft.consent');
  });

  it('is read back as the same event', () => {
    const event = accepted(observation);
    const { bytes: _, ...careEvent } = event;
    expect(reader().careEvent(message(event))).toEqual({ ok: true, event: careEvent });
  });

  it('is read back from structured mode too', () => {
    const { type, id, source, subject, time } = accepted(observation);
    const envelope = {
      specversion: '1.0',
      type,
      id,
      source,
      subject,
      time,
      datacontenttype: 'application/fhir+json',
      data: observation,
    };
    const structured = { value: bytes(envelope), headers: { 'content-type': 'application/cloudevents+json' } };
    expect(reader().careEvent(message(accepted(observation), structured))).toMatchObject({
      ok: true,
      event: { resource: observation, subject },
    });
  });

  it('keeps the survivor of a merge', () => {
    const other = { identifier: { system: NHS, value: '9990079196' } };
    const merged = { resourceType: 'Patient', id: 'p1', link: [{ type: 'replaced-by', other }] };
    expect(reader().careEvent(message(accepted(merged, 'patient-merged-1')))).toMatchObject({
      ok: true,
      event: { survivor: '9990079196' },
    });
  });
});

describe('a message of an inbound topic', () => {
  it('is refused in another organisation’s topic', () => {
    expect(refusals(message(accepted(observation), { topic: 'weft.care-events.Y90001' }))).toEqual(['source not-the-sender']);
  });

  it('is refused under a key that is not its subject, which would lose the order of the patient', () => {
    expect(refusals(message(accepted(observation), { key: '9990079196' }))).toEqual(['key not-the-subject']);
    expect(refusals(message(accepted(observation), { key: '' }))).toEqual(['key not-the-subject']);
  });

  it('is refused without a value', () => {
    expect(refusals(message(accepted(observation), { value: null }))).toEqual(['data required']);
  });

  it('is refused with every header’s problem when it has none', () => {
    expect(refusals(message(accepted(observation), { headers: {} })).sort()).toEqual(
      [
        'datacontenttype required',
        'id required',
        'key not-the-subject',
        'source required',
        'specversion required',
        'subject required',
        'time required',
        'type required',
      ].sort(),
    );
  });

  it('is refused when it is a decision in a care-events topic, or a care event in the consent topic', () => {
    const decision = message(accepted(consent, 'consent-decision-recorded-1'));
    expect(refusals({ ...decision, topic: 'weft.care-events.RX901' })).toEqual(['type wrong-topic']);
    expect(refusals(message(accepted(observation), { topic: 'weft.consent' }), {}, 'decision')).toEqual(['type wrong-topic']);
  });

  it('in the consent topic may come from any organisation of the region, and from no other', () => {
    const decision = message(accepted(consent, 'consent-decision-recorded-1'));
    expect(reader().decision(decision)).toMatchObject({
      ok: true,
      event: { subject: SUBJECT, decisions: [{ consentId: 'c1', authority: 'type-1' }], isVetted: true },
    });
    const unsealed = message(accepted(consent, 'consent-decision-recorded-1'), {}, false);
    expect(refusals(unsealed, { organisations: new Map() }, 'decision')).toEqual(['source unknown-organisation']);
  });
});

describe('the seal of the gateway', () => {
  it('spares a message what it was judged by already', () => {
    expect(refusals(message(accepted(notFhir)))).toEqual([]);
    expect(refusals(message(accepted(notFhir), {}, false))).toEqual(['Observation.status required', 'Observation.code required']);
  });

  it.each(['care-event-recorded-1', 'care-event-retracted-1'] as const)('changes nothing of what is read: %s', (type) => {
    const event = accepted(observation, type);
    expect(reader().careEvent(message(event))).toEqual(reader().careEvent(message(event, {}, false)));
  });

  it('changes nothing of a decision that is read, but that nobody asks again who may make it', () => {
    const event = accepted(consent, 'consent-decision-recorded-1');
    const [sealed, unsealed] = [message(event), message(event, {}, false)].map((each) => reader().decision(each));
    expect(sealed).toMatchObject({ ok: true, event: { isVetted: true } });
    expect(unsealed).toEqual({ ok: true, event: { ...(sealed as { event: object }).event, isVetted: false } });
  });

  it('keeps who recorded a decision: the token’s subject, whatever the source', () => {
    const recorder = { as: 'organisation', organisation: 'RX901', subject: 'dr-x' } as const;
    const event = accepted(consent, 'consent-decision-recorded-1');
    const decided = { ...event, decisions: event.decisions!.map((one) => ({ ...one, recorder })) };
    expect(reader().decision(message(decided))).toMatchObject({ ok: true, event: { decisions: [{ recorder }] } });
  });

  it('keeps out of a Consent what the gateway did not accept of it', () => {
    const both = ['type-1', 'withheld-item'].map((name) => ({ uri: `urn:weft:authority:${name}` }));
    const provision = { type: 'deny', provision: [{ type: 'permit' }] };
    const event = accepted({ ...consent, policy: both, provision }, 'consent-decision-recorded-1');
    const [typeOne, item] = event.decisions!;
    const read = (decisions: NewDecision[]) => {
      const reading = reader().decision(message({ ...event, decisions }));
      return reading.ok && reading.event.decisions;
    };
    expect(read([typeOne!, item!])).toEqual([typeOne, item]);
    expect(read([item!])).toEqual([item]);
    expect(read([onlyDenying(item!)])).toEqual([onlyDenying(item!)]);
  });

  const header = (name: string, value: string) => (sealed: Message) => ({ headers: { ...sealed.headers, [name]: value } });
  it.each<[string, (sealed: Message) => Partial<Message>, Partial<ReaderOptions>]>([
    ['another secret made it', () => ({}), { seal: sealMessage('another') }],
    ['it was made for another value', ({ value }) => ({ value: bytes(`${new TextDecoder().decode(value!)} `) }), {}],
    ['it was made for another key', () => ({ key: '9990079196' }), {}],
    ['it was made for another topic', () => ({ topic: 'weft.care-events.Y90001' }), {}],
    ['it was made for another event', header('ce_id', 'a-2'), {}],
    ['it was made for another time', header('ce_time', '2026-02-28T12:00:01Z'), {}],
    ['it was made for another type', header('ce_type', 'patient-died-1'), {}],
    ['it was made for another subject', header('ce_subject', '9990079196'), {}],
    ['it was made for another recorder', header('weft-recorder', '{"as":"governance"}'), {}],
    ['it was made for other decisions', header('weft-accepted', '{"type-1":"whole"}'), {}],
    ['it is cut short', (sealed) => header(SEAL_HEADER, sealed.headers[SEAL_HEADER]!.slice(1))(sealed), {}],
    ['it is empty', header(SEAL_HEADER, ''), {}],
    ['nobody here can verify it', () => ({}), { seal: undefined }],
  ])('spares it nothing when %s', (_, change, options) => {
    const sealed = message(accepted(notFhir));
    expect(refusals({ ...sealed, ...change(sealed) }, options)).toContain('Observation.status required');
  });

  it('outlasts an organisation’s place in the region: what was acceptable when it was sent stays so', () => {
    const others = new Map([...organisations].filter(([ods]) => ods !== 'RX901'));
    expect(refusals(message(accepted(observation)), { organisations: others })).toEqual([]);
    expect(refusals(message(accepted(observation), {}, false), { organisations: others })).toEqual([
      'source unknown-organisation',
    ]);
  });
});

describe('a message of the consent topic that cannot be read', () => {
  const decision = 'consent-decision-recorded-1';
  const unreadOf = (json: unknown, changes: Partial<Message> = {}, headers: Record<string, string | undefined> = {}) => {
    const sound = message(accepted(consent, decision), {}, false);
    const of = { ...sound, value: bytes(json), ...changes };
    const reading = reader().decision({ ...of, headers: { ...of.headers, ...headers } as Message['headers'] });
    return reading.ok ? 'read' : reading.unread;
  };
  const everything = { effect: 'deny', purposes: PURPOSES, limits: [], provisions: [] };
  const wrong = { ce_id: '' };

  it('closes the person’s record until its place is mended, for everything where it says nothing', () => {
    for (const json of [
      '',
      '{',
      'null',
      '[]',
      '7',
      '{"resourceType":7}',
      '{"resourceType":"consent"}',
      '{"resourceType":"Consnet"}',
    ]) {
      expect(unreadOf(json)).toMatchObject({
        subject: SUBJECT,
        decision: {
          consentId: 'weft.consent/0/7',
          unread: true,
          authority: 'local-dissent',
          receivedAt: NOW,
          provision: everything,
        },
      });
    }
  });

  it('closes what it may deny, and permits nothing', () => {
    const provision = { type: 'deny', purpose: [{ code: 'HRESCH' }], provision: [{ type: 'permit' }] };
    expect(unreadOf({ ...consent, provision }, {}, wrong)).toMatchObject({
      decision: { provision: { effect: 'deny', purposes: ['research'], provisions: [] } },
    });
  });

  it('closes nothing where it can be no denial', () => {
    const scope = { coding: [{ code: 'adr' }] };
    for (const json of [
      { ...consent, provision: { type: 'permit' } },
      { ...consent, status: 'inactive' },
      { ...consent, status: 'entered-in-error' },
      { ...consent, scope },
      observation,
    ])
      expect(unreadOf(json, {}, wrong)).toBeNull();
    expect(unreadOf('{', {}, { ce_type: 'care-event-recorded-1' })).toBeNull();
  });

  it('closes where it is withdrawn in words that FHIR does not have', () => {
    for (const status of [['inactive'], 'Inactive', { toString: 1 }])
      expect(unreadOf({ ...consent, status }, {}, wrong)).toMatchObject({ subject: SUBJECT });
  });

  it('closes nothing where its sender is not of the region, or not who it says', () => {
    expect(unreadOf(consent, {}, { ce_source: 'urn:ods:ZZ9' })).toBeNull();
    expect(unreadOf(consent, {}, { ce_source: 'urn:weft:governance' })).toBeNull();
  });

  it('is about whom the Consent names, else the subject, else the key', () => {
    const other = '9990079196';
    const subject = (json: unknown, changes: Partial<Message>, headers: Record<string, string | undefined>) => {
      const unread = unreadOf(json, changes, headers);
      return unread === 'read' ? unread : (unread?.subject ?? null);
    };
    const nobody = { ...consent, patient: { reference: 'Patient/p1' } };
    expect(subject({ ...consent, patient: { reference: `Patient/${other}` } }, {}, wrong)).toBe(other);
    expect(subject(nobody, { key: other }, wrong)).toBe(SUBJECT);
    expect(subject(nobody, { key: other }, { ...wrong, ce_subject: '123' })).toBe(other);
    expect(subject(nobody, { key: '123' }, { ...wrong, ce_subject: '123' })).toBeNull();
  });

  it('is known by its event where that can be read, and by its place where it cannot', () => {
    expect(unreadOf('{')).toMatchObject({ decision: { id: 'a-1', source: 'urn:ods:RX901' } });
    expect(unreadOf('{', { headers: {} })).toMatchObject({ decision: { id: 'weft.consent/0/7', source: '' } });
  });
});

describe('a message that was mended', () => {
  const place = 'weft.quarantine/0/3';
  const redriven = (mark: string, key = SUBJECT) => {
    const sound = message(accepted(consent, 'consent-decision-recorded-1'), { key }, false);
    const reading = reader().decision({ ...sound, headers: { ...sound.headers, [MENDS_HEADER]: mark } });
    return reading.ok ? reading.event.decisions[0]?.mends : null;
  };

  it('says which place it mends, by Weft’s own mark alone', () => {
    expect(redriven(mendsHeader(place, SUBJECT, seal))).toBe(place);
    for (const mark of [
      place,
      `${place} x`,
      '',
      mendsHeader(place, '9990079196', seal),
      mendsHeader(place, SUBJECT, sealMessage('another')),
    ])
      expect(redriven(mark)).toBeUndefined();
    expect(redriven(mendsHeader(place, SUBJECT, seal).replace('0/3', '0/4'))).toBeUndefined();
  });
});

describe('a message that the reader itself fails at', () => {
  class Failing extends Map<string, Organisation> {
    override has(): boolean {
      throw new RangeError(`Maximum call stack size exceeded at ${SUBJECT}`);
    }
  }
  const failing = { organisations: new Failing(organisations), seal: undefined };

  it('is refused like any other, and its error names nobody', () => {
    const reading = reader(failing).careEvent(message(accepted(observation)));
    expect(reading).toMatchObject({ ok: false, problems: [{ code: 'unprocessable' }] });
    expect(JSON.stringify(reading)).not.toContain(SUBJECT);
  });

  it('closes its person where it may be a denial', () => {
    const reading = reader(failing).decision(message(accepted(consent, 'consent-decision-recorded-1'), {}, false));
    expect(reading).toMatchObject({ ok: false, problems: [{ code: 'unprocessable' }], unread: { subject: SUBJECT } });
  });
});

describe('a message that the bus could not give as it was sent', () => {
  const faults = [{ field: 'headers.ce_id', code: 'not-utf-8', message: 'is not UTF-8' }];

  it('counts as nothing that it says, whoever sealed it', () => {
    expect(refusals(message(accepted(observation), { faults }))).toEqual(['headers.ce_id not-utf-8']);
  });

  it('closes its person where it may be a denial, and nobody where it names none', () => {
    const sound = message(accepted(consent, 'consent-decision-recorded-1'), { faults });
    expect(reader().decision(sound)).toMatchObject({ ok: false, problems: faults, unread: { subject: SUBJECT } });
    const empty = { ...sound, key: '', value: null, headers: {} };
    expect(reader().decision(empty)).toEqual({ ok: false, problems: faults, unread: null });
  });
});
