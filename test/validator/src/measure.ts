import { fhirProblems } from '@weft/care-events';
import type { Named } from './files.js';
import { oracleFields } from './oracle.js';

/** So long at least each is measured, after as long a start. */
const SECONDS = 2;

export interface Speed {
  readonly validator: string;
  readonly resourcesPerSecond: number;
  /** Of processor time, which other work on the machine does not change. */
  readonly microsecondsEach: number;
}

/** Both validators on the same resources, one after the other, on one core. */
export function speeds(resources: readonly Named[]): Speed[] {
  return [
    speedOf('weft', resources, (resource) => fhirProblems(resource).length),
    speedOf('@medplum/core', resources, (resource) => oracleFields(resource).length),
  ];
}

function speedOf(validator: string, resources: readonly Named[], count: (resource: unknown) => number): Speed {
  rounds(resources, count);
  const { done, seconds, processorSeconds } = rounds(resources, count);
  return {
    validator,
    resourcesPerSecond: Math.round(done / seconds),
    microsecondsEach: Math.round((processorSeconds / done) * 1e7) / 10,
  };
}

function rounds(resources: readonly Named[], count: (resource: unknown) => number) {
  const [begun, used] = [performance.now(), process.cpuUsage()];
  let done = 0;
  let seconds = 0;
  while (seconds < SECONDS) {
    for (const { name, resource } of resources) if (count(resource) > 0) throw new Error(`${name} is not valid`);
    done += resources.length;
    seconds = (performance.now() - begun) / 1_000;
  }
  const { user, system } = process.cpuUsage(used);
  return { done, seconds, processorSeconds: (user + system) / 1e6 };
}
