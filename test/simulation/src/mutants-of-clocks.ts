import { mistakesIn, type Mutant } from './mutate.js';

const regionTime = mistakesIn('libs/processing/src/region-time.ts');

/** Mistakes about what time it is where clocks disagree. */
export const MUTANTS_OF_CLOCKS: readonly Mutant[] = [
  regionTime(
    'the newest receipt closes nothing',
    'latest: Math.max(machine, receipts.newest, earliest)',
    'latest: Math.max(machine, earliest)',
  ),
  regionTime(
    'what others received is not looked for',
    'if (clock.steady() - receipts.lookedAt >= LOOK_MS) await look(store, clock, receipts);',
    '',
  ),
  regionTime(
    'a machine opens whatever the brokers say',
    'Math.min(machine, settledTime(clock), brokers)',
    'Math.min(machine, settledTime(clock))',
  ),
];
