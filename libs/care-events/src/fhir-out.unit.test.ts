import type { Resource } from '@weft/domain';
import { capabilityStatement, everythingBundle } from './fhir-out.js';
import type { EverythingPage, RecordEntry } from './fhir-out.js';
import { fhirProblems } from './fhir.js';
import { PROBLEM_JSON, problemDetails } from './problem-details.js';

interface Page {
  readonly total: number;
  readonly link: readonly { relation: string; url: string }[];
  readonly entry?: readonly { fullUrl: string; resource: Resource; search: { mode: string } }[];
}
const baseUrl = 'https://weft.example/fhir';
const nhsNumber = '9990033471';
const entry = (organisation: string, id: string): RecordEntry => ({
  id: `${organisation}/Observation/${id}`,
  organisation,
  resourceType: 'Observation',
  occurredAt: null,
  recordedAt: '2026-03-01T12:00:00Z',
  resource: { resourceType: 'Observation', id, status: 'final', code: { text: 'Body height' } },
});
const page = (entries: readonly RecordEntry[], more: Partial<EverythingPage> = {}) =>
  everythingBundle({ entries, baseUrl, nhsNumber, total: entries.length, query: {}, next: null, ...more });
const linkOf = (bundle: Resource, relation: string) =>
  (bundle as unknown as Page).link.find((link) => link.relation === relation)?.url;

describe('a page of everything', () => {
  it('is FHIR R4, the empty one too', () => {
    expect(fhirProblems(page([entry('RX901', 'o1')]))).toEqual([]);
    expect(fhirProblems(page([]))).toEqual([]);
  });

  it('gives one address each to what two organisations call by the same id', () => {
    const bundle = page([entry('RX901', 'o1'), entry('RX901:lab', 'o1'), entry('Y90001', 'o1')]) as unknown as Page;
    expect(bundle.entry?.map(({ fullUrl }) => fullUrl)).toEqual([
      `${baseUrl}/RX901/Observation/o1`,
      `${baseUrl}/RX901:lab/Observation/o1`,
      `${baseUrl}/Y90001/Observation/o1`,
    ]);
  });

  it('ends an address with the resource’s own id, also where two numbers of a person have one of that id', () => {
    const bundle = page([entry('RX901', 'o1'), { ...entry('RX901', 'o1'), id: 'RX901/Observation/o1~4f1c0d2a9b7e' }]);
    expect((bundle as unknown as Page).entry?.map(({ fullUrl }) => fullUrl)).toEqual([
      `${baseUrl}/RX901/Observation/o1`,
      `${baseUrl}/RX901~4f1c0d2a9b7e/Observation/o1`,
    ]);
  });

  it('links to itself and to the next page by what each asks for', () => {
    const bundle = page([entry('RX901', 'o1')], {
      query: { purpose: 'direct-care' },
      next: { purpose: 'direct-care', _after: 'RX901/1' },
    });
    const at = (query: string) => `${baseUrl}/Patient/${nhsNumber}/$everything?purpose=direct-care${query}`;
    expect([linkOf(bundle, 'self'), linkOf(bundle, 'next')]).toEqual([at(''), at('&_after=RX901%2F1')]);
    expect(linkOf(page([]), 'next')).toBeUndefined();
  });

  it('says that something is not given, or not there yet, and counts it not in the total', () => {
    const [notice, waiting] = ['Something is not shown.', 'Something is not here yet.'];
    const both = page([entry('RX901', 'o1')], { notice, waiting }) as unknown as Required<Page>;
    expect(fhirProblems(both as unknown as Resource)).toEqual([]);
    expect(both.total).toBe(1);
    expect(both.entry.map(({ search }) => search.mode)).toEqual(['match', 'outcome', 'outcome']);
    expect(both.entry.slice(1).map(({ resource }) => resource)).toEqual([
      { resourceType: 'OperationOutcome', issue: [{ severity: 'information', code: 'suppressed', details: { text: notice } }] },
      { resourceType: 'OperationOutcome', issue: [{ severity: 'warning', code: 'incomplete', details: { text: waiting } }] },
    ]);
    const empty = page([], { notice });
    expect(empty).toMatchObject({ total: 0, entry: [{ search: { mode: 'outcome' } }] });
    expect(fhirProblems(empty)).toEqual([]);
  });
});

describe('the capability statement', () => {
  it('is FHIR R4, and names both operations', () => {
    const statement = capabilityStatement({ baseUrl, version: '0.1.0', date: '2026-03-01' });
    expect(fhirProblems(statement)).toEqual([]);
    expect(JSON.stringify(statement)).toContain('OperationDefinition/Patient-everything');
    expect(JSON.stringify(statement)).toContain('ips/OperationDefinition/summary');
  });
});

describe('problem details', () => {
  it('say no more than they know', () => {
    expect(PROBLEM_JSON).toBe('application/problem+json');
    expect(problemDetails({ title: 'Not found', status: 404 })).toEqual({ type: 'about:blank', title: 'Not found', status: 404 });
  });

  it('have one error a field', () => {
    const errors = [{ field: 'subject', code: 'required', message: 'is required' }];
    const details = problemDetails({
      type: 'urn:weft:problem:invalid',
      title: 'Not valid',
      status: 422,
      detail: 'One field is wrong.',
      errors,
    });
    expect(details).toEqual({
      type: 'urn:weft:problem:invalid',
      title: 'Not valid',
      status: 422,
      detail: 'One field is wrong.',
      errors,
    });
  });
});
