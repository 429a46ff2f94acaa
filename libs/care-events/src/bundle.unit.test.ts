import type { Organisation } from '@weft/domain';
import { careEventsOfBundle, openBundle } from './bundle.js';
import type { BundleOptions } from './bundle.js';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const NHS = 'https://fhir.nhs.uk/Id/nhs-number';
const [ANNE, BEN] = ['9990033471', '9990079196'];
const organisations = new Map<string, Organisation>([['RX901', { ods: 'RX901', name: 'Acute', kind: 'acute' }]]);
const options: BundleOptions = { organisations, organisation: 'RX901', now: NOW, keys: { fresh: 'request' } };
const patient = (id: string, number: string) => ({ resourceType: 'Patient', id, identifier: [{ system: NHS, value: number }] });
const observation = (id: string, subject: object | undefined) => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  code: { text: 'Body height' },
  ...(subject && { subject }),
});
const bundle = (entry: unknown[], type = 'collection') => ({ resourceType: 'Bundle', type, entry });
const carried = (...resources: unknown[]) => bundle(resources.map((resource) => ({ resource })));

/** For each item the subject and the resource's id, or what is wrong with it. */
function outcome(input: unknown, changes: Partial<BundleOptions> = {}): string[] {
  const reading = careEventsOfBundle(input, { ...options, ...changes });
  if (!reading.ok) return reading.problems.map(({ field, code }) => `${field} ${code}`);
  return reading.event.map(({ entry, reading: item }) =>
    item.ok
      ? `${entry}: ${item.event.subject} ${item.event.resource.id}`
      : `${entry}: ${item.problems.map(({ field, code }) => `${field} ${code}`).join()}`,
  );
}
function only(input: unknown, changes: Partial<BundleOptions> = {}) {
  const reading = careEventsOfBundle(input, { ...options, ...changes });
  const [item] = reading.ok ? reading.event : [];
  if (item === undefined || !item.reading.ok) throw new Error(JSON.stringify(reading));
  return item.reading.event;
}

type Place = readonly string[];
function placesIn(value: unknown, at: Place = []): Place[] {
  if (value === null || typeof value !== 'object') return [at];
  return [at, ...Object.entries(value).flatMap(([name, below]) => placesIn(below, [...at, name]))];
}
function replacedAt(value: unknown, [first, ...rest]: Place, by: unknown): unknown {
  if (first === undefined) return by;
  const copy = Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) };
  return Object.assign(copy, { [first]: replacedAt((value as Record<string, unknown>)[first], rest, by) });
}

