import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { cases } from './cases.js';
import { compare, fuzz } from './compare.js';
import { definitionsModule, tableOf } from './definitions.js';
import type { CodeSystem, StructureDefinition, ValueSet } from './definitions.js';
import { errorStates, errorStatesModule } from './error-states.js';
import { examples, isSmall, samples, SAMPLES } from './files.js';
import { speeds } from './measure.js';
import { patientPlaces, patientPlacesModule } from './patient-places.js';
import { SPECIMENS } from './specimens.js';

const DEFINITIONS = fileURLToPath(new URL('../../../libs/care-events/src/fhir-r4/definitions.ts', import.meta.url));
const PLACES = fileURLToPath(new URL('../../../libs/care-events/src/patient-places.ts', import.meta.url));
const ERROR_STATES = fileURLToPath(new URL('../../../libs/domain/src/care-record/error-state-places.ts', import.meta.url));
const FOUND = 1;

const print = (line: string): void => void process.stdout.write(`${line}\n`);

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('it is not a whole number, 0 or above');
  return Number(text);
}

/** Counts by reason, most first, and the exit code where one has none. */
function told(reasons: readonly (string | null)[]): void {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason ?? 'not explained', (counts.get(reason ?? 'not explained') ?? 0) + 1);
  for (const [reason, count] of [...counts].sort(([, a], [, b]) => b - a)) print(`  ${String(count).padStart(6)}  ${reason}`);
  if (reasons.includes(null)) process.exitCode = FOUND;
}

function compareCases(directory: string): void {
  const all = cases(directory);
  const differing = all.filter(({ reason }) => reason !== undefined);
  const [taken, refused] = [differing.filter(({ ours }) => ours.length === 0), differing.filter(({ ours }) => ours.length > 0)];
  for (const { name, reason, reference, ours } of differing) {
    print(
      `${name}: ${ours.length === 0 ? 'taken' : 'refused'} here, ${reason ?? 'not explained'}: ${(ours[0] ?? reference[0])!.slice(0, 160)}`,
    );
  }
  print(`${all.length} cases, ${all.length - differing.length} judged alike`);
  print(`${taken.length} taken here that the reference validator refuses:`);
  told(taken.map(({ reason }) => reason ?? null));
  print(`${refused.length} refused here that it takes:`);
  told(refused.map(({ reason }) => reason ?? null));
}

function compareExamples(directory: string): void {
  const reasons: (string | null)[] = [];
  const all = examples(directory);
  for (const { name, resource } of all) {
    const found = compare(resource);
    if (found === undefined) continue;
    reasons.push(found.reason);
    const why =
      found.ours.length > 0
        ? `refused here: ${found.ours[0]!.field} ${found.ours[0]!.message}`
        : `refused there: ${found.others[0]}`;
    print(`${name}: ${why}`);
  }
  print(`${all.length} examples, ${all.length - reasons.length} judged alike`);
  told(reasons);
}

interface Fuzz {
  readonly runs: number;
  readonly seed: number;
  readonly examples?: string;
}

function fuzzed({ runs, seed, examples: directory }: Fuzz): void {
  const region = existsSync(SAMPLES) ? samples(SAMPLES) : [];
  const resources = directory === undefined ? [...SPECIMENS, ...region] : examples(directory).filter(isSmall);
  const reasons: (string | null)[] = [];
  for (const found of fuzz(resources, runs, seed)) {
    if (found === undefined) continue;
    reasons.push(found.reason);
    if (found.reason !== null) continue;
    const { name, mutations, ours, others } = found;
    print(`${name} ${JSON.stringify(mutations)}: ${JSON.stringify({ ours, others })}`);
  }
  print(`${runs} mutations from seed ${seed}, ${runs - reasons.length} judged alike`);
  told(reasons);
}

function measured({ data }: { readonly data: string }): void {
  const resources = samples(data);
  const [ours, others] = speeds(resources) as [ReturnType<typeof speeds>[0], ReturnType<typeof speeds>[0]];
  for (const { validator, resourcesPerSecond, microsecondsEach } of [ours, others]) {
    print(
      `${validator.padEnd(14)} ${String(resourcesPerSecond).padStart(8)} resources/s on one core, ${microsecondsEach} µs of processor time each`,
    );
  }
  print(`${(others.microsecondsEach / ours.microsecondsEach).toFixed(1)} times as fast, on ${resources.length} resources`);
}

function makeDefinitions(directory: string): void {
  const all = examples(directory).map(({ resource }) => resource);
  const of = <T>(type: string): T[] => all.filter(({ resourceType }) => resourceType === type) as T[];
  const [structures, valueSets] = [of<StructureDefinition>('StructureDefinition'), of<ValueSet>('ValueSet')];
  writeFileSync(DEFINITIONS, definitionsModule(tableOf({ structures, valueSets, codeSystems: of<CodeSystem>('CodeSystem') })));
}

const program = new Command('npm run validator --').description('The FHIR R4 validator against others, and its table.');
program
  .command('cases <directory>')
  .description('compare with the verdicts of FHIR/fhir-test-cases, a checkout of it')
  .action(compareCases);
program
  .command('examples <directory>')
  .description("compare with @medplum/core on HL7's own R4 examples, the package hl7.fhir.r4.examples unpacked")
  .action(compareExamples);
program
  .command('fuzz')
  .description('compare with @medplum/core on resources that are changed by chance')
  .option('--runs <number>', 'how many', whole, 100_000)
  .option('--seed <number>', 'where chance begins', whole, 1)
  .option('--examples <directory>', "change HL7's examples, and not the sample region's resources")
  .action(fuzzed);
program
  .command('bench')
  .description('measure both on the resources of the sample region')
  .option('--data <directory>', 'Bundles by <ODS code>/<NHS number>.json', SAMPLES)
  .action(measured);
program
  .command('definitions <directory>')
  .description("make the table from HL7's own definitions, which are in hl7.fhir.r4.examples")
  .action(makeDefinitions);
program
  .command('places')
  .description('make the table of where a resource names its patient')
  .action(() => writeFileSync(PLACES, patientPlacesModule(patientPlaces())));
program
  .command('error-states')
  .description('make the table of where a resource says that it was entered in error')
  .action(() => writeFileSync(ERROR_STATES, errorStatesModule(errorStates())));
program.parse();
