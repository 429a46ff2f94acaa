import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readArguments, UsageError } from './src/arguments.js';
import { careEvent, patientNumbers } from './src/care-events.js';
import { chart } from './src/chart.js';
import { withFigures } from './src/document.js';
import { DurableFile } from './src/durable-file.js';
import { Flow } from './src/flow.js';
import { hl7Message, LISTENER } from './src/hl7-messages.js';
import { framed, send } from './src/mllp-client.js';
import { Paced, sharedClock } from './src/paced.js';
import { endProfile, profileOf } from './src/profile.js';
import { interleaved } from './src/rounds.js';
import { Missing } from './src/missing.js';
import { row } from './src/row.js';
import { median, percentile } from './src/statistics.js';
import { WORKS } from './src/works.js';
import type { Context, Results } from './src/work.js';
import { acceptEvent } from '@weft/care-events';
import { nhsNumberProblem } from '@weft/domain';
import { acknowledgement, headerIn, type Outcome, weftTables } from '@weft/hl7v2';
import { readParts, Trial } from '@weft/hl7v2-processing';
import { DEFAULT_ORGANISATIONS, usualListener } from '@weft/service';

const context: Context = {
  ...{ events: 10, patients: 1, rounds: 3, quick: true, directory: '', profiles: undefined, note: () => undefined },
  postgres: () => Promise.reject(new Missing('not here')),
};

/** Gives one after the other. */
const giving = (values: readonly number[]) => {
  const left = [...values];
  return async () => ({ rate: left.shift() as number });
};

async function measured() {
  const rounds = await interleaved(context, 'W0', [
    { name: 'limit', run: giving([100, 200, 400]) },
    { name: 'weft', run: giving([50, 20, 100]) },
    { name: 'peer', run: giving([5, 5, 5]) },
    { name: 'absent', run: async () => Promise.reject(new Missing('not installed')) },
  ]);
  const limit = { what: 'the limit', rounds: [100, 200, 400] };
  const peers = ['peer', 'absent'].map((name) => ({ name, candidate: name }));
  return row(context, rounds, { work: 'W0', row: 'a row', size: '', unit: 'events/s', candidate: 'weft', limit, peers });
}

describe('figures', () => {
  it('are medians, and percentiles that so many do not exceed', () => {
    expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5]);
    expect(percentile([5, 1, 4, 2, 3], 99)).toBe(5);
    expect(percentile([5, 1, 4, 2, 3], 50)).toBe(3);
  });

  it('are shares of the limit of the same round, not of its median', async () => {
    const found = await measured();
    expect(found.ours).toBe(50);
    expect(found.percentOfLimit).toBe(25);
  });

  it('are multiples of each peer, and say why one is missing', async () => {
    const found = await measured();
    expect(found.peers).toEqual([{ name: 'peer', value: 5, multiple: 10 }]);
    expect(found.skipped).toEqual([{ name: 'absent', reason: 'not installed' }]);
  });

  it('turn round where less is better', async () => {
    const rounds = await interleaved(context, 'W0', [
      { name: 'weft', run: giving([10, 10, 10]) },
      { name: 'peer', run: giving([40, 40, 40]) },
    ]);
    const asked = { work: 'W0', row: '', size: '', unit: 'ms', better: 'lower', candidate: 'weft' } as const;
    const found = row(context, rounds, {
      ...asked,
      limit: { what: '', rounds: [5, 5, 5] },
      peers: [{ name: 'p', candidate: 'peer' }],
    });
    expect([found.percentOfLimit, found.peers[0]?.multiple]).toEqual([50, 4]);
  });
});

describe('the events of the bench', () => {
  it('are valid care events of some 700 bytes about people with sound numbers', () => {
    const organisations = new Map(DEFAULT_ORGANISATIONS.map((one) => [one.ods, one]));
    const numbers = patientNumbers(20);
    expect(numbers.filter((number) => nhsNumberProblem(number) !== null)).toEqual([]);
    for (let index = 0; index < 20; index += 1) {
      const { id, source, ods, subject, time, resource } = careEvent(index, numbers[index] as string);
      const attributes = {
        specversion: '1.0',
        type: 'care-event-recorded-1',
        id,
        source,
        subject,
        time,
        datacontenttype: 'application/fhir+json',
      };
      const bytes = Buffer.from(JSON.stringify(resource));
      const data = { ok: true as const, event: resource };
      const reading = acceptEvent({ attributes, data, bytes }, { organisations, now: Date.now(), sender: ods });
      expect(reading.ok ? [] : reading.problems).toEqual([]);
      expect(bytes.length).toBeGreaterThan(600);
      expect(bytes.length).toBeLessThan(800);
    }
  });
});