describe('a Bundle', () => {
  it('gives one care event for each resource, about the patient that the resource refers to', () => {
    const entry = [
      { fullUrl: 'urn:uuid:p-anne', resource: patient('p-anne', ANNE) },
      { fullUrl: 'https://epr.example/fhir/Patient/p-ben', resource: patient('p-ben', BEN) },
      { resource: observation('by-full-url', { reference: 'urn:uuid:p-anne' }) },
      { resource: observation('by-id', { reference: 'Patient/p-ben' }) },
      { resource: observation('by-version', { reference: 'Patient/p-ben/_history/3' }) },
      { resource: observation('by-address', { reference: 'https://epr.example/fhir/Patient/p-ben' }) },
      { resource: observation('by-identifier', { identifier: { system: NHS, value: ANNE } }) },
      { resource: observation('by-condition', { reference: `Patient?identifier=${NHS}%7C${BEN}` }) },
    ];
    expect(outcome(bundle(entry))).toEqual([
      `0: ${ANNE} p-anne`,
      `1: ${BEN} p-ben`,
      `2: ${ANNE} by-full-url`,
      `3: ${BEN} by-id`,
      `4: ${BEN} by-version`,
      `5: ${BEN} by-address`,
      `6: ${ANNE} by-identifier`,
      `7: ${BEN} by-condition`,
    ]);
  });

  it.each(['collection', 'document', 'transaction', 'batch', 'message', 'searchset'])('may be of type %s', (type) => {
    expect(outcome(bundle([{ resource: patient('p', ANNE) }], type))).toEqual([`0: ${ANNE} p`]);
  });

  it.each([
    [bundle([], 'batch-response'), 'Bundle.type unsupported'],
    [{ resourceType: 'Bundle' }, 'Bundle.type unsupported'],
    [{ ...bundle([]), type: 7 }, 'Bundle.type unsupported'],
    [{ ...bundle([]), type: ['collection'] }, 'Bundle.type unsupported'],
    [{ ...bundle([]), type: { toString: 1 } }, 'Bundle.type unsupported'],
    [[], 'resourceType required'],
    [null, 'resourceType required'],
    ['x', 'resourceType required'],
  ])('is refused as a whole when it is none: %j', (input, refusal) => expect(outcome(input)).toEqual([refusal]));

  it.each<[string, unknown]>([
    ['a number', 7],
    ['null', null],
    ['an empty object', {}],
    ['an object that is no text', { toString: 1 }],
    ['a list of nothing', [null]],
    ['a list of lists', [[{}]]],
  ])('is read or refused, and never throws, where any one member is %s', (_, wrong) => {
    const dissent = { resourceType: 'Consent', id: 'c', patient: { identifier: { system: NHS, value: ANNE } }, policy: [{}] };
    const subject = { reference: 'urn:uuid:p', identifier: [{ system: NHS, value: ANNE }] };
    const whole = bundle([
      { fullUrl: 'urn:uuid:p', resource: { ...patient('p', ANNE), meta: { lastUpdated: '2026-01-01' } } },
      { resource: { ...observation('o', subject), participant: [{ actor: subject }] } },
      { resource: { ...dissent, scope: { coding: [{ code: 'adr' }] } } },
    ]);
    const places = placesIn(whole);
    expect(places.length).toBeGreaterThan(40);
    for (const place of places) expect(() => outcome(replacedAt(whole, place, wrong))).not.toThrow();
  });

  it('lets its sound entries pass whatever is wrong with others', () => {
    const entry = [
      { resource: patient('p', ANNE) },
      { resource: observation('nobody', undefined) },
      { resource: observation('unknown', { reference: 'Patient/elsewhere' }) },
      { resource: { ...observation('broken', { reference: 'Patient/p' }), status: 'done', colour: 'red' } },
      { request: { method: 'DELETE', url: 'Observation/1' } },
      null,
      { resource: patient('wrong', '9990033472') },
      { resource: { resourceType: 'Patient', id: 'unnumbered' } },
      { resource: { ...observation('late', { reference: 'Patient/p' }), meta: { lastUpdated: '2027-01-01T00:00:00Z' } } },
      { resource: observation('sound', { reference: 'Patient/p' }) },
    ];
    expect(outcome(bundle(entry))).toEqual([
      `0: ${ANNE} p`,
      '1: entry[1].resource no-patient',
      '2: entry[2].resource.subject.reference unknown-patient',
      '3: entry[3].resource.status code-invalid,entry[3].resource.colour structure',
      '4: entry[4].resource no-patient',
      '5: entry[5].resource required',
      '6: entry[6].resource.identifier nhs-number',
      '7: entry[7].resource.identifier required',
      '8: entry[8].resource.meta.lastUpdated too-late',
      `9: ${ANNE} sound`,
    ]);
  });

  it('does not guess between two patients', () => {
    const twins = [patient('p', ANNE), patient('p', BEN), observation('o', { reference: 'Patient/p' })];
    expect(outcome(carried(...twins)).at(-1)).toBe('2: entry[2].resource.id ambiguous');
    const doubled = { ...patient('p', ANNE), identifier: [ANNE, BEN].map((value) => ({ system: NHS, value })) };
    expect(outcome(carried(doubled))).toEqual(['0: entry[0].resource.identifier ambiguous']);
  });

  it('takes a patient by the number in use, not by an older one', () => {
    const renumbered = {
      ...patient('p', ANNE),
      identifier: [
        { system: NHS, value: BEN, use: 'old' },
        { system: NHS, value: ANNE },
      ],
    };
    expect(outcome(carried(renumbered))).toEqual([`0: ${ANNE} p`]);
  });

  it('leaves out what a message or a search says about itself', () => {
    const header = { resourceType: 'MessageHeader', id: 'm' };
    expect(outcome(carried(header, { resourceType: 'OperationOutcome' }, patient('p', ANNE)))).toEqual([`2: ${ANNE} p`]);
  });

  it('records what was entered in error like anything else', () => {
    const mistaken = { ...observation('o', { identifier: { system: NHS, value: ANNE } }), status: 'entered-in-error' };
    expect(only(carried(mistaken)).type).toBe('care-event-recorded-1');
  });

  it('takes a privacy Consent as a decision, and one of another scope as a care event', () => {
    const consent = {
      resourceType: 'Consent',
      id: 'c',
      status: 'active',
      scope: { coding: [{ code: 'patient-privacy' }] },
      category: [{ text: 'x' }],
      policy: [{ uri: 'urn:x' }],
      patient: { identifier: { system: NHS, value: ANNE } },
    };
    expect(only(carried(consent)).type).toBe('consent-decision-recorded-1');
    const advance = {
      ...consent,
      scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'adr' }] },
    };
    expect(only(carried(advance)).type).toBe('care-event-recorded-1');
  });

  it('takes a privacy Consent that is to be deleted as one that was entered in error, whatever it says', () => {
    const permission = {
      resourceType: 'Consent',
      id: 'c',
      status: 'active',
      scope: { coding: [{ code: 'patient-privacy' }] },
      category: [{ text: 'x' }],
      policy: [{ uri: 'urn:weft:authority:local-dissent' }],
      patient: { identifier: { system: NHS, value: ANNE } },
      provision: { type: 'permit' },
    };
    const entry = [{ resource: permission, request: { method: 'DELETE', url: 'Consent/c' } }];
    const reading = careEventsOfBundle({ resourceType: 'Bundle', type: 'transaction', entry }, options);
    expect(reading).toMatchObject({ event: [{ reading: { event: { decisions: [{ consentId: 'c', status: 'withdrawn' }] } } }] });
  });

  it('is judged one entry at a time where somebody asks for it so', () => {
    const opened = openBundle(carried(patient('p', ANNE), observation('o', undefined)), options);
    expect(opened.ok && opened.event.items.map(({ judge }) => judge().ok)).toEqual([true, false]);
  });
});

