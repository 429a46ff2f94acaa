import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openEmbeddedStore } from '@weft/embedded';
import { loadRegion } from '@weft/processing';
import { REGION_HEADER, type Settings } from '@weft/service';
import type { Terminal } from './terminal.js';

/** A Weft on this machine answers at once, and who is not there is no reason to wait. */
const PATIENCE_MS = 1_000;

/** Says where the engines that a command opened hold another region than the Weft at WEFT_URL. */
export async function tellIfElsewhere(terminal: Terminal, settings: Settings, region: string): Promise<void> {
  const answering = await fetch(`${settings.url}/healthz`, { signal: AbortSignal.timeout(PATIENCE_MS) }).then(
    ({ headers }) => headers.get(REGION_HEADER),
    () => null,
  );
  if (answering !== null) tellIfTwo(terminal, settings, { here: region, there: answering });
}

/** Says where the Weft that answered a command is of another region than the data directory holds. */
export async function tellIfNotHere(terminal: Terminal, settings: Settings, answering: string): Promise<void> {
  const here = await regionIn(settings);
  if (here !== null) tellIfTwo(terminal, settings, { here, there: answering });
}

function tellIfTwo(
  terminal: Terminal,
  { url, dataDirectory, eventStoreUrl }: Settings,
  { here, there }: { readonly here: string; readonly there: string },
): void {
  if (here === there) return;
  const where = eventStoreUrl === undefined ? dataDirectory : 'the store of WEFT_EVENTSTORE_URL';
  terminal.note(
    terminal.paint('yellow', `two regions: ${where} holds region ${here}, and the Weft at ${url} is region ${there}`),
  );
}

/** Null where no data directory holds one: engines elsewhere are not asked for it. */
async function regionIn({ eventStoreUrl, dataDirectory }: Settings): Promise<string | null> {
  if (eventStoreUrl !== undefined || !existsSync(join(dataDirectory, 'weft.db'))) return null;
  try {
    const store = await openEmbeddedStore({ directory: dataDirectory, isChecked: true });
    try {
      return (await loadRegion(store))?.id ?? null;
    } finally {
      await store.close();
    }
  } catch {
    // What it cannot be read for is said by whoever needs it.
    return null;
  }
}
