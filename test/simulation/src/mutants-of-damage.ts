import { mistakesIn, type Mutant } from './mutate.js';

const folding = mistakesIn('libs/processing/src/number.ts');
const replaying = mistakesIn('libs/processing/src/replay-views.ts');

/** Mistakes about a stream that lost events. */
export const MUTANTS_OF_DAMAGE: readonly Mutant[] = [
  folding(
    'a stream that lost its beginning is read as it is',
    "for (const { revision } of page) if (revision !== next++) throw new RecordUnreadable('record-damaged', key);",
    'next += page.length;',
  ),
  folding(
    'a stream that lost everything is nobody’s',
    'if (next > 0 || (await store.head(stream)) === NO_STREAM) return;',
    'return;',
  ),
  replaying(
    'a record that cannot be read stops a replay',
    'await unlessUnreadable(replayPatient(wiring, key, projection, options), (unreadable) => (found = [unreadable]))',
    'await replayPatient(wiring, key, projection, options)',
  ),
];
