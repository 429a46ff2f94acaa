import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Resource } from '@weft/domain';
import type { RecordEntry } from './fhir-out.js';
import { everythingBundle } from './fhir-out.js';
import { fhirProblems } from './fhir.js';
import { entry, patient, summary } from './summary.fixture.js';
import { PAIRS, ROWS } from './summary-rows.fixture.js';

/** HAPI's validator, and the program that asks it. */
const HAPI = fileURLToPath(new URL('../../../test/validator/hapi', import.meta.url));
/** FHIR Bundles by `<ODS code>/<NHS number>.json`: beside the checkout, or wherever WEFT_SAMPLES says. */
const SAMPLES = process.env['WEFT_SAMPLES'] ?? fileURLToPath(new URL('../../../../shared/data/fhir', import.meta.url));
const PEOPLE_MAX = 5;

const runs = (command: string, ...args: string[]): boolean => spawnSync(command, args, { stdio: 'ignore' }).status === 0;
const whereThereIsJava = runs('javac', '-version') && runs('mvn', '--version') ? describe : describe.skip;

whereThereIsJava('HAPI’s FHIR validator (needs a JDK 17 and Maven)', () => {
  const directory = mkdtempSync(join(tmpdir(), 'weft-summaries-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const write = (name: string, resource: object): void =>
    writeFileSync(join(directory, `${name}.json`), JSON.stringify(resource));

  it('finds no error against R4 in summaries and a page of everything, of edge cases and of sample people, and does find one', () => {
    const sound = (resource: Record<string, unknown>) => fhirProblems(entry(resource).resource).length === 0;
    const edges = [...ROWS.map(([, resource]) => resource), ...PAIRS.flatMap(([, one, other]) => [one, other])].filter(sound);
    const together = edges.map((resource, index) => entry({ ...resource, id: `r${index}` }));
    expect(together.length).toBeGreaterThan(100);
    write('summary', summary([entry(patient('p1')), ...together]));
    write('summary-of-nobody-known', summary(together.slice(0, 1)));
    write('nothing', summary([]));
    write('waiting', summary([], { notice: 'Something is not shown.', waiting: 'Something is not here yet.' }));
    write('everything', everythingOf(together));
    for (const [nhsNumber, entries] of samplePeople()) write(`person-${nhsNumber}`, summary(entries, { nhsNumber }));
    writeFileSync(join(directory, 'broken.json'), JSON.stringify(summary([])).replace('"status":"final"', '"status":"finished"'));
    const [validated, errors] = validate(directory);
    expect(validated).toBe(readdirSync(directory).length);
    expect(errors.filter((error) => !error.startsWith('broken.json'))).toEqual([]);
    expect(errors.join()).toContain('broken.json Bundle.entry[0].resource');
  }, 900_000);

  const packages = mkdtempSync(join(tmpdir(), 'weft-ips-'));
  afterAll(() => rmSync(packages, { recursive: true, force: true }));
  const profiles = ipsPackage(packages);
  const whereThereAreProfiles = profiles === null ? it.skip : it;

  whereThereAreProfiles(
    'finds no error against the profiles of the International Patient Summary, and does find one',
    () => {
      const documents = mkdtempSync(join(packages, 'documents-'));
      const writeDocument = (name: string, resource: object): void =>
        writeFileSync(join(documents, `${name}.json`), JSON.stringify(resource));
      const edges = ROWS.map(([, resource]) => resource).filter((one) => fhirProblems(entry(one).resource).length === 0);
      const together = edges.map((resource, index) => entry({ ...resource, id: `r${index}` }));
      writeDocument('summary', summary([entry(patient('p1')), ...together]));
      writeDocument('nothing', summary([]));
      writeDocument('waiting', summary([], { notice: 'Something is not shown.', waiting: 'Something is not here yet.' }));
      writeDocument('broken', JSON.parse(JSON.stringify(summary([])).replace('"_birthDate"', '"_gender"')) as object);
      const [validated, errors] = validate(documents, profiles!);
      expect(validated).toBe(4);
      const found = errors.filter((error) => !SPARED.some((spared) => spared.test(error)));
      expect(found.filter((error) => !error.startsWith('broken.json'))).toEqual([]);
      expect(found.join()).toContain("broken.json Bundle Slice 'Bundle.entry:patient': a matching slice is required");
    },
    900_000,
  );
});

/** HL7's package of the International Patient Summary, unpacked; null where the registry of npm cannot be reached. */
function ipsPackage(directory: string): string | null {
  if (!runs('npm', 'pack', 'hl7.fhir.uv.ips@2.0.0', '--pack-destination', directory)) return null;
  execFileSync('tar', ['xzf', join(directory, 'hl7.fhir.uv.ips-2.0.0.tgz'), '-C', directory]);
  return join(directory, 'package');
}

/**
 * What is not mended: the validator knows no supertype of resources (every one of them is a Resource); an order not to do something stands
 * among the alerts, where the profile has flags and documents alone; an observation of functional status stands in the section of that
 * name; and by these the Composition is none of the profile's.
 */
const SPARED = [
  /but expected one of \(\[Resource\]\)$/,
  /Found (?:MedicationRequest|ServiceRequest), but expected one of \(\[Flag, DocumentReference\]\)$/,
  /Found Observation, but expected one of \(\[Condition, ClinicalImpression, DocumentReference\]\)$/,
  /^summary\.json Bundle Slice 'Bundle\.entry:composition': a matching slice is required/,
];

function everythingOf(entries: readonly RecordEntry[]): Resource {
  const baseUrl = 'https://weft.example/fhir';
  return everythingBundle({ entries, baseUrl, nhsNumber: '9990033471', total: entries.length, query: {}, next: null });
}

/** How many were validated, and every error as `<file> <place> <message>`. */
function validate(directory: string, ...profiles: readonly string[]): [number, string[]] {
  const classpath = join(directory, 'classpath');
  execFileSync('mvn', ['-q', '-B', 'dependency:build-classpath', `-Dmdep.outputFile=${classpath}`], { cwd: HAPI });
  const paths = readFileSync(classpath, 'utf8');
  rmSync(classpath);
  const printed = execFileSync('java', ['-cp', paths, join(HAPI, 'Validate.java'), directory, ...profiles], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const lines = printed.trim().split('\n');
  const found = lines.map((line) => line.split('\t'));
  const validated = found.find(([what]) => what === 'validated')?.[1];
  return [Number(validated), found.filter((parts) => parts.length === 3).map((parts) => parts.join(' '))];
}

function samplePeople(): Map<string, RecordEntry[]> {
  const people = new Map<string, RecordEntry[]>();
  if (!existsSync(SAMPLES)) return people;
  for (const ods of readdirSync(SAMPLES).filter((name) => /^[A-Z0-9]{1,9}$/.test(name))) {
    for (const file of readdirSync(`${SAMPLES}/${ods}`)) {
      const bundle = JSON.parse(readFileSync(`${SAMPLES}/${ods}/${file}`, 'utf8')) as {
        entry: { resource: Record<string, unknown> }[];
      };
      const nhsNumber = file.replace('.json', '');
      people.set(nhsNumber, [...(people.get(nhsNumber) ?? []), ...bundle.entry.map(({ resource }) => entry(resource, ods))]);
    }
  }
  return new Map([...people].sort(([one], [other]) => (one < other ? -1 : 1)).slice(0, PEOPLE_MAX));
}
