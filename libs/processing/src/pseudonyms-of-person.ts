import type { Purpose } from '@weft/domain';
import { keysOfPerson } from './person.js';
import type { Wiring } from './wiring.js';

/** What a purpose beyond individual care calls a person now, and what it called numbers that were merged into theirs. */
export interface PseudonymsOfPerson {
  readonly pseudonym: string;
  readonly formerPseudonyms: readonly string[];
}

/** Made from the keys each time: nothing at rest joins a number with what research calls it. */
export async function pseudonymsOfPerson(wiring: Wiring, purpose: Purpose, patient: string): Promise<PseudonymsOfPerson> {
  const [pseudonym, ...formerPseudonyms] = (await keysOfPerson(wiring.store, patient)).map((key) =>
    wiring.keys.view(purpose, key),
  );
  return { pseudonym: pseudonym as string, formerPseudonyms };
}
