import { PURPOSES, type Purpose } from '@weft/domain';
import { listQuarantine, readRecord, verifyViews, type Wiring } from '@weft/processing';
import { verdict } from '../commands/verify.js';
import type { Settings } from '@weft/service';
import type { Address } from '../mllp-engine.js';
import { counted, number, type Terminal } from '../terminal.js';
import type { Life } from './region.js';

const AT_ONCE = 8;

export interface DemoOptions {
  readonly terminal: Terminal;
  /** `url`: of the Weft that the region is published to. */
  readonly settings: Settings;
  /** Of the same Weft: for what is shown, and for the one message that comes past the gateway. */
  readonly wiring: Wiring;
  readonly people: number;
  /** Where the acute trust's engine sends HL7 v2; null where nobody listens in the clear. */
  readonly engine: Address | null;
  readonly signal: AbortSignal;
}

export interface Sent {
  readonly ods: string;
  readonly accepted: number;
  readonly refused: number;
}

/** What has become of the region: who sent what, what each purpose sees of it, and whether that is right. */
export async function tellRegion(
  { terminal, settings, wiring, signal }: DemoOptions,
  lives: Iterable<Life>,
  sent: readonly Sent[],
): Promise<void> {
  const views = await countViews(wiring, lives, signal);
  const quarantined = (await listQuarantine(wiring.bus)).length;
  const report = await verifyViews(wiring);
  if (signal.aborted) return;
  if (terminal.json) {
    const entries = Object.fromEntries(views);
    return terminal.printJson({ sent, views: entries, quarantined, records: report.records, differing: report.differing.length });
  }
  terminal.print();
  if (sent.some(({ accepted }) => accepted > 0)) {
    const names = new Map(settings.organisations.map(({ ods, name }) => [ods, name]));
    terminal.table(
      ['organisation', '', '>published', '>refused'],
      sent.map(({ ods, accepted, refused }) => [ods, names.get(ods) ?? '', number(accepted), number(refused)]),
    );
    terminal.print();
  }
  terminal.table(
    ['view', '>entries', '>withheld'],
    PURPOSES.map((purpose) => [purpose, number(views.get(purpose)?.entries ?? 0), number(views.get(purpose)?.withheld ?? 0)]),
  );
  terminal.print();
  terminal.print(
    `${counted(report.records, 'record')}, ${counted(report.views, 'view')}; ${counted(quarantined, 'message')} in quarantine`,
  );
  terminal.print(verdict(terminal, report));
}

interface Counted {
  entries: number;
  withheld: number;
}

async function countViews(wiring: Wiring, lives: Iterable<Life>, signal: AbortSignal): Promise<ReadonlyMap<Purpose, Counted>> {
  const counts = new Map<Purpose, Counted>(PURPOSES.map((purpose) => [purpose, { entries: 0, withheld: 0 }]));
  const people = lives[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = people.next(); next.done !== true && !signal.aborted; next = people.next()) {
      const key = wiring.keys.patient(next.value.person.nhsNumber);
      for (const [purpose, count] of counts) {
        const { record } = await readRecord(wiring, key, purpose);
        count.entries += record.entries.length;
        count.withheld += record.withheld;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return counts;
}
