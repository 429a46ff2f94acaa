import fc from 'fast-check';
import type { Resource } from '@weft/domain';
import type { RecordEntry } from './fhir-out.js';
import { fhirProblems } from './fhir.js';
import {
  coded,
  condition,
  type Document,
  entry,
  mmol,
  narrativesOf,
  NHS_NUMBER as nhsNumber,
  observation,
  patient,
  report,
  sectionsOf,
  subject,
  summary,
} from './summary.fixture.js';

const NHS = 'https://fhir.nhs.uk/Id/nhs-number';

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
  entry(observation('height-old', 'vital-signs', { ...mmol(1), effectiveDateTime: '2020-01-01' })),
  entry(observation('height-new', 'vital-signs', { ...mmol(2), effectiveDateTime: '2021-01-01T00:00:00Z' }), 'Y90001'),
  entry(observation('height-wrong', 'vital-signs', { status: 'entered-in-error', effectiveDateTime: '2022-01-01' })),
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
    expect(sections.map(({ code }) => code.coding[0].code)).toEqual(['48765-2', '11450-4', '10160-0']);
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

  it('lead to what is in the document, of the same source, and say where they lead nowhere', () => {
    const of = (id: string, reference: string) => report(id, { result: [{ reference }] });
    const lab = (source: string) => entry(observation('lab', 'laboratory', { code: coded(source) }), source);
    const document = summary([
      lab('RX901'),
      lab('RX901:lab'),
      lab('Y90001'),
      entry(of('relative', 'Observation/lab'), 'RX901'),
      entry(of('system', 'Observation/lab'), 'RX901:lab'),
      entry(of('address', 'https://gp.example/fhir/Observation/lab/_history/2'), 'Y90001'),
      entry(of('uuid', 'urn:uuid:lab'), 'Y90001'),
      entry(of('absent', 'Observation/elsewhere'), 'Y90001'),
      entry(of('absent-uuid', 'urn:uuid:2f0f5c1e-0000-4000-8000-000000000000'), 'Y90001'),
      entry(of('other-server', 'https://other.example/fhir/Observation/1'), 'Y90001'),
    ]);
    const urlOf = (code: string) =>
      document.entry.find(({ resource }) => JSON.stringify(resource['code'] ?? '').includes(`"${code}"`))?.fullUrl;
    const results = Object.fromEntries(
      document.entry
        .filter(({ resource }) => resource.resourceType === 'DiagnosticReport')
        .map(({ resource }) => [resource.id, (resource['result'] as object[])[0]]),
    );
    expect(results).toEqual({
      relative: { reference: urlOf('RX901') },
      system: { reference: urlOf('RX901:lab') },
      address: { reference: urlOf('Y90001') },
      uuid: { reference: urlOf('Y90001') },
      absent: { type: 'Observation', display: 'observation that is not in this document' },
      'absent-uuid': { display: 'something that is not in this document' },
      'other-server': { reference: 'https://other.example/fhir/Observation/1' },
    });
  });

  it('take with them what an entry cannot be read without: a report its results, a medicine its name, though no section lists it', () => {
    const document = summary([
      entry(
        observation('old', 'laboratory', {
          ...mmol(4.1),
          effectiveDateTime: '2026-01-01',
          specimen: { reference: 'Specimen/s' },
        }),
      ),
      entry({ resourceType: 'Specimen', id: 's', subject, type: { text: 'Blood' } }),
      entry(
        observation('new', 'laboratory', {
          ...mmol(6.9),
          effectiveDateTime: '2026-02-01',
          specimen: { reference: 'Specimen/s' },
        }),
      ),
      entry(report('r', { conclusion: 'Normal', result: [{ reference: 'Observation/old' }] })),
      entry({ resourceType: 'Medication', id: 'm', code: { text: 'Warfarin' } }),
      entry({
        resourceType: 'MedicationStatement',
        id: 'taken',
        status: 'active',
        subject,
        medicationReference: { reference: 'Medication/m' },
      }),
    ]);
    const urls = new Set(document.entry.map(({ fullUrl }) => fullUrl));
    const references = JSON.stringify(document.entry.slice(1)).match(/(?<="reference":")[^"]+/g)!;
    expect(references.length).toBeGreaterThan(5);
    for (const reference of references) expect(urls).toContain(reference);
    expect(document.entry.map(({ resource }) => resource.id)).toEqual(expect.arrayContaining(['old', 's', 'm']));
    const { whole, of } = narrativesOf(document);
    expect(of('10160-0')).toContain('Warfarin');
    expect(of('30954-2')).not.toContain('4.1');
    expect(whole).toContain('1 further entry');
    expect(whole).toContain('which is listed: 1 observation');
  });
});