describe('the HL7 v2 messages of the bench', () => {
  const listener = usualListener(LISTENER.name, LISTENER.organisation);
  const numbers = patientNumbers(10);
  const messages = Array.from({ length: 120 }, (_, index) => hl7Message(index, numbers));

  it('have 1 to 2 kB, and all that they say is mapped, to somebody who is known', () => {
    const trial = new Trial(LISTENER.organisation);
    const types = new Set<string | undefined>();
    for (const [index, message] of messages.entries()) {
      const bytes = Buffer.from(message);
      const tried = trial.take(readParts({ id: `${index}`, receivedAt: Date.now(), bytes }, listener, weftTables()));
      expect(tried).toMatchObject({ notes: [], problems: [], waiting: [], review: [] });
      expect(tried.events.length).toBeGreaterThan(0);
      expect(bytes.length).toBeGreaterThan(1_000);
      expect(bytes.length).toBeLessThan(2_000);
      types.add(tried.type);
    }
    expect([...types]).toEqual(['ADT^A01', 'ADT^A08', 'ORU^R01', 'ADT^A02', 'ADT^A03']);
  });

  it('are the same for the same index, and of each there is one', () => {
    expect(messages).toEqual(messages.map((_, index) => hl7Message(index, numbers)));
    expect(new Set(messages).size).toBe(messages.length);
  });

  describe('sent by MLLP', () => {
    let server: Server;
    let open = 0;
    afterEach(() => server.close());

    async function listening(outcome: Outcome): Promise<number> {
      open = 0;
      server = createServer((socket) => {
        open += 1;
        socket.on('error', () => undefined);
        socket.on('data', (frame) => {
          const answer = acknowledgement(headerIn(frame.subarray(1)), outcome, { mode: 'auto', at: 0, id: 'A' });
          socket.write(`\x0b${answer}\x1c\r`);
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return (server.address() as AddressInfo).port;
    }
    const load = async (outcome: Outcome, once: boolean) => ({
      ...{ port: await listening(outcome), connections: 2, pid: process.pid, once },
    });

    it.each([
      [false, 2],
      [true, 120],
    ])('are timed until they are acknowledged, a connection each: %s', async (once, connections) => {
      const found = await send(await load({ stored: true }, once), messages.map(framed));
      expect(found['p99']).toBeGreaterThanOrEqual(found['p50']!);
      expect(found['rate']).toBeGreaterThan(0);
      expect(open).toBe(connections);
    });

    it('end with the first that is refused', async () => {
      const sending = send(await load({ stored: false, reason: 'unavailable' }, false), messages.map(framed));
      await expect(sending).rejects.toThrow(/PAS0 is not acknowledged/);
    });
  });
});

describe('a durable file', () => {
  it('holds what each caller appended once that is told, whole and in its order', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'weft-durable-'));
    const file = new DurableFile(join(directory, 'appended'));
    await Promise.all(['a', 'b', 'c'].map((text) => file.append(Buffer.from(text))));
    await file.append(Buffer.from('d'));
    expect(readFileSync(join(directory, 'appended'), 'utf8')).toBe('abcd');
    file.close();
    rmSync(directory, { recursive: true });
  });
});

describe('events published at a rate', () => {
  it('are timed from acknowledged to readable, by the clock that all processes share', async () => {
    const paced = new Paced();
    const found = await paced.run(
      async (indices) => {
        for (const index of indices) paced.acknowledged(index);
        const acknowledged = sharedClock();
        paced.readable(indices, acknowledged + 40);
        paced.readable(indices, acknowledged + 4_000);
      },
      1_000,
      0.05,
    );
    expect(found.p50).toBeGreaterThanOrEqual(40);
    expect(found.p99).toBeLessThan(4_000);
  });

  it('end with the error of whoever was to make them readable', async () => {
    const paced = new Paced();
    const running = paced.run(async () => paced.fail(new Error('the record-projector ended')), 1_000, 0.05);
    await expect(running).rejects.toThrow('the record-projector ended');
  });
});

describe('a flow of events', () => {
  it('times each from its publishing until it can be read, and has no more under way than there are callers', async () => {
    const flow = new Flow({ events: 40, callers: 4, batch: 1 });
    let under = 0;
    let most = 0;
    const found = await flow.run(async (first) => {
      most = Math.max(most, (under += 1));
      await new Promise((resolve) => setImmediate(resolve));
      under -= 1;
      flow.readable([first, first]);
    });
    expect(most).toBe(4);
    expect(found['p99']).toBeGreaterThanOrEqual(found['p50'] as number);
    expect(found['rate']).toBeGreaterThan(0);
  });

  it('ends with what failed', async () => {
    const flow = new Flow({ events: 2, callers: 1, batch: 1 });
    await expect(flow.run(async () => flow.fail(new Error('the projector broke')))).rejects.toThrow('the projector broke');
  });
});

describe('what is written', () => {
  it('puts the figures between the markers of the document, and leaves the rest', async () => {
    const results: Results = {
      machine: { cores: 2, memoryGiB: 1, node: 'v20' },
      works: [{ name: 'W0', title: 'Nothing', on: '2026-01-01', load: 0, rows: [await measured()] }],
    };
    const text = 'before\n<!-- figures: written by npm run bench -->\nold\n<!-- end of the figures -->\nafter\n';
    const written = withFigures(text, results);
    expect(written).toMatch(/^before\n[^]*50 events\/s[^]*\nafter\n$/);
    expect(written).not.toContain('old');
    expect(() => withFigures('no markers', results)).toThrow(/markers/);
    expect(chart(results)).toContain('W0 a row');
  });

  it('draws a peer also beside a row of which nothing held', async () => {
    const held = await measured();
    const nothing = { ...held, ours: 0, percentOfLimit: 0, peers: held.peers.map((peer) => ({ ...peer, multiple: 0 })) };
    const peer = (one: typeof held) => {
      const works = [{ name: 'W0', title: 'Nothing', on: '2026-01-01', load: 0, rows: [one] }];
      return /peer<.* %/.exec(chart({ machine: { cores: 2, memoryGiB: 1, node: 'v20' }, works }))?.[0];
    };
    expect(peer(nothing)).toBe(peer(held));
    expect(peer(nothing)).toMatch(/width="\d/);
  });
});

describe('the command line', () => {
  it('runs everything unless works are named, in any case', () => {
    expect(readArguments([])).toMatchObject({ works: WORKS, sizes: { events: 1_000_000, rounds: 3 } });
    expect(readArguments(['w7'])).toMatchObject({ works: [{ name: 'W7', title: 'HL7 v2' }] });
    expect(readArguments(['w1', '--events', '5,000'])).toMatchObject({ works: [{ name: 'W1' }], sizes: { events: 5_000 } });
    expect(readArguments(['--help'])).toBe('help');
  });

  it.each([
    [['W99'], /W99/],
    [['--events', '-3'], /--events/],
    [['--fast'], /--fast/],
  ])('refuses %j by name', (args, named) => {
    expect(() => readArguments(args)).toThrow(UsageError);
    expect(() => readArguments(args)).toThrow(named);
  });
});

describe('a profile', () => {
  let directory: string;
  const nodes = ['node:internal/modules/esm/loader', 'file:///weft/libs/domain/dist/judge.js'].map((url, index) => ({
    id: index + 2,
    callFrame: { functionName: `f${index}`, url, lineNumber: 0, columnNumber: 0 },
  }));
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'weft-profile-'));
    const root = { id: 1, callFrame: { functionName: '(root)', url: '', lineNumber: 0, columnNumber: 0 }, children: [2, 3] };
    const taken = { nodes: [root, ...nodes], samples: [2, 3, 3, 3], timeDeltas: [1_000, 1_000, 1_000, 1_000] };
    for (const startTime of [10_000, 20_000]) {
      const profile = { ...taken, startTime, endTime: startTime + 4_000 };
      writeFileSync(join(directory, `${startTime}.cpuprofile`), JSON.stringify(profile));
    }
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('counts what loading takes only where a start is measured', () => {
    expect(profileOf(directory, { starts: false }).packages).toEqual([{ name: 'libs/domain', percent: 100 }]);
    expect(profileOf(directory, { starts: true }).packages).toEqual([
      { name: 'libs/domain', percent: 75 },
      { name: 'node', percent: 25 },
    ]);
  });

  it('leaves out what came after its end, and nothing of another', () => {
    endProfile(directory, 22_000_000n);
    expect(profileOf(directory, { starts: true })).toMatchObject({
      busyMs: 6,
      packages: [
        { name: 'libs/domain', percent: 66.7 },
        { name: 'node', percent: 33.3 },
      ],
    });
  });
});
