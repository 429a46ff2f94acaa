import fc from 'fast-check';
import type { Resource } from '@weft/domain';
import type { RecordEntry } from './fhir-out.js';
import { fhirProblems } from './fhir.js';
import { patientSummary } from './patient-summary.js';

const NHS = 'https://fhir.nhs.uk/Id/nhs-number';
const nhsNumber = '9990033471';
const coded = (...codes: string[]) => ({ coding: codes.map((code) => ({ code })) });
const subject = { reference: 'Patient/p1' };

interface SectionOut {
  readonly title: string;
  readonly code: { readonly coding: readonly [{ readonly code: string }] };
  readonly text: { readonly div: string };
  readonly entry?: readonly { readonly reference: string }[];
  readonly emptyReason?: object;
}
interface Document {
  readonly timestamp: string;
  readonly identifier: { readonly value: string };
  readonly entry: readonly { readonly fullUrl: string; readonly resource: Resource }[];
}

function entry(resource: Record<string, unknown>, organisation = 'RX901', occurredAt: string | null = null): RecordEntry {
  const { resourceType, id } = resource as unknown as { resourceType: string; id: string };
  return {
    id: `${organisation}/${resourceType}/${id}`,
    organisation,
    resourceType,
    occurredAt,
    recordedAt: '2026-03-01T12:00:00Z',
    resource: resource as unknown as Resource,
  };
}
const patient = (id: string, changes: object = {}) => ({
  resourceType: 'Patient',
  id,
  identifier: [{ system: NHS, value: nhsNumber }],
  ...changes,
});
const condition = (id: string, clinical: string, changes: object = {}) => ({
  resourceType: 'Condition',
  id,
  subject,
  code: { text: `Condition ${id}` },
  clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: clinical }] },
  ...changes,
});
const observation = (id: string, category: string, changes: object = {}) => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  subject,
  category: [coded(category)],
  code: coded('8302-2'),
  ...changes,
});

function summary(entries: readonly RecordEntry[], notice?: string): Document {
  return patientSummary({
    entries,
    notice,
    nhsNumber,
    now: Date.parse('2026-03-01T12:00:00Z'),
    organisation: { ods: 'Y90001', name: 'The "A&E"' },
  }) as unknown as Document;
}
const sectionsOf = (document: Document) => document.entry[0]!.resource['section'] as readonly SectionOut[];

/** For each section the ids of the resources that its entries lead to. */
function contents(entries: readonly RecordEntry[]): Record<string, string[]> {
  const document = summary(entries);
  const byUrl = new Map(document.entry.map(({ fullUrl, resource }) => [fullUrl, resource.id ?? '']));
  return Object.fromEntries(
    sectionsOf(document).map(({ code, entry: held = [] }) => [
      code.coding[0].code,
      held.map(({ reference }) => byUrl.get(reference) ?? 'nowhere'),
    ]),
  );
}

const everything = [
  entry(patient('p1')),
  entry(condition('active', 'active')),
  entry(condition('recurrence', 'recurrence')),
  entry(condition('resolved', 'resolved')),
  entry(condition('refuted', 'active', { verificationStatus: coded('refuted') })),
  entry({ resourceType: 'Condition', id: 'abated', subject, code: { text: 'x' }, abatementDateTime: '2020' }),
  entry({ resourceType: 'AllergyIntolerance', id: 'nuts', patient: subject, code: { text: 'Nuts' } }),
  entry({ resourceType: 'AllergyIntolerance', id: 'mistake', patient: subject, verificationStatus: coded('entered-in-error') }),
  entry({
    resourceType: 'MedicationRequest',
    id: 'current',
    status: 'active',
    intent: 'order',
    subject,
    medicationReference: { display: 'Aspirin' },
  }),
  entry({
    resourceType: 'MedicationRequest',
    id: 'stopped',
    status: 'stopped',
    intent: 'order',
    subject,
    medicationCodeableConcept: { text: 'x' },
  }),
  entry({
    resourceType: 'MedicationStatement',
    id: 'taken',
    status: 'active',
    subject,
    medicationCodeableConcept: { text: 'Iron' },
  }),
  entry({
    resourceType: 'Immunization',
    id: 'given',
    status: 'completed',
    patient: subject,
    vaccineCode: { text: 'MMR' },
    occurrenceDateTime: '2020',
  }),
  entry({
    resourceType: 'Immunization',
    id: 'not-given',
    status: 'not-done',
    patient: subject,
    vaccineCode: { text: 'x' },
    occurrenceDateTime: '2020',
  }),
  entry({ resourceType: 'DiagnosticReport', id: 'report', status: 'final', code: { text: 'Lipids' }, subject }),
  entry(observation('lab', 'laboratory')),
  entry({ resourceType: 'Procedure', id: 'hip', status: 'completed', subject, code: { text: 'Hip' } }),
  entry({ resourceType: 'CarePlan', id: 'plan', status: 'active', intent: 'plan', subject, title: 'Plan' }),
  entry(observation('height-old', 'vital-signs'), 'RX901', '2020-01-01'),
  entry(observation('height-new', 'vital-signs'), 'Y90001', '2021-01-01T00:00:00Z'),
  entry(observation('height-wrong', 'vital-signs', { status: 'entered-in-error' }), 'RX901', '2022-01-01'),
  entry({ resourceType: 'Flag', id: 'flag', status: 'active', code: { text: 'Falls' }, subject }),
  entry(observation('walks', 'functional-status')),
  entry(observation('smoker', 'social-history')),
  entry({ resourceType: 'Encounter', id: 'visit', status: 'finished', class: { code: 'AMB' }, subject }),
];