describe('the Patient of a summary', () => {
  const chosen = (...entries: RecordEntry[]) => summary(entries).entry[1]!.resource;

  it('is the last updated one of several, with its own data', () => {
    const older = entry(patient('old', { meta: { lastUpdated: '2020-01-01T00:00:00Z' }, gender: 'male' }));
    const newer = entry(patient('new', { meta: { lastUpdated: '2021-01-01T00:00:00Z' }, gender: 'female' }), 'Y90001');
    expect(chosen(older, newer)).toMatchObject(newer.resource);
    expect(chosen(newer, older)).toMatchObject(newer.resource);
  });

  it('is the first by organisation and id where none is newer', () => {
    const [one, other] = [entry(patient('b'), 'RX901'), entry(patient('a'), 'Y90001')];
    expect(chosen(other, one)).toMatchObject(one.resource);
  });

  it('is rather one that carries the number asked for, as after a merge', () => {
    const superseded = entry(
      patient('a', { identifier: [{ system: NHS, value: '9990079196' }], meta: { lastUpdated: '2025-01-01T00:00:00Z' } }),
    );
    const own = entry(patient('b'));
    expect(chosen(superseded, own)).toMatchObject(own.resource);
    expect(chosen(superseded)['identifier']).toEqual([
      { system: NHS, value: nhsNumber },
      { system: NHS, value: '9990079196' },
    ]);
  });

  it('is no more than the number where nobody sent one, and says that name and birth date are not known', () => {
    const unknown = {
      extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }],
    };
    const identifier = [{ system: NHS, value: nhsNumber }];
    expect(chosen()).toEqual({ resourceType: 'Patient', identifier, name: [{ _text: unknown }], _birthDate: unknown });
    const known = entry(patient('p', { name: [{ family: 'Fernsby' }], birthDate: '1950-03-04' }));
    expect(chosen(known)).toEqual(known.resource);
  });
});

describe('a summary from which something is withheld', () => {
  const notice = 'Something about <this> person is not shown.';
  const reasons = (document: Document) => sectionsOf(document).map(({ emptyReason }) => emptyReason);
  const withheld = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/list-empty-reason', code: 'withheld' }] };

  it('is FHIR R4', () => {
    expect(fhirProblems(summary([], { notice }) as unknown as Resource)).toEqual([]);
    const sound = everything.filter(({ resource }) => fhirProblems(resource).length === 0);
    expect(fhirProblems(summary(sound, { notice }) as unknown as Resource)).toEqual([]);
  });

  it('says so in its own narrative, and as the reason of every empty section alike, so that none looks like “no allergies”', () => {
    const document = summary([entry(patient('p1')), entry(condition('active', 'active'))], { notice });
    const text = 'Something about &#60;this&#62; person is not shown.';
    expect(document.entry[0]!.resource['text']).toMatchObject({
      status: 'additional',
      div: expect.stringContaining(`<p><b>${text}</b></p>`),
    });
    expect(reasons(document)).toEqual([withheld, undefined, withheld]);
    const [allergies, , medications] = sectionsOf(document);
    expect(allergies!.text.div).toContain(`<p>Nothing is shown here. ${text}</p>`);
    expect(medications!.text).toEqual(allergies!.text);
  });

  it('says so also where no section is empty', () => {
    const document = summary(everything, { notice });
    expect(JSON.stringify(document.entry[0]!.resource['text'])).toContain('is not shown');
    expect(reasons(document).filter((reason) => reason !== undefined)).toEqual([]);
  });

  it('says nothing of it where the reader is not told', () => {
    const text = JSON.stringify(summary([entry(patient('p1'))]));
    expect(text).not.toMatch(/withheld|not shown/);
  });
});

describe('a summary of a person about whom something is waiting', () => {
  const waiting = 'Something sent about this person is not here yet.';

  it('says so in its own narrative and in every empty section, so that none looks like “no allergies”', () => {
    const document = summary([entry(condition('active', 'active'))], { waiting });
    expect(fhirProblems(document as unknown as Resource)).toEqual([]);
    const { whole, of } = narrativesOf(document);
    expect(whole).toContain(waiting);
    expect(of('48765-2')).toBe(`Nothing is known here from what is shared. ${waiting}\n`);
    expect(narrativesOf(summary([])).whole).not.toContain(waiting);
  });
});

