import type { Violation } from './src/oracle.js';
import { simulate } from './src/simulate.js';

const SEEDS = 120;

/** The invariants of the design, each with what the oracle calls the ways in which it can be broken. */
const INVARIANTS: readonly (readonly [string, readonly string[]])[] = [
  [
    'invariant 1: nothing holds or serves what decisions and policy forbid, or names anybody',
    [
      'nothing forbidden is read',
      'nothing forbidden is told',
      'a view is what it rests on',
      'a view is believed while it stands',
      'a basis names the person',
      'obeyed once committed',
      'obeyed once published',
      'applied once said so',
      'explained as it is',
      'a permission goes where its Consent goes',
      'what was ahead of its time is taken back',
      'the later time closes, the earlier opens',
      'nobody is answered while the store catches up',
      'nothing is told while the store catches up',
      'a damaged record is closed',
      'nobody is named',
    ],
  ],
  [
    'invariant 2: rebuilt equals incremental, whatever was duplicated, delayed, reordered or killed',
    ['rebuilt equals incremental', 'the view is what was sent', 'the record read is the record', 'comes to rest'],
  ],
  [
    'invariant 3: every acknowledged event is in exactly one record, or in quarantine',
    ['accepted once', 'a decision is recorded as it was said', 'a refusal stands'],
  ],
  [
    'invariant 4: a checkpoint never runs ahead of what is durable',
    ['nothing is dropped', 'in line once committed', 'applied once said so'],
  ],
  // Of those who opted out and back in the oracle leaves both decisions out before it says what a view must be.
  ['invariant 5: opted out and back in equals never opted out', ['the view is what was sent', 'the record read is the record']],
  [
    'invariant 6: every withdrawal reaches the subscribers',
    ['the topic is the view', 'the subscriber has the view', 'told once published', 'numbers told never go back'],
  ],
  ['invariant 7: an entry is shared only once every decision that was durable before it is read', ['decisions first']],
  ['invariant 10: order within a patient and organisation is kept', ['order kept']],
];

describe(`${SEEDS} seeds of a small region in storms of faults`, () => {
  const broken: (Violation & { readonly seed: number })[] = [];
  let steps = 0;

  beforeAll(async () => {
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const simulation = await simulate(seed);
      steps += simulation.steps;
      broken.push(...simulation.violations.map((violation) => ({ ...violation, seed })));
    }
  }, 600_000);

  it.each(INVARIANTS)('%s', (_, names) => {
    expect(steps).toBeGreaterThan(SEEDS * 1_000);
    expect(broken.filter(({ invariant }) => names.includes(invariant))).toEqual([]);
  });

  it('breaks nothing else that the oracle knows of', () => {
    const named = INVARIANTS.flatMap(([, names]) => names);
    expect(broken.filter(({ invariant }) => !named.includes(invariant))).toEqual([]);
  });
});
