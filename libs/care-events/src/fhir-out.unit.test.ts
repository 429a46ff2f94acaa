import fc from 'fast-check';
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
const page = (entries: readonly RecordEntry[], offset: number, count: number, more: Partial<EverythingPage> = {}) =>
  everythingBundle({
    entries: entries.slice(offset, offset + count),
    baseUrl,
    nhsNumber,
    offset,
    count,
    total: entries.length,
    ...more,
  });
const linkOf = (bundle: Resource, relation: string) =>
  (bundle as unknown as Page).link.find((link) => link.relation === relation)?.url;

describe('a page of everything', () => {
  it('is FHIR R4, the empty one too', () => {
    expect(fhirProblems(page([entry('RX901', 'o1')], 0, 10))).toEqual([]);
    expect(fhirProblems(page([], 0, 10))).toEqual([]);
  });

  it('gives one address each to what two organisations call by the same id', () => {
    const bundle = page([entry('RX901', 'o1'), entry('Y90001', 'o1')], 0, 10) as unknown as Page;
    expect(bundle.entry?.map(({ fullUrl }) => fullUrl)).toEqual([
      `${baseUrl}/RX901/Observation/o1`,
      `${baseUrl}/Y90001/Observation/o1`,
    ]);
  });

  it('keeps in its links what was asked for', () => {
    const bundle = page([entry('RX901', 'o1'), entry('RX901', 'o2'), entry('RX901', 'o3')], 1, 1, {
      query: { purpose: 'direct-care' },
    });
    const at = (offset: number) => `${baseUrl}/Patient/${nhsNumber}/$everything?purpose=direct-care&_count=1&_offset=${offset}`;
    expect([linkOf(bundle, 'previous'), linkOf(bundle, 'self'), linkOf(bundle, 'next')]).toEqual([at(0), at(1), at(2)]);
  });

  it('leads by its next links to every entry once, and back to the first', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.integer({ min: 1, max: 50 }), (total, count) => {
        const entries = Array.from({ length: total }, (_, index) => entry('RX901', `o${index}`));
        const seen: string[] = [];
        let offset: number | undefined = 0;
        while (offset !== undefined) {
          const bundle: Resource = page(entries, offset, count);
          expect((bundle as unknown as Page).total).toBe(total);
          expect(linkOf(bundle, 'previous') === undefined).toBe(offset === 0);
          seen.push(...((bundle as unknown as Page).entry ?? []).map(({ fullUrl }) => fullUrl));
          const next: string | undefined = linkOf(bundle, 'next');
          offset = next === undefined ? undefined : Number(new URL(next).searchParams.get('_offset'));
        }
        expect(seen).toEqual(entries.map(({ resource }) => `${baseUrl}/RX901/Observation/${resource.id}`));
      }),
    );
  });

  it('leads back to the beginning, and not before it, from a page that starts in the middle', () => {
    const previous = linkOf(page([entry('RX901', 'o1'), entry('RX901', 'o2')], 1, 10), 'previous');
    expect(new URL(previous!).searchParams.get('_offset')).toBe('0');
  });

  it('says on the first page alone that something is not given, and counts it neither in the total nor against the page', () => {
    const entries = [entry('RX901', 'o1'), entry('RX901', 'o2'), entry('RX901', 'o3')];
    const notice = 'Something is not shown.';
    const at = (offset: number) => page(entries, offset, 2, { notice }) as unknown as Required<Page>;
    const [first, second] = [at(0), at(2)];
    expect(fhirProblems(first as unknown as Resource)).toEqual([]);
    expect([first.total, second.total]).toEqual([3, 3]);
    expect(first.entry.map(({ search }) => search.mode)).toEqual(['match', 'match', 'outcome']);
    expect(first.entry[2]!.resource).toEqual({
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'information', code: 'suppressed', details: { text: notice } }],
    });
    expect(second.entry.map(({ search }) => search.mode)).toEqual(['match']);
    const empty = page([], 0, 2, { notice });
    expect(empty).toMatchObject({ total: 0, entry: [{ search: { mode: 'outcome' } }] });
    expect(fhirProblems(empty)).toEqual([]);
  });

  it('has no next link when there is nothing on it, so that nobody goes round for ever', () => {
    expect(linkOf(everythingBundle({ entries: [], baseUrl, nhsNumber, offset: 5, count: 5, total: 9 }), 'next')).toBeUndefined();
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
