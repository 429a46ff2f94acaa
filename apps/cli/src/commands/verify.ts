import { PURPOSES } from '@weft/domain';
import {
  type ChainDamage,
  type ChainReport,
  messagesLost,
  recordTopics,
  type Unreadable,
  type UnreadableRecord,
  unreadMessages,
  verifyChains,
  verifyViews,
  type VerifyReport,
  type Wiring,
} from '@weft/processing';
import type { Settings } from '@weft/service';
import { Command } from 'commander';
import { type Context, settingsOf, withWiring } from '../context.js';
import { EXIT } from '../failure.js';
import { counted, number, type Terminal } from '../terminal.js';

export function verifyCommand(context: Context): Command {
  return new Command('verify')
    .summary('recompute every view and compare; follow the chain of audit and decisions')
    .description(
      'Recomputes every view from record, decisions and policy, and compares it with the one that stands. Follows the chain of hashes through audit and decisions: what was changed, taken out or forged there is named. Reads the engines directly; Weft may be up meanwhile.',
    )
    .option('--wait', 'first wait until everything that was accepted is in its record or in quarantine; Weft must be up')
    .addHelpText(
      'after',
      `
What was accepted and is in no record yet cannot be compared: how much that is stands beside the verdict.

Exit code 1 when any view differs, a record cannot be read, the store was put back and has not been read to again, or a chain is broken. weft replay mends a view. Nothing mends a broken chain: somebody, or a
fault, changed the store. Do not replay over it: keep a copy of it as evidence, and restore the backup (docs/operations.md).

Examples:
  $ weft verify
  $ weft verify --wait
  $ weft verify --json | jq .digests`,
    )
    .action(async ({ wait }: { readonly wait?: true }, command: Command) => {
      const { terminal } = context;
      const settings = settingsOf(context, command);
      const [region, unread, lost, report, chains] = await withWiring(context, settings, async (wiring, service) => [
        service.region.id,
        await (wait === true ? untilAllIsRead(terminal, wiring) : unreadMessages(wiring.bus)),
        await lostIn(wiring),
        await withProgress(terminal, 'views', (tell) => verifyViews(wiring, { onProgress: tell })),
        await withProgress(terminal, 'chains', (tell) => verifyChains(wiring, tell)),
      ]);
      if (report.differing.length + report.unreadable.length + chains.damaged.length + lost > 0) context.exitCode = EXIT.finding;
      if (terminal.json) return terminal.printJson({ region, ...report, unread, lost, chains });
      terminal.print(`region ${terminal.paint('bold', region)}, in ${placeOf(settings)}`);
      terminal.print();
      show(terminal, report, chains.damaged.length > 0);
      if (unread > 0) terminal.print(terminal.paint('yellow', notRead(unread)));
      if (lost > 0) terminal.print(terminal.paint('red', notThere(lost)));
      showChains(terminal, chains);
      if (settings.regionSecret === undefined && settings.integritySecret === undefined) {
        terminal.print(terminal.paint('dim', KEY_BESIDE_DATA));
      }
    });
}

const placeOf = ({ eventStoreUrl, dataDirectory }: Settings): string =>
  eventStoreUrl === undefined ? dataDirectory : 'the store of WEFT_EVENTSTORE_URL';

const notRead = (unread: number): string =>
  `${counted(unread, 'accepted message is', 'accepted messages are')} in no record yet, and so not compared: weft verify --wait waits for them`;

const lostIn = async (wiring: Wiring): Promise<number> => messagesLost(wiring, await recordTopics(wiring));

const notThere = (lost: number): string =>
  `✗ ${counted(lost, 'message that was read is', 'messages that were read are')} not in this store, which was put back: a running Weft reads them again`;

const LOOK_AGAIN_MS = 500;

/** Gives how many are left: none. Whoever has waited for long enough interrupts it. */
async function untilAllIsRead(terminal: Terminal, wiring: Wiring): Promise<number> {
  const { bus, timers } = wiring;
  const left = async (): Promise<number> => (await unreadMessages(bus)) + (await lostIn(wiring));
  const first = await left();
  const progress = terminal.progress('waiting for accepted messages', first);
  try {
    for (let unread = first; unread > 0; unread = await left()) {
      progress.total(Math.max(first, unread));
      progress.update(Math.max(0, first - unread));
      await timers.sleep(LOOK_AGAIN_MS);
    }
    return 0;
  } finally {
    progress.stop();
  }
}

