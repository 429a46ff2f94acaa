import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedBus } from '@weft/embedded';
import { acknowledgement, bytesAsText, Framer, headerIn, textAsBytes, toRawMessages } from '@weft/hl7v2';
import { HL7_PROJECTOR_GROUP, hl7v2Topic } from '@weft/processing';
import { createRegion, loadSettings } from '@weft/service';
import { A, adt, obx, oru, pv1 } from '../../../libs/hl7v2/src/mapping/messages.fixture.js';
import { hl7v2OfRegion } from './demo/hl7v2.js';
import { EXIT } from './failure.js';
import { runWeft } from './weft.fixture.js';

describe('weft hl7v2', () => {
  const directory = mkdtempSync(join(tmpdir(), 'weft-hl7v2-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const weft = (line: string, env: Record<string, string> = {}) =>
    runWeft(line, { WEFT_DATA_DIR: directory, WEFT_LOG_LEVEL: 'silent', ...env });
  const file = (name: string, content: string | object): string => {
    const path = join(directory, name);
    writeFileSync(path, typeof content === 'string' ? content.replaceAll('\n', '\r') : JSON.stringify(content));
    return path;
  };
  const listeners = file('listeners.json', [{ name: 'pas', organisation: 'RX901', port: 2575 }]);

  describe('try', () => {
    it('shows the entries that would come of messages, in their order, and of whom', async () => {
      const result = oru({ number: '' }, 'F1', 'FBC', {}, obx('NM', 'HB', '140.0'));
      const path = file('day.hl7', `${result}\n${adt('A01', {}, pv1())}`);
      const { out, exitCode } = await weft(`hl7v2 try ${path} --org RX901`);
      expect(exitCode).toBe(EXIT.ok);
      expect(out).toMatch(/day\.hl7:1 ORU\^R01\n +waits until it is known whose it is: person-unknown\n/);
      expect(out).toMatch(new RegExp(`day\\.hl7:2 ADT\\^A01\n(.*\n)* +recorded +Encounter +in-progress +${A}`));
      expect(out).toMatch(/recorded +Observation +final/);
    });

    it('answers machines with the resources as they would be published', async () => {
      const path = file('result.hl7', `\x0b${oru({}, 'F1', 'FBC', {}, obx('NM', 'HB', '140.0'))}\x1c\r`);
      const { out } = await weft(`hl7v2 try ${path} --json`, { WEFT_HL7V2_LISTENERS: listeners });
      expect(out).toContain('"value":140.0');
      expect(JSON.parse(out)).toMatchObject({
        message: 1,
        type: 'ORU^R01',
        events: [{ source: 'urn:ods:RX901', subject: A }, { resource: { resourceType: 'Observation' } }],
        problems: [],
      });
    });

    it('takes every message of the demo, and none of it would be refused', async () => {
      const messages = [...hl7v2OfRegion(1, 30, 'RX901', Date.parse('2026-11-30T10:00:00Z'))];
      const { out, exitCode } = await weft(`hl7v2 try ${file('demo.hl7', messages.join('\n'))} --org RX901 --json`);
      expect([messages.length, exitCode]).toEqual([40, EXIT.ok]);
      const tried = out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { events: object[]; notes: object[]; waiting: string[] });
      expect(tried.flatMap(({ notes }) => notes)).toEqual([]);
      expect(tried.filter(({ waiting }) => waiting.length > 0)).toHaveLength(10);
      expect(tried.flatMap(({ events }) => events).length).toBeGreaterThan(60);
    });

    it('says what would stand in quarantine and why, and what no table maps', async () => {
      const path = file(
        'wrong.hl7',
        [
          adt('A01', {}, pv1({ start: '20241301' })),
          adt('A03', { mrn: 'M2' }, pv1({ start: '20240610', end: '20240609' })),
          'MSH|^~\\&|||||||ZZZ^Z01|1|P|2.4',
        ].join('\n'),
      );
      const { out, exitCode } = await weft(`hl7v2 try ${path}`);
      expect(exitCode).toBe(EXIT.finding);
      expect(out).toContain('in quarantine: PV1[1]-44[1].1 time is no time that can be read (ADT^A01)');
      expect(out).toContain('Encounter.period invariant must not end before it begins');
      expect(out).toContain('no table maps ZZZ^Z01');
    });

    it('reads by other tables, and says every line of them that cannot be', async () => {
      const tables = (row: string) =>
        file('tables.json', {
          tables: [{ id: 'ADT/PID', version: '1', date: '2026-11-30', author: 'A site', rows: [row] }],
          values: { letters: { W: 'female' } },
        });
      const path = file('other.hl7', adt('A28', { pid: 'W' }));
      const { out } = await weft(`hl7v2 try ${path} --json --tables ${tables('PID-8 gender code optional letters')}`);
      expect(JSON.parse(out)).toMatchObject({ events: [{ resource: { gender: 'female' } }] });
      const { err, exitCode } = await weft(`hl7v2 try ${path} --tables ${tables('PID-8 gender colour')}`);
      expect([exitCode, err]).toEqual([EXIT.finding, expect.stringContaining('ADT/PID, line 1: a form is one of')]);
    });

    it.each([
      ['try nowhere.hl7', EXIT.usage, 'there is no file nowhere.hl7'],
      ['try FILE', EXIT.finding, 'holds no HL7 v2'],
      ['try FILE --listener lab', EXIT.usage, 'no listener is called so'],
    ])('refuses %s', async (line, code, text) => {
      const { err, exitCode } = await weft(`hl7v2 ${line.replace('FILE', file('no.hl7', 'hello'))}`);
      expect([exitCode, err]).toEqual([code, expect.stringContaining(text)]);
    });
  });

  describe('send', () => {
    const servers: Server[] = [];
    const heard: string[] = [];
    afterAll(() => servers.forEach((server) => server.close()));

    /** A listener that answers each message so; null never. */
    async function listening(stored: boolean | null): Promise<Record<string, string>> {
      const server = createServer((socket) => {
        const framer = new Framer(65_536);
        socket.on('data', (chunk: Buffer) => {
          for (const event of framer.push(chunk)) {
            if (event.kind !== 'frame') continue;
            heard.push(bytesAsText(event.bytes));
            const outcome =
              stored === true
                ? ({ stored, place: 'weft.hl7v2.RX901/0/7' } as const)
                : ({ stored: false, reason: 'not-the-sender' } as const);
            const text = acknowledgement(headerIn(event.bytes), outcome, { mode: 'auto', at: 0, id: 'x' })!;
            if (stored === null) socket.end();
            else socket.write(Buffer.from([0x0b, ...textAsBytes(text), 0x1c, 0x0d]));
          }
        });
      });
      servers.push(server);
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const { port } = server.address() as AddressInfo;
      return { WEFT_HL7V2_LISTENERS: file(`at-${port}.json`, [{ name: 'pas', organisation: 'RX901', port }]) };
    }

    it('gives an engine’s listener one message after another, and says how each was acknowledged', async () => {
      const path = file('two.hl7', `${adt('A28')}\n${adt('A01', {}, pv1())}`);
      const { out, exitCode } = await weft(`hl7v2 send ${path}`, await listening(true));
      expect(exitCode).toBe(EXIT.ok);
      expect(out).toMatch(/two\.hl7:1 AA weft\.hl7v2\.RX901\/0\/7\n.*two\.hl7:2 AA/);
      expect(heard.map((text) => text.slice(0, 3))).toEqual(['MSH', 'MSH']);
    });

    it.each([
      ['refused', false, 'AR'],
      ['not acknowledged', null, 'no answer'],
    ])('finds what is %s', async (_what, stored, text) => {
      const { out, exitCode } = await weft(`hl7v2 send ${file('one.hl7', adt('A28'))}`, await listening(stored));
      expect([exitCode, out]).toEqual([EXIT.finding, expect.stringContaining(text)]);
    });

    it('says where nobody listens, and which listener it cannot know', async () => {
      const path = file('one.hl7', adt('A28'));
      const none = file('none.json', [{ name: 'pas', organisation: 'RX901', port: 1 }]);
      expect(await weft(`hl7v2 send ${path}`, { WEFT_HL7V2_LISTENERS: none })).toMatchObject({
        exitCode: EXIT.unreachable,
        err: expect.stringContaining('127.0.0.1:1'),
      });
      expect(await weft(`hl7v2 send ${path}`)).toMatchObject({ exitCode: EXIT.usage });
    });
  });

  it('plans other tables against everything that was sent', async () => {
    const env = { WEFT_HL7V2_LISTENERS: listeners };
    await (await createRegion(loadSettings({ WEFT_DATA_DIR: directory, WEFT_LOG_LEVEL: 'silent', ...env }))).close();
    const bus = await openEmbeddedBus({ directory });
    const bytes = new TextEncoder().encode(adt('A28', { pid: 'W' }).replaceAll('\n', '\r'));
    const event = { id: 'x', source: 'urn:ods:RX901:pas', kind: 'message', time: '2026-11-30T10:00:00Z', bytes } as const;
    await bus.publish(toRawMessages(event).map((one) => ({ topic: hl7v2Topic('RX901'), key: 'pas', ...one })));
    await bus.close();
    const tables = file('plan.json', {
      tables: [
        { id: 'ADT/PID', version: '1', date: '2026-11-30', author: 'A site', rows: ['PID-8 gender code optional letters'] },
      ],
      values: { letters: { W: 'female' } },
    });
    const { out, exitCode } = await weft(`hl7v2 plan ${tables}`, env);
    expect([exitCode, out]).toEqual([EXIT.ok, expect.stringMatching(/RX901: 1 message\n(.*\n)* +Patient +0 +1 +0\n/)]);
    expect(await weft(`hl7v2 plan ${tables} --org RX902`, env)).toMatchObject({ exitCode: EXIT.usage });
  });

  it('has everything read again, where no projector is at work', async () => {
    const env = { WEFT_HL7V2_LISTENERS: listeners };
    const committed = async (): Promise<number[]> => {
      const bus = await openEmbeddedBus({ directory });
      const found = await bus.committed(HL7_PROJECTOR_GROUP, hl7v2Topic('RX901'));
      await bus.close();
      return found.map(({ offset }) => offset);
    };
    expect(await committed()).toEqual([-1, -1, -1, -1]);
    expect(await weft('hl7v2 reread', env)).toMatchObject({ exitCode: EXIT.ok, out: '1 message of RX901 to be read again\n' });
    expect(await committed()).toEqual([0, 0, 0, 0]);
    expect(await weft('hl7v2 reread --org RX902', env)).toMatchObject({ exitCode: EXIT.usage });
    const bus = await openEmbeddedBus({ directory });
    const consumer = await bus.consume({ group: HL7_PROJECTOR_GROUP, topics: [hl7v2Topic('RX901')], onBatch: async () => {} });
    expect(await weft('hl7v2 reread', env)).toMatchObject({ exitCode: EXIT.finding });
    await consumer.stop();
    await bus.close();
  });
});
