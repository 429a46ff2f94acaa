import { existsSync } from 'node:fs';
import { fhirProblems } from '@weft/care-events';
import { isResourceType, occurredAt, PROJECTIONS, type Resource } from '@weft/domain';
import { Prng } from '@weft/testing';
import { TYPES } from '../../libs/care-events/src/fhir-r4/definitions.js';
import { samples, SAMPLES } from './src/files.js';
import { generated } from './src/generated.js';
import { SPECIMENS } from './src/specimens.js';

/** Of each type that anything is told of. */
const WANTED = 150;
const BEYOND = PROJECTIONS.filter(({ identifies }) => !identifies);
const pseudonyms = {
  patient: 'a'.repeat(32),
  of: (text: string) => Buffer.from(text).toString('hex').slice(-32).padStart(32, '0'),
};
const ALL_TYPES = [...TYPES.matchAll(/^(\w+) /gm)].map(([, name]) => name as string).filter(isResourceType);
const TOLD = ALL_TYPES.filter((type) => BEYOND.some((projection) => projection.concerns(type)));

function* told(resource: Resource): Generator<Resource> {
  const { resourceType } = resource;
  const about = { id: `RX901/${resourceType}/${String(resource.id)}`, organisation: 'RX901', resourceType, resource };
  const when = { occurredAt: occurredAt(resource), recordedAt: '2026-01-02T03:04:05Z', eventTime: Date.UTC(2026) };
  for (const projection of BEYOND) {
    if (projection.sees(resource)) yield projection.project({ ...about, ...when }, pseudonyms).resource;
  }
}

const faultsOf = (resource: Resource): object[] =>
  [...told(resource)].flatMap((one) => fhirProblems(one).map((problem) => ({ problem, one, resource })));

describe('what population health and research are told', () => {
  it.each(TOLD)('of a valid %s is valid R4, whatever it holds, and says nothing that nobody listed', (type) => {
    const prng = new Prng(type.length);
    let [valid, given] = [0, 0];
    for (let tries = 0; valid < WANTED; tries += 1) {
      expect(tries).toBeLessThan(100 * WANTED);
      const resource = generated(type, prng) as unknown as Resource;
      if (fhirProblems(resource).length > 0) continue;
      valid += 1;
      given += [...told(resource)].length;
      expect(faultsOf(resource)).toEqual([]);
      expect(JSON.stringify([...told(resource)])).not.toMatch(/Isabel|trust\.example|Id\/|9990000018|71\.004|1907|2093/);
    }
    expect(given).toBeGreaterThan(0);
  });

  it('of a type that nobody listed is nothing', () => {
    const others = ALL_TYPES.filter((type) => !TOLD.includes(type));
    const prng = new Prng(1);
    expect(others.length).toBeGreaterThan(100);
    expect(others.filter((type) => [...told(generated(type, prng) as unknown as Resource)].length > 0)).toEqual([]);
  });

  it('of rich resources is valid R4', () => {
    expect(SPECIMENS.flatMap(({ resource }) => faultsOf(resource as unknown as Resource))).toEqual([]);
  });

  (existsSync(SAMPLES) ? it : it.skip)('of the sample region is valid R4', () => {
    const region = samples(SAMPLES).map(({ resource }) => resource as unknown as Resource);
    expect(region.flatMap(faultsOf)).toEqual([]);
    expect(region.flatMap((resource) => [...told(resource)]).length).toBeGreaterThan(region.length);
  });
});
