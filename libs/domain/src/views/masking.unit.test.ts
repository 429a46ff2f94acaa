import type { Resource } from '../vocabulary.js';
import { namedBy, namesInRecord, Withheld, type Refusal } from './masking.js';
import { PROJECTIONS } from './projection.js';

type Loose = Readonly<Record<string, unknown>>;

const named = (id: string, resource: Loose) => ({
  id,
  resourceType: resource['resourceType'] as string,
  resource: resource as unknown as Resource,
});

const HIV = {
  resourceType: 'Condition',
  id: 'hiv1',
  identifier: [{ system: 'urn:problems', value: '77' }, { value: 'local-5' }],
};
const absentAs = (valueCode: string) => ({
  extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode }],
});
const MASKED = absentAs('masked');

function withheld(condition: Loose = HIV, source = 'RX901', refusal: Refusal = 'withheld'): Withheld {
  const all = new Withheld();
  all.add(named(`${source}/${condition['resourceType'] as string}/${condition['id'] as string}`, condition), refusal);
  return all;
}

/** An encounter as it is told beside what is withheld. */
function told(encounter: Loose, beside = withheld(), source = 'RX901'): Loose {
  return beside.masked(named(`${source}/Encounter/e1`, { resourceType: 'Encounter', id: 'e1', ...encounter })).resource;
}

const DISPLAY = { display: 'HIV infection, newly diagnosed' };

