import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checked } from './src/check.js';
import { readLedger, type Line } from './src/ledger.js';
import type { Life } from './src/worker.js';

const WORKER = new URL('./dist/worker.js', import.meta.url);
const SEED = 7;

describe('the check after a kill', () => {
  let directory: string;
  let lines: Line[];

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'weft-check-'));
    const life: Life = {
      directory: join(directory, 'data'),
      ledger: join(directory, 'ledger'),
      region: SEED,
      seed: SEED,
      careEvents: 8,
    };
    expect(spawnSync(process.execPath, [WORKER.pathname, JSON.stringify(life)]).status).toBe(0);
    lines = readLedger(life.ledger);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  /** What is found where the process had said something else than it did. */
  const foundWith = async (ledger: readonly Line[], more = ''): Promise<string> => {
    const copy = mkdtempSync(join(directory, 'copy-'));
    cpSync(join(directory, 'data'), join(copy, 'data'), { recursive: true });
    writeFileSync(join(copy, 'ledger'), ledger.map((line) => `${JSON.stringify(line)}\n`).join(''));
    appendFileSync(join(copy, 'ledger'), more);
    return (await checked(join(copy, 'data'), join(copy, 'ledger'), SEED)).join('\n');
  };
  const first = <T extends Line['what']>(what: T): Line & { readonly what: T } =>
    lines.find((line) => line.what === what) as Line & { readonly what: T };
  const without = (line: Line): Line[] => lines.filter((one) => one !== line);

  it('finds nothing wrong with a process that did what it said, whose last line may be half there', async () => {
    expect(readFileSync(join(directory, 'ledger'), 'utf8').length).toBeGreaterThan(1_000);
    expect(await foundWith(lines, '{"what":"appe')).toBe('');
  });

  it('sees an append that was acknowledged and is not there', async () => {
    const { stream } = first('appending');
    const lost: Line[] = [
      { what: 'appending', call: 'x', stream, ids: ['00000000-0000-4000-8000-000000000000'] },
      { what: 'appended', call: 'x', revision: 99_999 },
    ];
    expect(await foundWith([...lines, ...lost])).toBe(`${stream}@99999 was acknowledged, and is lost`);
  });

  it('sees a message that was acknowledged and is another, and one that nobody sent', async () => {
    const sending = first('sending');
    const [message] = sending.messages;
    const other = { ...sending, messages: [{ ...message, digest: 'another' }, ...sending.messages.slice(1)] } as Line;
    const found = await foundWith([other, ...without(sending)]);
    expect(found).toContain('was acknowledged, and is another');
    expect(found).toContain('is nothing that anybody sent');
  });

  it('sees a call of which half is there', async () => {
    const sending = first('sending');
    const half = { ...sending, call: 'x', messages: [...sending.messages, { ...sending.messages[0], digest: 'never' }] } as Line;
    expect(await foundWith([...lines, half])).toContain('call x is there by half: 1');
    const { stream, ids, ...appending } = first('appending');
    const halfAppended: Line = { ...appending, call: 'y', stream, ids: [...ids, 'never'] };
    expect(await foundWith([...lines, halfAppended])).toContain(`call y is in ${stream} by half`);
  });

  it('sees an offset that ran ahead of its handler', async () => {
    const handled = lines.filter((line) => line.what === 'handled');
    const { group, topic, partition } = handled.at(-1) as Line & { readonly what: 'handled' };
    const ahead = lines.filter((line) => line.what !== 'handled' || line.topic !== topic || line.partition !== partition);
    expect(await foundWith(ahead)).toContain(`${group} ${topic}/${partition} is at`);
  });
});
