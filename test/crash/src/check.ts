import { compareWithLedger, holdingsOf } from './holdings.js';
import { readLedger } from './ledger.js';
import { checkDealtWith, checkViews } from './region-check.js';
import { openEngines, prepare, regionOf, settled, startProjectors, wiringOf } from './region.js';

/**
 * What is wrong with a directory whose process was killed: first as it was left, then once both projectors have dealt with
 * everything on it. Nothing, where every promise was kept.
 */
async function problemsOf(directory: string, ledgerPath: string, regionSeed: number): Promise<string[]> {
  const problems: string[] = [];
  const ledger = readLedger(ledgerPath);
  const engines = await openEngines(directory);
  try {
    const wiring = wiringOf(engines);
    const left = await holdingsOf(engines, problems);
    compareWithLedger(left, ledger, problems);
    checkDealtWith(left, wiring, false, problems);
    const region = regionOf(regionSeed);
    await prepare(wiring, region);
    const stop = await startProjectors(wiring, region, (error) => problems.push(`while it went on: ${String(error)}`));
    await settled(wiring, region);
    await checkViews(wiring, problems);
    await stop();
    checkDealtWith(await holdingsOf(engines, problems), wiring, true, problems);
  } finally {
    await Promise.all([engines.bus.close(), engines.store.close()]);
  }
  return problems;
}

/** The same, where the directory may be one that cannot even be opened. */
export async function checked(directory: string, ledgerPath: string, regionSeed: number): Promise<string[]> {
  try {
    return await problemsOf(directory, ledgerPath, regionSeed);
  } catch (error) {
    return [`it could not be opened or read again: ${String(error)}`];
  }
}