describe('a patient summary', () => {
  it('is FHIR R4, with and without anything in it, where its entries are', () => {
    const sound = everything.filter(({ resource }) => fhirProblems(resource).length === 0);
    expect(sound.length).toBeGreaterThan(10);
    expect(fhirProblems(summary(sound))).toEqual([]);
    expect(fhirProblems(summary([]))).toEqual([]);
  });

  it('begins with its Composition, then the Patient', () => {
    const [composition, person] = summary(everything).entry;
    expect(composition!.resource).toMatchObject({
      resourceType: 'Composition',
      status: 'final',
      type: { coding: [{ code: '60591-5' }] },
      subject: { reference: person!.fullUrl },
    });
    expect(person!.resource).toMatchObject({ resourceType: 'Patient', id: 'p1' });
  });

  it('puts each entry in its section, and leaves out what is past, refuted or mistaken', () => {
    expect(contents(everything)).toEqual({
      '11450-4': ['active', 'recurrence'],
      '48765-2': ['nuts'],
      '10160-0': ['current', 'taken'],
      '11369-6': ['given'],
      '30954-2': ['report', 'lab'],
      '47519-4': ['hip'],
      '18776-5': ['plan'],
      '8716-3': ['height-new'],
      '104605-1': ['flag'],
      '47420-5': ['walks'],
      '29762-2': ['smoker'],
      '11348-0': ['abated', 'resolved'],
    });
  });

  it('has the three required sections always, and says why they are empty', () => {
    const sections = sectionsOf(summary([entry(patient('p1'))]));
    expect(sections.map(({ code }) => code.coding[0].code)).toEqual(['11450-4', '48765-2', '10160-0']);
    for (const section of sections) {
      expect(section.emptyReason).toEqual({
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/list-empty-reason', code: 'unavailable' }],
      });
      expect(section.entry).toBeUndefined();
    }
  });

  it('is the same document whatever order its entries came in', () => {
    const once = summary(everything);
    fc.assert(
      fc.property(fc.shuffledSubarray(everything, { minLength: everything.length }), (shuffled) =>
        expect(summary(shuffled)).toEqual(once),
      ),
    );
    expect(once.timestamp).toBe('2026-03-01T12:00:00.000Z');
    expect(once.identifier.value).toMatch(/^urn:uuid:[0-9a-f-]{36}$/);
  });

  it('carries each resource once, each under an address of its own', () => {
    const urls = summary(everything).entry.map(({ fullUrl }) => fullUrl);
    expect(new Set(urls).size).toBe(urls.length);
  });
});

describe('references within a summary', () => {
  it('lead to the document’s one Patient, whichever organisation’s Patient they meant', () => {
    const entries = [
      entry(patient('p1')),
      entry(patient('other'), 'Y90001'),
      entry(condition('a', 'active', { subject: { reference: 'urn:uuid:other', display: 'Anne' } }), 'Y90001'),
      entry(condition('b', 'active', { subject: { reference: 'Patient/not-in-the-record' } }), 'RX902'),
    ];
    const [, person, ...others] = summary(entries).entry;
    expect(others.map(({ resource }) => (resource['subject'] as { reference: string }).reference)).toEqual([
      person!.fullUrl,
      person!.fullUrl,
    ]);
    expect(others.find(({ resource }) => resource.id === 'a')?.resource['subject']).toHaveProperty('display', 'Anne');
  });

  it('lead to what is in the document, of the same organisation, and are left alone otherwise', () => {
    const report = (id: string, reference: string) => ({
      resourceType: 'DiagnosticReport',
      id,
      status: 'final',
      code: { text: id },
      subject,
      result: [{ reference }],
    });
    const lab = (organisation: string) => entry(observation('lab', 'laboratory', { code: coded(organisation) }), organisation);
    const document = summary([
      lab('RX901'),
      lab('Y90001'),
      entry(report('relative', 'Observation/lab'), 'RX901'),
      entry(report('address', 'https://gp.example/fhir/Observation/lab/_history/2'), 'Y90001'),
      entry(report('uuid', 'urn:uuid:lab'), 'Y90001'),
      entry(report('absent', 'Observation/elsewhere'), 'Y90001'),
    ]);
    const urlOf = (code: string) =>
      document.entry.find(({ resource }) => JSON.stringify(resource['code'] ?? '').includes(code))?.fullUrl;
    const results = Object.fromEntries(
      document.entry
        .filter(({ resource }) => resource.resourceType === 'DiagnosticReport')
        .map(({ resource }) => [resource.id, (resource['result'] as [{ reference: string }])[0].reference]),
    );
    expect(results).toEqual({
      relative: urlOf('RX901'),
      address: urlOf('Y90001'),
      uuid: urlOf('Y90001'),
      absent: 'Observation/elsewhere',
    });
  });
});

