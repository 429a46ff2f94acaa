import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorStates, errorStatesModule } from './src/error-states.js';

const COMMITTED = readFileSync(
  join(import.meta.dirname, '..', '..', 'libs', 'domain', 'src', 'care-record', 'error-state-places.ts'),
  'utf8',
);

describe('the elements by which a resource says that it was entered in error', () => {
  it('are those that R4 binds to a value set with the code', () => {
    expect(COMMITTED).toBe(errorStatesModule(errorStates()));
  });

  it.each([
    'Observation status',
    'Condition verificationStatus',
    'AllergyIntolerance verificationStatus',
    'DocumentReference status docStatus',
    'Goal lifecycleStatus',
  ])('%s', (line) => expect(COMMITTED.split('\n')).toContain(line));
});
