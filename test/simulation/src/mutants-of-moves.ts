import { mistakesIn, type Mutant } from './mutate.js';

const placement = mistakesIn('libs/domain/src/care-record/placement.ts');
const placing = mistakesIn('libs/processing/src/placements.ts');
const publishing = mistakesIn('libs/processing/src/publisher.ts');
const letters = mistakesIn('libs/domain/src/views/letters.ts');

/** Mistakes about entries of which several people have versions. */
export const MUTANTS_OF_MOVES: readonly Mutant[] = [
  placement(
    'an entry stays with both whatever its versions say',
    "if (lost.has(one.key)) return { place: 'away', from: from.map(({ key }) => key) };",
    '',
  ),
  placement(
    'an entry is taken by the earlier version',
    'return one.seen.some((age) => other.seen.every((theirs) => isStrictlyEarlier(theirs, age)));',
    'return one.seen.some((age) => other.seen.every((theirs) => isStrictlyEarlier(age, theirs)));',
  ),
  placement(
    'an entry leaves one of two people who have a first version each',
    'if (other.seen.length === 0 || !isOneSeries(one.first, other.first)) return false;',
    'if (other.seen.length === 0) return false;',
  ),
  letters('what left a number is shown there still', '!entry.retracted && isHere(entry) &&', '!entry.retracted &&'),
  placing(
    'what denied an entry stays behind',
    'if (there !== undefined && state !== undefined && isHere(there)) await letDenialsFollow(wiring, entry, state, key);',
    '',
  ),
  placing(
    'an entry leaves though the record has moved on since',
    "if ((known(key)?.placed?.place ?? 'own') !== place && !(await say(wiring, state, entry, place))) return null;",
    "if ((known(key)?.placed?.place ?? 'own') !== place) await say(wiring, state, entry, place);",
  ),
  placing('who had an entry before is forgotten', 'keys: [...known.keys, key] }', 'keys: [key] }'),
  placing(
    'nobody places what a version of no age says anew',
    'let known = tells ? NOBODY : await lastHeld(wiring, stream);',
    'let known = NOBODY;',
  ),
  publishing(
    'nobody places what a first version came late for',
    'const placed = await placeEntries(wiring, sightingsIn(events), onFault);',
    'const placed = new Set<string>();',
  ),
];