describe('an event out of a Bundle', () => {
  it('is of the publisher and its system, at the time the resource was last updated, else now', () => {
    const updated = { ...patient('p', ANNE), meta: { lastUpdated: '2026-02-01T00:00:00Z' } };
    expect(only(carried(updated), { source: 'urn:ods:RX901:epr' })).toMatchObject({
      source: 'urn:ods:RX901:epr',
      organisation: 'RX901',
      time: '2026-02-01T00:00:00Z',
    });
    expect(only(carried(patient('p', ANNE)))).toMatchObject({ source: 'urn:ods:RX901', time: '2026-03-01T12:00:00.000Z' });
  });

  describe('has an id', () => {
    const idsOf = (input: unknown, changes: Partial<BundleOptions> = {}) => {
      const reading = careEventsOfBundle(input, { ...options, ...changes });
      return reading.ok ? reading.event.map(({ reading: item }) => (item.ok ? item.event.id : item.problems)) : [];
    };
    const [anne, o] = [patient('p', ANNE), observation('o', { reference: 'Patient/p' })];
    const again = { fresh: 'another request' };

    it('that is a UUID, and new for each request though its content is not', () => {
      const [id] = idsOf(carried(anne));
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(idsOf(carried(anne), { keys: again })).not.toEqual([id]);
      expect(idsOf(anne, { keys: again })).not.toEqual(idsOf(anne));
    });

    it.each<[string, object, object]>([
      ['Idempotency-Key', {}, { given: 'k' }],
      ['Bundle.identifier', { identifier: { system: 'urn:x', value: 'b' } }, {}],
      ['Idempotency-Key before Bundle.identifier', { identifier: { value: 'other' } }, { given: 'k' }],
    ])('that is the same in each request of one %s, whatever the content and the order', (_, more, given) => {
      const first = idsOf({ ...carried(anne, o), ...more }, { keys: { fresh: '1', ...given } });
      const second = idsOf({ ...carried({ ...o, status: 'amended' }, anne), ...more }, { keys: { fresh: '2', ...given } });
      expect(second).toEqual([first[1], first[0]]);
    });

    it('that is another one for another key, identifier, resource, system or organisation', () => {
      const both = new Map(organisations).set('Y90001', { ods: 'Y90001', name: 'GP', kind: 'gp' });
      const identified = (identifier: object) => ({ ...carried(anne), identifier });
      const ids = [
        ...idsOf(carried(anne, anne, o)),
        ...idsOf(anne, { keys: { fresh: 'request', given: 'request' } }),
        ...idsOf(anne, { keys: { fresh: 'request', given: 'other' } }),
        ...idsOf(identified({ value: 'request' })),
        ...idsOf(identified({ system: 'urn:x', value: 'request' })),
        ...idsOf(anne, { source: 'urn:ods:RX901:epr' }),
        ...idsOf(anne, { organisations: both, organisation: 'Y90001' }),
      ];
      expect(ids.every((id) => typeof id === 'string')).toBe(true);
      expect(new Set(ids).size).toBe(ids.length);
    });

    it('that is new where the identifier says nothing', () => {
      for (const identifier of [{}, { value: '' }, { value: 5 }, 'b', null]) {
        const input = { ...carried(anne), identifier };
        expect(idsOf(input)).not.toEqual(idsOf(input, { keys: again }));
      }
    });
  });

  it('has the id of its entry’s fullUrl when its resource is yet to be created', () => {
    const { id: _, ...unborn } = patient('', ANNE);
    expect(only(bundle([{ fullUrl: 'urn:uuid:0c3151bd', resource: unborn }])).resource.id).toBe('0c3151bd');
    expect(only(bundle([{ fullUrl: 'https://epr/fhir/Patient/12', resource: unborn }])).resource.id).toBe('12');
    expect(outcome(bundle([{ resource: unborn }]))).toEqual(['0: entry[0].resource.id required']);
  });
});