async function withProgress<T>(
  terminal: Terminal,
  what: string,
  work: (tell: (count: number) => void) => Promise<T>,
): Promise<T> {
  const progress = terminal.progress(`verifying ${what}`, 0);
  try {
    return await work((count) => progress.update(count));
  } finally {
    progress.stop();
  }
}

function show(terminal: Terminal, report: VerifyReport, isDamaged: boolean): void {
  const { records, views, entries, differing, digests } = report;
  terminal.table(
    ['purpose', 'digest of all its views'],
    PURPOSES.map((purpose) => [purpose, digests[purpose]?.slice(0, 16) ?? '']),
  );
  terminal.print();
  if (differing.length > 0) {
    terminal.table(
      ['view', 'person', '>missing', '>surplus', '>unequal'],
      differing.map(({ view, key, missing, surplus, unequal }) => [
        ...[view, key],
        ...[missing, surplus, unequal].map((count) => number(count)),
      ]),
    );
    terminal.print();
  }
  showUnreadable(terminal, report.unreadable);
  terminal.print(verdict(terminal, report, isDamaged));
  terminal.print(
    `${counted(records, 'record')}, ${counted(views, 'view')} compared, ${counted(entries, 'entry', 'entries')}, ${counted(differing.length, 'differs', 'differ')}`,
  );
}

const WHY_UNREADABLE: Record<Unreadable, string> = {
  'record-damaged': 'events are missing: restore the store from a backup',
  'written-by-a-newer-weft': 'a newer version of Weft wrote to it: run that version',
};

/** Their views are not compared, nor those of whom they are merged with: nothing is shown of them either. */
export function showUnreadable(terminal: Terminal, unreadable: readonly UnreadableRecord[]): void {
  if (unreadable.length === 0) return;
  terminal.table(
    ['record', 'why it cannot be read', ''],
    unreadable.map(({ key, why }) => [key, why, WHY_UNREADABLE[why]]),
  );
  terminal.print();
}

/** One line that says whether all is well. Over a store that somebody changed nothing is replayed. */
export function verdict(terminal: Terminal, { views, differing, unreadable }: VerifyReport, isDamaged = false): string {
  if (unreadable.length > 0 && differing.length === 0)
    return terminal.paint('red', `✗ ${counted(unreadable.length, 'record')} cannot be read; nothing differs in the others`);
  if (views === 0) return terminal.paint('yellow', 'nothing was compared: this region has no record yet');
  if (differing.length === 0)
    return terminal.paint('green', `✓ each of ${counted(views, 'view')} is what record, decisions and policy make it`);
  const found = `✗ ${counted(differing.length, 'view differs', 'views differ')}`;
  return terminal.paint('red', isDamaged ? found : `${found}; weft replay <purpose> mends them`);
}

const KEY_BESIDE_DATA =
  'the chains’ key lies in keys/ beside the data: whoever can read it can forge them; WEFT_INTEGRITY_SECRET_FILE names another place';

const DAMAGE: Record<ChainDamage['damage'], string> = {
  missing: 'taken out',
  changed: 'changed, or not written by this region',
  unchained: 'written without a hash, behind entries that have one',
  severed: 'taken out, or changed, after the day was over',
};

function showChains(terminal: Terminal, { streams, events, unchained, damaged }: ChainReport): void {
  if (damaged.length > 0) {
    terminal.print();
    terminal.table(
      ['stream', '>from', '>to', 'its events are'],
      damaged.map(({ stream, from, to, damage }) => [stream, number(from), number(to), DAMAGE[damage]]),
    );
    terminal.print();
    terminal.print(terminal.paint('red', `✗ audit or decisions were changed in ${counted(damaged.length, 'place')}`));
    terminal.print(
      '  keep a copy of the store as it is, and restore the last backup; do not replay: a replay would follow what was changed',
    );
  } else if (events > 0) {
    terminal.print(terminal.paint('green', '✓ the chains of audit and decisions are whole'));
  }
  terminal.print(`${counted(streams, 'chain')}, ${counted(events, 'event')} followed`);
  if (unchained > 0) terminal.print(`${counted(unchained, 'event')} from before there was a chain: nothing protects those`);
}
