import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseWithDigits, type CareEventType, type Resource } from '@weft/domain';
import { openEmbeddedBus } from '@weft/embedded';
import { toRawMessages } from '@weft/hl7v2';
import { careEventsTopic, type EventBus, HL7_PROJECTOR_GROUP, hl7v2Topic, type Message, regionTopics } from '@weft/processing';
import { createRegion, loadSettings, systemTimers } from '@weft/service';
import { bytesOf, Filed, NOW, Records } from '../../../libs/hl7v2/src/mapping/filed.fixture.js';
import { adt, fields, obx, oru, pv1 } from '../../../libs/hl7v2/src/mapping/messages.fixture.js';

const main = fileURLToPath(import.meta.url)
  .replace('/src/', '/dist/')
  .replace(/main\.e2e\.test\.ts$/, 'main.js');

const ORGANISATION = { ods: 'RX901', name: 'Acute trust', kind: 'acute' } as const;
const NUMBERS = ['9990000018', '9990000026', '9990000034', '9990000042', '9990000050', '9990000069'];

/** Of each person results before anybody knows them, a visit, another MRN that gives way, and one result after another. */
const MESSAGES = Array.from({ length: 20 }, (_, hour) => hour).flatMap((hour) =>
  NUMBERS.map((number) => {
    const at = `20240610${String(hour).padStart(2, '0')}0000`;
    const [mrn, other] = [`M${number}`, `N${number}`];
    if (hour === 3) return adt('A01', { mrn, number, at }, pv1({ visit: `V${number}`, start: at }));
    if (hour === 9) return adt('A40', { mrn: other, number: '', at }, fields('MRG', { 1: `${mrn}^^^RX901^MR` }));
    return oru({ mrn, number: '', at }, `F${hour}`, `T${number}`, { at }, obx('NM', 'HB', String(100 + hour)));
  }),
);

describe('the hl7-projector as a process', () => {
  const directory = mkdtempSync(join(tmpdir(), 'weft-hl7-projector-'));
  const listeners = join(directory, 'listeners.json');
  const children: ChildProcess[] = [];
  let bus: EventBus;

  beforeAll(async () => {
    writeFileSync(listeners, JSON.stringify([{ name: 'pas', organisation: 'RX901', port: 0 }]));
    const settings = loadSettings({ WEFT_DATA_DIR: directory, WEFT_LOG_LEVEL: 'fatal', WEFT_HL7V2_LISTENERS: listeners });
    await (await createRegion(settings)).close();
    bus = await openEmbeddedBus({ directory });
    await bus.createTopics(regionTopics([ORGANISATION], 4, ['RX901']));
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await bus.close();
    rmSync(directory, { recursive: true });
  });

  function start(env: Record<string, string> = { WEFT_HL7V2_LISTENERS: listeners }) {
    const child = spawn(process.execPath, [main], {
      env: { PATH: process.env['PATH'], WEFT_DATA_DIR: directory, WEFT_PORT: '0', ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    children.push(child);
    let errors = '';
    child.stderr!.on('data', (chunk: Buffer) => void (errors += chunk));
    return { child, exited: once(child, 'exit'), errors: () => errors };
  }

  async function told(): Promise<Message[]> {
    const found: Message[] = [];
    const topic = careEventsTopic('RX901');
    for (const { partition, high } of await bus.offsets(topic)) {
      for (let from = 0; from < high;) {
        const page = await bus.read(topic, partition, from);
        found.push(...page);
        from = page.at(-1)!.offset + 1;
      }
    }
    return found;
  }

  async function until(isSo: () => Promise<boolean>): Promise<void> {
    while (!(await isSo())) await systemTimers.sleep(5);
  }

  async function isDone(): Promise<boolean> {
    const topic = hl7v2Topic('RX901');
    const committed = new Map((await bus.committed(HL7_PROJECTOR_GROUP, topic)).map((one) => [one.partition, one.offset]));
    return (await bus.offsets(topic)).every(({ partition, high }) => high === 0 || (committed.get(partition) ?? -1) >= high);
  }

  it('ends at once where no listener says what is to be read', async () => {
    const { exited, errors } = start({});
    expect(await exited).toEqual([2, null]);
    expect(errors()).toContain('WEFT_HL7V2_LISTENERS: is missing');
  });

  it('leaves each entry once and right, killed again and again while it works', async () => {
    const expected = new Filed();
    const messages = MESSAGES.flatMap((text) => {
      const bytes = bytesOf(text);
      expected.take(bytes);
      const id = createHash('sha256').update(bytes).digest('hex');
      const event = { id, source: 'urn:ods:RX901:pas', kind: 'message', time: new Date(NOW).toISOString(), bytes } as const;
      return toRawMessages(event).map((message) => ({ topic: hl7v2Topic('RX901'), key: 'pas', ...message }));
    });
    await bus.publish(messages);
    for (let kill = 0; kill < 5; kill += 1) {
      const before = (await told()).length;
      const { child, exited } = start();
      // At work, wherever.
      await until(async () => (await told()).length > before + kill || isDone());
      child.kill('SIGKILL');
      await exited;
    }
    const last = start();
    await until(isDone);
    last.child.kill('SIGTERM');
    await last.exited;
    const records = new Records();
    const known = new Map<string, string>();
    for (const { headers, value } of await told()) {
      const text = new TextDecoder().decode(value!);
      const { ce_id: id = '', ce_type: type, ce_source: source = '', ce_subject: subject = '', ce_time: time = '' } = headers;
      if (known.has(id)) {
        expect(text).toBe(known.get(id));
        continue;
      }
      known.set(id, text);
      const resource = parseWithDigits(text) as Resource;
      records.record({ ...{ type: type as CareEventType, id, source, subject, time, resource }, attached: [] }, NOW);
    }
    expect(records.refused).toEqual([]);
    expect(records.standing()).toEqual(expected.standing());
    expect(Object.keys(records.standing()).length).toBeGreaterThan(200);
  });
});
