import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Organisation, Resource } from '@weft/domain';
import { careEventsOfBundle } from './bundle.js';
import type { RecordEntry } from './fhir-out.js';
import { fhirProblems } from './fhir.js';
import { patientSummary } from './patient-summary.js';

/** FHIR Bundles by `<ODS code>/<NHS number>.json`: beside the checkout, or wherever WEFT_SAMPLES says. */
const samples = process.env['WEFT_SAMPLES'] ?? fileURLToPath(new URL('../../../../shared/data/fhir', import.meta.url));
const whereThereAreSamples = existsSync(samples) ? describe : describe.skip;

whereThereAreSamples('the sample region', () => {
  const now = Date.parse('2026-03-01T12:00:00Z');
  const codes = existsSync(samples) ? readdirSync(samples).filter((name) => /^[A-Z0-9]{1,9}$/.test(name)) : [];
  const organisations = new Map(codes.map((ods): [string, Organisation] => [ods, { ods, name: ods, kind: 'acute' }]));
  const bundles = codes.flatMap((organisation) =>
    readdirSync(`${samples}/${organisation}`).map((file) => ({
      organisation,
      nhsNumber: file.replace('.json', ''),
      bundle: JSON.parse(readFileSync(`${samples}/${organisation}/${file}`, 'utf8')) as { entry: { resource: Resource }[] },
    })),
  );

  it('is published whole: every resource of every Bundle becomes one event about the person of its file', () => {
    let accepted = 0;
    for (const { bundle, organisation, nhsNumber } of bundles) {
      const reading = careEventsOfBundle(bundle, { organisations, organisation, now, keys: { fresh: 'request' } });
      if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
      for (const { reading: item } of reading.event) {
        expect(item).toMatchObject({ ok: true, event: { subject: nhsNumber, organisation } });
        accepted += 1;
      }
    }
    expect(accepted).toBe(bundles.reduce((sum, { bundle }) => sum + bundle.entry.length, 0));
    expect(accepted).toBeGreaterThan(0);
  });

  it('is refused resource by resource once any member of one is broken, with the member named', () => {
    const resources = bundles.flatMap(({ bundle }) => bundle.entry.map(({ resource }) => resource));
    const types = [...new Set(resources.map(({ resourceType }) => resourceType))];
    // The one of most members of each type: every member that the samples use, or nearly.
    const richest = types.map((type) =>
      resources
        .filter(({ resourceType }) => resourceType === type)
        .reduce((a, b) => (Object.keys(b).length > Object.keys(a).length ? b : a)),
    );
    for (const resource of richest) {
      expect(fhirProblems({ ...resource, resourceType: 'Nonsense' })).not.toEqual([]);
      for (const member of Object.keys(resource).filter((name) => name !== 'resourceType')) {
        // Of `deceasedDateTime` the field is `Patient.deceased.ofType(dateTime)`.
        const fields = fhirProblems({ ...resource, [member]: 5 }).map(({ field }) => field.split(/[.[]/)[1] ?? '');
        expect({ member, isNamed: fields.some((field) => field !== '' && member.startsWith(field)) }).toEqual({
          member,
          isNamed: true,
        });
      }
    }
  });

  it('gives every person a summary that is FHIR R4', () => {
    for (const nhsNumber of new Set(bundles.map((item) => item.nhsNumber))) {
      const entries = bundles
        .filter((item) => item.nhsNumber === nhsNumber)
        .flatMap(({ organisation, bundle }) => bundle.entry.map(({ resource }) => entryOf(organisation, resource)));
      expect(fhirProblems(patientSummary({ entries, nhsNumber, now, organisation: { ods: 'RX901' } }))).toEqual([]);
    }
  });
});

function entryOf(organisation: string, resource: Resource): RecordEntry {
  const { resourceType, id } = resource;
  return {
    id: `${organisation}/${resourceType}/${id}`,
    organisation,
    resourceType,
    occurredAt: null,
    recordedAt: '2026-03-01T12:00:00Z',
    resource,
  };
}