describe('a reference to a withheld entry', () => {
  it.each([
    ['a relative one', { reference: 'Condition/hiv1' }],
    ['one of a version', { reference: 'Condition/hiv1/_history/3' }],
    ['an absolute one', { reference: 'https://pas.rx901.nhs.uk/fhir/Condition/hiv1' }],
    ['a uuid written out', { reference: 'urn:uuid:hiv1' }],
    ['a search for its identifier', { reference: 'Condition?identifier=urn:problems%7C77' }],
    ['its identifier', { identifier: { system: 'urn:problems', value: '77' } }],
    ['its identifier and type', { type: 'Condition', identifier: { system: 'urn:problems', value: '77' } }],
    ['its identifier without a system', { identifier: { value: 'local-5' } }],
    [
      'an address that leads nowhere, with its identifier',
      { reference: 'Condition/x', identifier: { system: 'urn:problems', value: '77' } },
    ],
  ])('is masked with its display: %s', (_, reference) => {
    expect(
      told({ status: 'finished', reasonReference: [{ ...reference, ...DISPLAY }, { reference: 'Condition/other' }] }),
    ).toEqual({
      resourceType: 'Encounter',
      id: 'e1',
      status: 'finished',
      reasonReference: [MASKED, { reference: 'Condition/other' }],
    });
  });

  it('is masked wherever it stands, and leaves in place what R4 requires', () => {
    const reference = { reference: 'Condition/hiv1', ...DISPLAY };
    const contained = [{ resourceType: 'Observation', id: 'o', status: 'final', focus: [reference] }];
    const extension = [{ url: 'urn:why', valueReference: reference }];
    const diagnosis = [{ id: 'd', condition: reference, rank: 1 }];
    expect(told({ contained, extension, diagnosis })).toEqual({
      ...{ resourceType: 'Encounter', id: 'e1' },
      contained: [{ resourceType: 'Observation', id: 'o', status: 'final', focus: [MASKED] }],
      extension: [{ url: 'urn:why', valueReference: MASKED }],
      diagnosis: [{ id: 'd', condition: MASKED, rank: 1 }],
    });
  });

  it('takes the narrative with it that tells the same in words, and no other', () => {
    const text = { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">HIV infection</div>' };
    const section = [
      { title: 'Problems', text, entry: [{ reference: 'Condition/hiv1' }] },
      { title: 'Allergies', text, entry: [{ reference: 'AllergyIntolerance/a' }] },
    ];
    expect(told({ text, section })).toEqual({
      ...{ resourceType: 'Encounter', id: 'e1' },
      section: [{ title: 'Problems', entry: [MASKED] }, section[1]],
    });
  });

  it('means an entry of its own source, but by a system’s identifier whosever', () => {
    const reference = { reasonReference: [{ reference: 'Condition/hiv1', ...DISPLAY }] };
    const identifier = { reasonReference: [{ identifier: { system: 'urn:problems', value: '77' } }] };
    expect(told(reference, withheld(HIV, 'RX901:lab'))).toMatchObject(reference);
    expect(told(reference, withheld(HIV, 'RX901:lab'), 'RX901:lab')).toMatchObject({ reasonReference: [MASKED] });
    expect(told(identifier, withheld(HIV, 'RX901:lab'))).toMatchObject({ reasonReference: [MASKED] });
    expect(told({ reasonReference: [{ identifier: { value: 'local-5' } }] }, withheld(HIV, 'Y90001'))).toMatchObject({
      reasonReference: [{ identifier: { value: 'local-5' } }],
    });
  });

  it('stands without a word of why where the entry is withheld without a sign', () => {
    const reference = { reasonReference: [{ reference: 'Condition/hiv1' }] };
    const silent = withheld(HIV, 'RX901', 'unsaid');
    expect(told(reference, silent)).toMatchObject({ reasonReference: [absentAs('unknown')] });
    silent.add(named('RX901/Condition/hiv1', HIV), 'withheld');
    silent.add(named('RX901/Condition/hiv1', HIV), 'unsaid');
    expect(told(reference, silent)).toMatchObject({ reasonReference: [MASKED] });
  });

  it('is not told beyond individual care, under a pseudonym or otherwise', () => {
    const research = PROJECTIONS.find(({ purpose }) => purpose === 'research')!;
    const observation = { resourceType: 'Observation', id: 'o1', status: 'final', encounter: { reference: 'Encounter/e1' } };
    const when = { organisation: 'RX901', occurredAt: null, recordedAt: '2026-01-01T00:00:00Z', eventTime: 0 };
    const entry = { ...named('RX901/Observation/o1', observation), ...when };
    const pseudonyms = { patient: 'p', of: (text: string) => `pseudonym of ${text}` };
    const seen = (beside: Withheld) => research.project(beside.masked(entry), pseudonyms).resource['encounter'];
    expect(seen(new Withheld())).toBeDefined();
    expect(seen(withheld({ resourceType: 'Encounter', id: 'e1' }))).toBeUndefined();
  });
});

describe('a copy of a withheld entry within another', () => {
  const copy = {
    resourceType: 'Condition',
    id: 'c',
    identifier: [{ system: 'urn:problems', value: '77' }],
    asserter: { reference: '#dr' },
  };
  const doctor = { resourceType: 'Practitioner', id: 'dr', name: [{ text: 'Of the HIV clinic' }] };
  const ward = { resourceType: 'Location', id: 'w' };

  it('goes, with what refers to it and what it alone refers to', () => {
    const encounter = {
      contained: [copy, doctor, ward],
      reasonReference: [{ reference: '#c', ...DISPLAY }],
      location: [{ location: { reference: '#w' } }],
    };
    expect(told(encounter)).toEqual({
      ...{ resourceType: 'Encounter', id: 'e1' },
      contained: [ward],
      reasonReference: [MASKED],
      location: [{ location: { reference: '#w' } }],
    });
    expect(told({ contained: [copy, doctor], reasonReference: [{ reference: '#c' }] })).not.toHaveProperty('contained');
  });

  it('takes the narrative with it, also where nothing refers to the copy', () => {
    const text = { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">HIV infection</div>' };
    expect(told({ text, contained: [copy] })).toEqual({ resourceType: 'Encounter', id: 'e1' });
  });

  it('leaves what others refer to besides, or nothing ever did', () => {
    const encounter = { contained: [copy, doctor, ward], participant: [{ individual: { reference: '#dr' } }] };
    expect(told(encounter)).toMatchObject({ contained: [doctor, ward] });
  });

  it('is replaced where a resource has to stand', () => {
    expect(told({ entry: [{ resource: { ...copy, id: 'hiv1' } }] })).toMatchObject({
      entry: [{ resource: { resourceType: 'OperationOutcome', issue: [{ severity: 'information', code: 'suppressed' }] } }],
    });
  });
});

describe('what names nothing withheld', () => {
  it('is given as it is, and not copied', () => {
    const entry = named('RX901/Encounter/e1', {
      ...{ resourceType: 'Encounter', id: 'e1', identifier: [{ system: 'urn:problems', value: '78' }] },
      contained: [{ resourceType: 'Condition', id: 'c' }],
      reasonReference: [{ reference: '#c' }, { reference: 'Condition/hiv2', ...DISPLAY }],
    });
    expect(withheld().masked(entry)).toBe(entry);
    expect(new Withheld().masked(entry)).toBe(entry);
  });

  it('are elements with an identifier of their own, and references to the patient', () => {
    const contract = { term: [{ identifier: { system: 'urn:problems', value: '77' }, text: 'kept' }] };
    expect(told(contract)).toMatchObject(contract);
    const subject = { subject: { reference: 'Patient/p', display: 'Anne' } };
    expect(told(subject, withheld({ resourceType: 'Patient', id: 'p' }))).toMatchObject(subject);
  });
});

describe('the names in a record', () => {
  it('are told of an entry and of those of whom it speaks, by its source', () => {
    const encounter = named('RX901:lab/Encounter/e1', {
      ...{ resourceType: 'Encounter', id: 'e1' },
      contained: [{ resourceType: 'Condition', id: 'c', identifier: [{ system: 'urn:problems', value: '77' }] }],
      reasonReference: [{ reference: 'Condition/hiv1' }],
    });
    expect(namesInRecord(encounter)).toEqual(['RX901:lab Encounter/e1', 'RX901:lab e1']);
    expect(new Set(namedBy(encounter))).toEqual(
      new Set(['RX901:lab Condition/c', 'urn:problems|77', 'RX901:lab Condition/hiv1']),
    );
  });
});