describe('the request of an entry', () => {
  const o = { ...observation('o', { reference: 'Patient/p' }), meta: { versionId: '3' } };
  const asked = (request: unknown, resource: object | undefined = o) =>
    careEventsOfBundle(
      bundle([{ resource: patient('p', ANNE) }, { ...(resource && { resource }), request }], 'transaction'),
      options,
    );
  const second = (...of: Parameters<typeof asked>) => {
    const reading = asked(...of);
    const item = reading.ok ? reading.event[1]?.reading : undefined;
    if (item?.ok !== true) return item?.problems.map(({ field, code }) => `${field} ${code}`);
    const { type, subject, resource } = item.event;
    return { type, subject, resource };
  };
  const recorded = { type: 'care-event-recorded-1', subject: ANNE, resource: o };
  const retracted = { type: 'care-event-retracted-1', subject: ANNE, resource: { resourceType: 'Observation', id: 'o' } };
  const request = (method: unknown, url: unknown, more: object = {}) => ({ method, url, ...more });

  it.each([undefined, request('POST', 'Observation'), request('PUT', 'Observation/o')])('records: %j', (one) =>
    expect(second(one)).toEqual(recorded),
  );

  it('takes back what it names, whatever version the entry carries, and whether or not it carries one', () => {
    expect(second(request('DELETE', 'Observation/o'))).toEqual(retracted);
    expect(asked(request('DELETE', 'Observation/o'), undefined)).toMatchObject({
      event: [{}, { reading: { event: { ...retracted, resource: { id: 'o' } } } }],
    });
  });

  it('takes back nothing where it cannot be told whose it is', () => {
    const both = bundle([
      { resource: patient('p', ANNE) },
      { resource: patient('b', BEN) },
      { request: request('DELETE', 'Observation/o') },
    ]);
    expect(outcome(both)[2]).toBe('2: entry[2].resource no-patient');
    expect(outcome(bundle([{ request: request('DELETE', 'Observation/o') }]))).toEqual(['0: entry[0].resource no-patient']);
  });

  it.each<[object | string, string]>([
    [request('GET', 'Observation/o'), 'request.method unsupported'],
    [request('HEAD', 'Observation/o'), 'request.method unsupported'],
    [request('PATCH', 'Observation/o'), 'request.method unsupported'],
    [request('delete', 'Observation/o'), 'request.method unsupported'],
    [request(undefined, 'Observation/o'), 'request.method unsupported'],
    ['DELETE', 'request structure'],
    [request('PUT', 'Observation/other'), 'request.url not-the-resource'],
    [request('PUT', 'Condition/o'), 'request.url not-the-resource'],
    [request('PUT', 'Observation'), 'request.url not-the-resource'],
    [request('PUT', 'Observation?identifier=5'), 'request.url unsupported'],
    [request('PUT', undefined), 'request.url not-the-resource'],
    [request('POST', 'Condition'), 'request.url not-the-resource'],
    [request('DELETE', 'Observation/other'), 'request.url not-the-resource'],
    [request('DELETE', 'Observation?status=final'), 'request.url not-the-resource'],
    [request('POST', 'Observation', { ifNoneExist: 'identifier=5' }), 'request.ifNoneExist unsupported'],
    [request('PUT', 'Observation/o', { ifMatch: '*' }), 'request.ifMatch malformed'],
    [request('POST', 'Observation', { ifMatch: 'W/"2"' }), 'request.ifMatch unsupported'],
  ])('is refused by name where Weft does not do it: %j', (one, problem) => {
    expect(second(one)).toEqual([`entry[1].${problem}`]);
    expect(asked(one)).toMatchObject({ event: [{ reading: { ok: true } }, {}] });
  });

  it('deletes a privacy Consent that it carries as one entered in error, and none of which it does not say what it decided', () => {
    const consent = {
      resourceType: 'Consent',
      id: 'c',
      scope: { coding: [{ code: 'patient-privacy' }] },
      patient: { reference: 'Patient/p' },
    };
    expect(second(request('DELETE', 'Consent/c'), consent)).toMatchObject({
      ...{ type: 'consent-decision-recorded-1', subject: ANNE, resource: { status: 'entered-in-error' } },
    });
    const opened = openBundle(
      bundle([
        { resource: patient('p', ANNE) },
        { request: request('DELETE', 'Consent/c') },
        { resource: consent, request: request('GET', 'Consent/c') },
      ]),
      options,
    );
    expect(opened.ok && opened.event.items.map(({ isDecision, subject, judge }) => [isDecision, subject, judge().ok])).toEqual([
      [false, ANNE, true],
      [true, ANNE, false],
      [true, ANNE, false],
    ]);
  });
});

