import { existsSync, readdirSync } from 'node:fs';
import { POSITIONS } from './subscribe/position.js';

/** Whether a Weft was here, which left its keys. A subscriber of one elsewhere has nothing but its positions here. */
export function isRegionHere(dataDirectory: string): boolean {
  if (!existsSync(dataDirectory)) return false;
  try {
    const found = readdirSync(dataDirectory);
    return found.length !== 1 || found[0] !== POSITIONS;
  } catch {
    // Whoever uses it says what is wrong with it.
    return true;
  }
}
