import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asMarkdown, seedsOf } from './src/mutants-page.js';
import { compiled, mutated } from './src/mutate.js';
import { MUTANTS } from './src/mutants.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');

describe('the list of mistakes that the simulation is to catch', () => {
  it('has at least forty, each with a name of its own', () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(40);
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  });

  it.each(MUTANTS)('still fits the source: $name', (mutant) => {
    expect(mutated(ROOT, mutant)).toContain(mutant.replace);
  });

  it.each(MUTANTS)('is a program: $name', (mutant) => {
    expect(() => compiled(ROOT, mutant)).not.toThrow();
  });

  it('is written as a page from which it is read again what caught which', () => {
    const [one, other] = MUTANTS.map((mutant) => ({ mutant, by: null }));
    const page = asMarkdown([{ ...one!, by: { invariant: 'nothing is dropped', seed: 70 } }, other!], 100);
    expect(seedsOf(page)).toEqual(new Map([[one!.mutant.name, 70]]));
  });

  it('is refused where it does not fit', () => {
    const [mutant] = MUTANTS;
    expect(() => mutated(ROOT, { ...mutant!, find: 'what stands nowhere' })).toThrow(/stands 0 times in .*record\.ts, not once/);
    expect(() => mutated(ROOT, { ...mutant!, find: 'entry' })).toThrow(/stands \d\d times/);
  });
});