describe('a decision within an entry', () => {
  const dissent = (more: object = {}) => ({
    ...{ resourceType: 'Consent', id: 'c', status: 'active', scope: { coding: [{ code: 'patient-privacy' }] } },
    ...{ category: [{ text: 'x' }], policyRule: { text: 'x' }, provision: { type: 'deny' } },
    ...{ patient: { identifier: { system: NHS, value: ANNE } }, ...more },
  });
  const sound = { resource: observation('o', { reference: 'Patient/p' }) };
  const isOurs = (code: string) => !['required', 'invariant', 'structure'].includes(code);
  const opened = (...entries: object[]) => {
    const reading = openBundle(bundle([{ resource: patient('p', ANNE) }, sound, ...entries]), options);
    if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
    return reading.event.items.slice(2).map(({ subject, mayDeny, judge }) => {
      const item = judge();
      return [
        subject,
        mayDeny,
        item.ok
          ? 'taken'
          : item.problems
              .map(({ code }) => code)
              .filter(isOurs)
              .join(),
      ];
    });
  };
  const WITHIN = { url: 'http://x', valueReference: { reference: '#c' } };
  const carrying = (type: string, one: object) => ({
    resource: { ...observation('x', { reference: 'Patient/p' }), resourceType: type, contained: [one], extension: [WITHIN] },
  });

  it.each<[string, object]>([
    ['a Bundle', bundle([{ resource: dissent() }])],
    ['a Bundle within a Bundle', bundle([{ resource: bundle([{ resource: dissent() }]) }])],
    ['Parameters', { resourceType: 'Parameters', parameter: [{ name: 'consent', resource: dissent() }] }],
    ['a MessageHeader', { resourceType: 'MessageHeader', contained: [dissent()] }],
    ['a Practitioner', { resourceType: 'Practitioner', id: 'n', contained: [dissent()] }],
  ])('is nobody’s that can be told, and is refused: in %s', (_, resource) => {
    expect(opened({ resource })).toEqual([[undefined, true, 'decision-within']]);
  });

  it('is of the one whom the entry is about where it says so itself', () => {
    expect(opened(carrying('Observation', dissent()))).toEqual([[ANNE, true, 'decision-within']]);
    const referring = dissent({ patient: { reference: 'Patient/p' } });
    expect(opened({ resource: bundle([{ resource: referring }]) })).toEqual([[ANNE, true, 'decision-within']]);
    expect(opened(carrying('Observation', dissent({ patient: { reference: '#p' } })))).toEqual([
      [undefined, true, 'decision-within'],
    ]);
    expect(opened(carrying('Observation', dissent({ patient: { identifier: { system: NHS, value: BEN } } })))).toEqual([
      [undefined, true, 'somebody-else,decision-within'],
    ]);
  });

  it('may be one whose type is misspelt or left out, and none of another scope', () => {
    const { resourceType: _, ...nameless } = dissent();
    expect(opened({ resource: { ...dissent(), resourceType: 'consent' } })[0]?.[1]).toBe(true);
    expect(opened({ resource: nameless })[0]?.slice(0, 2)).toEqual([undefined, true]);
    expect(opened({ resource: [dissent()] })[0]?.slice(0, 2)).toEqual([undefined, true]);
    expect(opened({ resource: { resourceType: 'Sample', id: 's' } })[0]?.[1]).toBe(false);
    const other = { scope: { coding: [{ code: 'adr' }] } };
    expect(opened(carrying('Observation', dissent(other)))).toEqual([[ANNE, false, 'taken']]);
    expect(opened({ resource: bundle([{ resource: dissent(other) }]) })).toEqual([[undefined, false, 'no-patient']]);
  });
});

