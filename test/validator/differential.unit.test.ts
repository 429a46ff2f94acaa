import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fhirProblems } from '@weft/care-events';
import fc from 'fast-check';
import { compare, fuzz } from './src/compare.js';
import { REASONS } from './src/differences.js';
import { examples, samples, SAMPLES } from './src/files.js';
import { mutated, mutations } from './src/mutations.js';
import { oracleFields } from './src/oracle.js';
import { SPECIMENS } from './src/specimens.js';

/** `npm run validator -- fuzz` does as many as one likes. */
const RUNS = Number(process.env['WEFT_VALIDATOR_RUNS'] ?? 2_000);
const EXAMPLES = process.env['WEFT_FHIR_EXAMPLES'] ?? '';
const whereThereAre = (directory: string) => (existsSync(directory) ? describe : describe.skip);
const region = existsSync(SAMPLES) ? samples(SAMPLES) : [];
const consent = SPECIMENS.find(({ name }) => name === 'Consent')!.resource;

describe('the validator and @medplum/core', () => {
  it.each(SPECIMENS.map(({ name, resource }) => [name, resource]))('both take a rich %s', (_, resource) => {
    expect({ ours: fhirProblems(resource), others: oracleFields(resource) }).toEqual({ ours: [], others: [] });
  });

  it('differ on resources that are changed by chance only for known reasons', () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const found = [SPECIMENS, region]
      .filter(({ length }) => length > 0)
      .flatMap((resources) => [...fuzz(resources, RUNS / 2, seed)])
      .filter((one) => one !== undefined);
    expect(found.filter(({ reason }) => reason === null)).toEqual([]);
    expect(found.length).toBeGreaterThan(0);
  });

  it('differ for a reason only where they differ', () => {
    expect(compare(consent)).toBeUndefined();
    expect(compare({ ...consent, colour: 'red' })).toBeUndefined();
    expect(compare({ resourceType: 'Patient', name: [] })?.reason).toBe('empty');
  });

  it('are as strict with Consents, save for values of a wrong kind: a denial must not be refused for what is new', () => {
    fc.assert(
      fc.property(mutations(2), (changes) => {
        const resource = mutated(consent, changes);
        const problems = oracleFields(resource).length > 0 ? [] : fhirProblems(resource);
        // (Of an id in a wrong form the event is refused anyway.)
        expect(problems.filter(({ code, field }) => code !== 'structure' && field !== 'Consent.id')).toEqual([]);
      }),
      { numRuns: RUNS / 2 },
    );
  });
});

whereThereAre(SAMPLES)('every resource of the sample region', () => {
  it('is taken by both', () => {
    expect(region.length).toBeGreaterThan(0);
    expect(region.filter(({ resource }) => fhirProblems(resource).length > 0 || oracleFields(resource).length > 0)).toEqual([]);
  });
});

whereThereAre(EXAMPLES)('every example of HL7’s package hl7.fhir.r4.examples, at WEFT_FHIR_EXAMPLES', () => {
  it('is judged alike by both, save for known reasons', () => {
    const found = examples(EXAMPLES).map(({ name, resource }) => ({ name, ...compare(resource) }));
    expect(found.filter(({ reason }) => reason === null).map(({ name, ours }) => [name, ours])).toEqual([]);
    expect(found.length).toBeGreaterThan(5_000);
  });
});

describe('docs/validation.md', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'validation.md'), 'utf8');
  it.each(REASONS.map(({ id }) => id))('says why they differ: %s', (id) => expect(page).toContain(`| \`${id}\``));
});
