import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Resource } from '@weft/domain';
import { Command } from 'commander';
import { attack, type Finding } from './attack.js';
import { attackedRegion } from './region.js';

const SAMPLES = process.env['WEFT_SAMPLES'] ?? fileURLToPath(new URL('../../../../shared/data/fhir', import.meta.url));

/** Resources by NHS number, from FHIR Bundles in `<ODS code>/<NHS number>.json`. */
function samplesIn(directory: string): Map<string, Resource[]> {
  const samples = new Map<string, Resource[]>();
  const names = existsSync(directory) ? readdirSync(directory, { recursive: true, encoding: 'utf8' }) : [];
  for (const name of names.filter((one) => one.endsWith('.json'))) {
    const nhsNumber = basename(name, '.json');
    const { entry } = JSON.parse(readFileSync(join(directory, name), 'utf8')) as { entry: { resource: Resource }[] };
    samples.set(nhsNumber, [...(samples.get(nhsNumber) ?? []), ...entry.map(({ resource }) => resource)]);
  }
  return samples;
}

const line = ({ purpose, by, tried, found }: Finding): string => `${purpose.padEnd(18)} ${by.padEnd(54)} ${found} of ${tried}`;

async function run({ people, victims, seed, samples }: Record<'people' | 'victims' | 'seed' | 'samples', string>): Promise<void> {
  const shared = samplesIn(samples);
  const options = { seed: Number(seed), people: Number(people), victims: Number(victims), samples: shared };
  const region = await attackedRegion(options);
  const findings = await attack(region);
  const [limits, others] = [findings.filter(({ isLimit }) => isLimit), findings.filter(({ isLimit }) => !isLimit)];
  process.stdout.write(
    `${region.people.length} people, ${shared.size} of them from files; ${region.victims.length} of them marked\n\n`,
  );
  process.stdout.write(`found, by purpose and by what:\n${others.map(line).join('\n')}\n\n`);
  process.stdout.write(`what no projection of single entries hides (docs/adr/0017):\n${limits.map(line).join('\n')}\n\n`);
  const found = others.reduce((sum, one) => sum + one.found, 0);
  process.stdout.write(`${found} found by ${others.length} ways\n`);
  const untried = findings.filter(({ tried }) => tried === 0).length;
  if (untried > 0) process.stdout.write(`${untried} ways were not tried: there was nothing to look in\n`);
  if (found > 0 || untried > 0) process.exitCode = 1;
}

await new Command('attack')
  .description('Marks people in a generated region, and looks for them in what research and population health are told.')
  .option('--people <n>', 'people of whom only ordinary things are recorded', '1000')
  .option('--victims <n>', 'people for each mark', '4')
  .option('--seed <n>', 'decides everything', '1')
  .option('--samples <directory>', 'more people, from FHIR Bundles in <ODS code>/<NHS number>.json', SAMPLES)
  .action(run)
  .parseAsync();