describe('a decision about entries of its Bundle', () => {
  const URN = 'urn:uuid:6d2f6d1e-0000-4000-8000-00000000000';
  const withheld = (reference: string, more: object = {}) => ({
    ...{ resourceType: 'Consent', id: 'c', status: 'active', scope: { coding: [{ code: 'patient-privacy' }] } },
    ...{ patient: { reference: 'Patient/p' }, category: [{ text: 'x' }], policy: [{ uri: 'urn:weft:authority:withheld-item' }] },
    provision: { type: 'permit', provision: [{ type: 'deny', data: [{ meaning: 'instance', reference: { reference } }] }] },
    ...more,
  });
  const named = (reference: string, changes: Partial<BundleOptions> = {}, meta?: object) => {
    const { id: _, ...unnumbered } = { ...observation('', { reference: 'Patient/p' }), ...(meta && { meta }) };
    const entry = [
      { resource: patient('p', ANNE) },
      { fullUrl: `${URN}1`, resource: unnumbered },
      { fullUrl: `${URN}2`, resource: { resourceType: 'Practitioner', id: 'n' } },
      { resource: withheld(reference) },
    ];
    const reading = careEventsOfBundle(bundle(entry), { ...options, ...changes });
    const item = reading.ok ? reading.event.at(-1)?.reading : undefined;
    if (item?.ok !== true) throw new Error(JSON.stringify(item));
    return item.event.decisions?.[0]?.provision.provisions[0]?.limits;
  };

  it('means by a urn:uuid the entry of that name', () => {
    const entry = `Observation/${URN.slice('urn:uuid:'.length)}1`;
    expect(named(`${URN}1`)).toEqual([{ kind: 'entries', entries: [{ entry: `RX901/${entry}`, reach: 'instance' }] }]);
    expect(named(`${URN}1`, { source: 'urn:ods:RX901:lab' })).toMatchObject([{ entries: [{ entry: `RX901:lab/${entry}` }] }]);
    const ofPacs = named(`${URN}1`, { source: 'urn:ods:RX901:lab' }, { source: 'urn:ods:RX901:pacs' });
    expect(ofPacs).toMatchObject([{ entries: [{ entry: `RX901:pacs/${entry}` }] }]);
  });

  it('means anything by one that is no entry’s', () => {
    expect(named(`${URN}2`)).toEqual([{ kind: 'unread', field: 'data' }]);
    expect(named(`${URN}3`)).toEqual([{ kind: 'unread', field: 'data' }]);
  });
});

describe('a resource that comes alone', () => {
  it('is taken when it carries the NHS number itself', () => {
    expect(outcome(patient('p', ANNE))).toEqual([`0: ${ANNE} p`]);
    expect(outcome(observation('o', { identifier: { system: NHS, value: BEN } }))).toEqual([`0: ${BEN} o`]);
  });

  it('is refused when it does not', () => {
    expect(outcome(observation('o', { reference: 'Patient/p' }))).toEqual(['0: Observation.subject.reference unknown-patient']);
  });
});
