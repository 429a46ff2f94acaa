import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Whether a Weft was here, which left its keys: asking must leave none behind. */
export const isRegionHere = (dataDirectory: string): boolean => existsSync(join(dataDirectory, 'keys'));