describe('the narrative of a summary', () => {
  it('says what, when and whose, and never runs what was sent', () => {
    const hostile = entry(
      condition('x', 'active', { code: { text: '<script>alert("1")</script> & \'more\'' } }),
      'RX901',
      '2020-02-03T10:00:00Z',
    );
    const [, problems] = sectionsOf(summary([hostile]));
    expect(problems!.text.div).toContain(
      '<tr><td>&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62; &#38; &#39;more&#39;</td><td>03-Feb-2020 10:00</td><td>RX901</td></tr>',
    );
  });

  it('writes out what would turn the words behind it round, or is no XML', () => {
    const hostile = condition('x', 'active', { code: { text: 'a\u001b[2J\u202eb' }, verificationStatus: coded('unconfirmed') });
    expect(narrativesOf(summary([entry(hostile)])).of('11450-4')).toContain('a\\u001b[2J\\u202eb (unconfirmed) |');
  });

  it('says first what warns: allergies, then alerts', () => {
    const flag = { resourceType: 'Flag', id: 'f', status: 'active', code: { text: 'Falls' }, subject };
    const document = summary([entry(condition('x', 'active')), entry(flag)]);
    expect(sectionsOf(document).map(({ title }) => title)).toEqual([
      'Allergies and intolerances',
      'Alerts',
      'Problems',
      'Medications',
    ]);
  });

  it('lists behind all others what has a date in the future, or none', () => {
    const dated = (id: string, date: string | null) => entry(condition(id, 'active'), 'RX901', date);
    const words = narrativesOf(summary([dated('1', '2062'), dated('2', null), dated('3', '2020'), dated('4', '2026-02-03')]));
    expect(words.of('11450-4').match(/Condition \d/g)).toEqual(['Condition 4', 'Condition 3', 'Condition 1', 'Condition 2']);
  });

  it.each([
    ['2026', '2026'],
    ['2026-02', 'Feb-2026'],
    ['2026-02-03', '03-Feb-2026'],
    ['2026-07-03T23:30:00Z', '04-Jul-2026 00:30'],
    [null, 'no date'],
    ['2026-02-31', 'no date'],
  ])('writes the date %s as %s, by England’s clock', (date, words) => {
    expect(narrativesOf(summary([entry(condition('x', 'active'), 'RX901', date)])).of('11450-4')).toContain(`| ${words} |`);
  });

  it('names a thing by its text, else its display, else its code', () => {
    const named = (code: object) => {
      const words = narrativesOf(summary([entry(condition('x', 'active', { code }))])).of('11450-4');
      return /\n(.*?) \| /.exec(words)?.[1];
    };
    expect(named({ text: 'Text', coding: [{ display: 'Display', code: '1' }] })).toBe('Text');
    expect(named({ coding: [{ code: '1' }, { code: '2', display: 'Display' }] })).toBe('Display');
    expect(named(coded('1'))).toBe('1');
  });

  it('names at most thirty of those that were refuted, and counts the others', () => {
    const refuted = Array.from({ length: 33 }, (_, index) =>
      entry(condition(`c${index}`, 'active', { verificationStatus: coded('refuted') })),
    );
    expect(narrativesOf(summary(refuted)).whole).toMatch(/Condition c0 \(condition\).*; and 3 more\n/);
  });

  it('begins with whose it is, as NHS screens name a person', () => {
    const anne = patient('p1', {
      name: [{ family: 'Fernsby', given: ['Anne', 'M'] }],
      gender: 'female',
      birthDate: '1950-03-04',
    });
    expect(narrativesOf(summary([entry(anne)])).whole).toBe(
      'FERNSBY, Anne M, born 04-Mar-1950 (75y), female, NHS number 999 003 3471\n',
    );
    expect(narrativesOf(summary([])).whole).toBe('Name not known, date of birth not known, NHS number 999 003 3471\n');
    const died = patient('p1', { birthDate: '1950-03-04', deceasedDateTime: '2026-01-02' });
    expect(narrativesOf(summary([entry(died)])).whole).toContain('born 04-Mar-1950, NHS number 999 003 3471, died 02-Jan-2026');
  });

  it('says where organisations contradict each other about the person, and not where one says nothing', () => {
    const anne = patient('a', {
      name: [{ family: 'Fernsby' }],
      birthDate: '1950-03-04',
      meta: { lastUpdated: '2026-01-01T00:00:00Z' },
    });
    const other = (changes: object) =>
      narrativesOf(summary([entry(anne), entry(patient('b', changes), 'RX902')])).whole.split('\n');
    expect(other({ birthDate: '1951-03-04', name: [{ family: 'Smith' }] }).slice(1, 3)).toEqual([
      'RX902 has another date of birth: 04-Mar-1951',
      'RX902 has another name: SMITH',
    ]);
    expect(other({ deceasedBoolean: true })[1]).toBe('RX902 says of this person: has died');
    expect(other({ name: [{ family: 'FERNSBY', given: ['Anne'] }] })).toHaveLength(2);
  });
});