describe('the Patient of a summary', () => {
  const chosen = (...entries: RecordEntry[]) => summary(entries).entry[1]!.resource;

  it('is the last updated one of several, with its own data', () => {
    const older = entry(patient('old', { meta: { lastUpdated: '2020-01-01T00:00:00Z' }, gender: 'male' }));
    const newer = entry(patient('new', { meta: { lastUpdated: '2021-01-01T00:00:00Z' }, gender: 'female' }), 'Y90001');
    expect(chosen(older, newer)).toBe(newer.resource);
    expect(chosen(newer, older)).toBe(newer.resource);
  });

  it('is the first by organisation and id where none is newer', () => {
    const [one, other] = [entry(patient('b'), 'RX901'), entry(patient('a'), 'Y90001')];
    expect(chosen(other, one)).toBe(one.resource);
  });

  it('is rather one that carries the number asked for, as after a merge', () => {
    const superseded = entry(
      patient('a', { identifier: [{ system: NHS, value: '9990079196' }], meta: { lastUpdated: '2025-01-01T00:00:00Z' } }),
    );
    const own = entry(patient('b'));
    expect(chosen(superseded, own)).toBe(own.resource);
    expect(chosen(superseded)['identifier']).toEqual([
      { system: NHS, value: nhsNumber },
      { system: NHS, value: '9990079196' },
    ]);
  });

  it('is no more than the number where nobody sent one', () => {
    expect(chosen()).toEqual({ resourceType: 'Patient', identifier: [{ system: NHS, value: nhsNumber }] });
  });
});

describe('a summary from which something is withheld', () => {
  const notice = 'Something about <this> person is not shown.';
  const reasons = (document: Document) => sectionsOf(document).map(({ emptyReason }) => emptyReason);
  const withheld = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/list-empty-reason', code: 'withheld' }] };

  it('is FHIR R4', () => {
    expect(fhirProblems(summary([], notice) as unknown as Resource)).toEqual([]);
    const sound = everything.filter(({ resource }) => fhirProblems(resource).length === 0);
    expect(fhirProblems(summary(sound, notice) as unknown as Resource)).toEqual([]);
  });

  it('says so in its own narrative, and as the reason of every empty section alike, so that none looks like “no allergies”', () => {
    const document = summary([entry(patient('p1')), entry(condition('active', 'active'))], notice);
    const text = 'Something about &#60;this&#62; person is not shown.';
    expect(document.entry[0]!.resource['text']).toEqual({
      status: 'additional',
      div: `<div xmlns="http://www.w3.org/1999/xhtml"><p>${text}</p></div>`,
    });
    expect(reasons(document)).toEqual([undefined, withheld, withheld]);
    const [, allergies, medications] = sectionsOf(document);
    expect(allergies!.text.div).toContain(`<p>Nothing is shown here. ${text}</p>`);
    expect(medications!.text).toEqual(allergies!.text);
  });

  it('says so also where no section is empty', () => {
    const document = summary(everything, notice);
    expect(JSON.stringify(document.entry[0]!.resource['text'])).toContain('is not shown');
    expect(reasons(document).filter((reason) => reason !== undefined)).toEqual([]);
  });

  it('says nothing of it where the reader is not told', () => {
    const text = JSON.stringify(summary([entry(patient('p1'))]));
    expect(text).not.toMatch(/withheld|not shown/);
    expect(summary([entry(patient('p1'))]).entry[0]!.resource).not.toHaveProperty('text');
  });
});

describe('the narrative of a summary', () => {
  it('says what and when, and never runs what was sent', () => {
    const hostile = entry(
      condition('x', 'active', { code: { text: '<script>alert("1")</script> & \'more\'' } }),
      'RX901',
      '2020-02-03T10:00:00Z',
    );
    const [problems] = sectionsOf(summary([hostile]));
    expect(problems!.text.div).toBe(
      '<div xmlns="http://www.w3.org/1999/xhtml"><ul><li>&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62; &#38; &#39;more&#39;, 2020-02-03</li></ul></div>',
    );
  });

  it('names a thing by its text, else its display, else its code, else its type', () => {
    const named = (code: object | undefined) => {
      const { code: _, ...nameless } = condition('x', 'active');
      const [section] = sectionsOf(summary([entry({ ...nameless, ...(code && { code }) })]));
      return /<li>(.*)<\/li>/.exec(section!.text.div)?.[1];
    };
    expect(named({ text: 'Text', coding: [{ display: 'Display', code: '1' }] })).toBe('Text');
    expect(named({ coding: [{ code: '1' }, { code: '2', display: 'Display' }] })).toBe('Display');
    expect(named(coded('1'))).toBe('1');
    expect(named(undefined)).toBe('Condition');
  });
});
