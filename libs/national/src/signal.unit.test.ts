import { readSignal } from './signal.js';

const ANNE = '9990000018';
const PATIENT = `https://pds.example/personal-demographics/FHIR/R4/Patient/${ANNE}`;
const TIME = '2024-06-10T09:00:00Z';
const event = {
  ...{ specversion: '1.0', id: 'a', source: 'https://fhir.nhs.uk/Id/nhsSpineASID/000000000001', time: TIME },
  ...{ type: 'pds-death-notification-2', subject: ANNE, dataref: PATIENT },
};
const part = (name: string, value: object) => ({ name, ...value });
const PARTS = {
  event: [part('event-number', { valueString: '1' }), part('focus', { valueReference: { reference: PATIENT } })],
  context: [
    part('event-type', { valueString: 'pds-change-of-gp-2' }),
    part('subject', { valueReference: { identifier: { value: ANNE } } }),
  ],
};
const bundle = ({ event: said, context } = PARTS, more: object = {}) => ({
  ...{ resourceType: 'Bundle', type: 'history', id: 'b', timestamp: TIME },
  entry: [
    {
      resource: {
        resourceType: 'Parameters',
        parameter: [part('notification-event', { part: said }), part('additional-context', { part: context })],
      },
    },
  ],
  ...more,
});
const read = (signal: unknown) =>
  readSignal(new TextEncoder().encode(typeof signal === 'string' ? signal : JSON.stringify(signal)));
const codesOf = (signal: unknown) => {
  const reading = read(signal);
  return reading.ok ? reading.event : reading.problems.map(({ field, code }) => `${field}: ${code}`);
};

describe('a signal', () => {
  it('is read as a CloudEvent', () => {
    const said = { type: 'pds-death-notification-2', time: TIME, subject: ANNE, version: null };
    expect(read(event)).toEqual({ ok: true, event: said });
    expect(codesOf({ ...event, subject: undefined })).toEqual(said);
    expect(codesOf({ ...event, dataref: undefined })).toEqual(said);
    expect(codesOf({ ...event, type: 'pds-record-change-2', versionid: 'W/"16"', dataref: undefined })).toMatchObject({
      version: 16,
    });
  });

  it('is read as a history Bundle, whatever its number', () => {
    const said = { type: 'pds-change-of-gp-2', time: TIME, subject: ANNE, version: null };
    expect(codesOf(bundle())).toEqual(said);
    const late = [part('event-number', { valueString: '1' }), part('timestamp', { valueInstant: TIME })];
    expect(codesOf(bundle({ ...PARTS, event: late }, { timestamp: undefined }))).toEqual(said);
    const context = [...PARTS.context, part('version-id', { valueString: 'W/"16"' })];
    expect(codesOf(bundle({ ...PARTS, context }))).toEqual({ ...said, version: 16 });
    const hydrated = [...bundle().entry, { resource: { resourceType: 'Patient', id: ANNE } }];
    expect(codesOf(bundle(PARTS, { entry: hydrated }))).toEqual(said);
  });

  it('may be the test signal, which is about nobody', () => {
    const said = { type: 'mns-test-signal-1', time: TIME };
    expect(codesOf({ ...event, type: said.type, subject: undefined, dataref: undefined })).toEqual(said);
    expect(codesOf(bundle({ event: [], context: [part('event-type', { valueString: said.type })] }))).toEqual(said);
  });

  it.each([
    ['no JSON', '{', 'signal: not-json'],
    ['no object', '[]', ': not-a-signal'],
    ['another CloudEvents', { ...event, specversion: '0.3' }, 'specversion: not-a-signal'],
    ['no id', { ...event, id: '' }, 'id: required'],
    ['no time', { ...event, time: 'yesterday' }, 'time: malformed'],
    ['a type of which Weft makes nothing', { ...event, type: 'imms-vaccination-record-change-1' }, 'type: unknown-type'],
    ['a type of the first generation', { ...event, type: 'pds-death-notification-1', subject: {} }, 'type: unknown-type'],
    ['no person', { ...event, subject: undefined, dataref: undefined }, 'subject: nhs-number'],
    ['a number that is none', { ...event, subject: '9990000019' }, 'subject: nhs-number'],
    ['a placeholder', { ...event, subject: '9999999999', dataref: undefined }, 'subject: nhs-number'],
    ['two persons', { ...event, subject: '9990000026' }, 'dataref: not-the-subject'],
    ['no version where it says one', { ...event, versionid: 'latest' }, 'versionid: malformed'],
    ['another resource', { resourceType: 'Patient' }, 'resourceType: not-a-signal'],
    ['another Bundle', bundle(PARTS, { type: 'batch' }), 'resourceType: not-a-signal'],
    ['no entry', bundle(PARTS, { entry: [] }), 'entry: not-a-signal'],
    ['two events', bundle(PARTS, { entry: [...bundle().entry, ...bundle().entry] }), 'entry: not-a-signal'],
    ['two types', bundle({ ...PARTS, context: [...PARTS.context, PARTS.context[0]!] }), 'type: unknown-type'],
  ])('with %s is refused, and no sentence repeats a number', (_, signal, problem) => {
    expect(codesOf(signal)).toEqual([problem]);
    expect(JSON.stringify(read(signal))).not.toMatch(/\d{10}/);
  });
});
