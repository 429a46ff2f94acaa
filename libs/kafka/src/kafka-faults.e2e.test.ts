import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EngineUnavailable, type EventBus, type Message, type Seat, SeatTaken } from '@weft/processing';
import { answers, brokerOrReason } from '../../../infra/kafka/broker.mjs';
import { openKafkaBus } from './kafka-bus.js';

const found = await brokerOrReason();
const mayBreak = 'broker' in found && found.broker.kind !== 'named';
const reason = 'reason' in found ? found.reason : mayBreak ? '' : 'the broker is not ours to break';

if (!mayBreak || !('broker' in found)) {
  it.skip(`faults at a real broker: ${reason}`, () => {});
} else {
  const { broker } = found;
  const SESSION_MS = 3000;
  const open = (overrides = {}): Promise<EventBus> =>
    openKafkaBus({ brokers: broker.brokers, sessionTimeoutMs: SESSION_MS, deadlineMs: 60_000, ...overrides });
  const until = async (what: string, condition: () => boolean | Promise<boolean>) => {
    const limit = Date.now() + 60_000;
    while (!(await condition())) {
      if (Date.now() > limit) throw new Error(`it did not come to pass that ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const textOf = ({ value }: Message) => Buffer.from(value ?? []).toString();
  const message = (topic: string, text: string) => ({ topic, key: text, value: Buffer.from(text), headers: {} });

  describe('faults at a real broker', () => {
    let bus: EventBus;
    let topic: string;
    /** Everything in the log. */
    const log = async () => {
      const texts: string[] = [];
      for (const { partition, high } of await bus.offsets(topic)) {
        for (let at = 0; at < high;) {
          const messages = await bus.read(topic, partition, at, 5000);
          texts.push(...messages.map(textOf));
          at = (messages.at(-1)?.offset ?? high) + 1;
        }
      }
      return texts;
    };

    beforeEach(async () => {
      bus = await open();
      topic = `faults.${randomUUID()}`;
      await bus.createTopics([{ topic, partitions: 6 }]);
    });
    afterEach(() => bus.close());
    afterAll(() => broker.stop());

    it('loses no acknowledged message and writes none twice while the broker is killed under load', async () => {
      const acknowledged: string[] = [];
      const consumed = new Set<string>();
      await bus.consume({
        group: randomUUID(),
        topics: [topic],
        onBatch: async ({ messages }) => messages.forEach((one) => consumed.add(textOf(one))),
      });
      let publishing = true;
      const publishers = Array.from({ length: 32 }, async (_, publisher) => {
        for (let n = 0; publishing; n++) {
          const text = `${publisher}/${n}`;
          await bus.publish([message(topic, text)]);
          acknowledged.push(text);
        }
      });
      for (let kill = 0; kill < 3; kill++) {
        const before = acknowledged.length;
        await until('messages are acknowledged', () => acknowledged.length > before + 2000);
        await broker.kill();
        await broker.restart();
      }
      const before = acknowledged.length;
      await until('messages are acknowledged again', () => acknowledged.length > before + 2000);
      publishing = false;
      await Promise.all(publishers);
      const texts = await log();
      expect(new Set(texts).size).toBe(texts.length);
      expect(lost(acknowledged, texts)).toEqual([]);
      await until('the consumer has all', () => consumed.size === texts.length);
    }, 180_000);

    it('publishes under a seat all of a call, once, or nothing of it, while the broker is killed under load', async () => {
      const outcomes: ('written' | 'not known' | 'not written')[] = [];
      let publishing = true;
      const publisher = (async () => {
        let seat: Seat | undefined;
        for (let n = 0; publishing; n++) {
          seat ??= await bus.takeSeat(topic);
          const messages = Array.from({ length: 30 }, (_, part) => message(topic, `${n}/${part}`));
          outcomes[n] = await seat.publish(messages).then(
            () => 'written',
            (error) => {
              if (error instanceof EngineUnavailable) return 'not known';
              if (!(error instanceof SeatTaken)) throw error;
              seat = undefined;
              return 'not written';
            },
          );
        }
      })();
      const written = () => outcomes.filter((outcome) => outcome === 'written').length;
      for (let kill = 0; kill < 3; kill++) {
        const before = written();
        await until('calls are written', () => written() > before + 20);
        await broker.kill();
        await broker.restart();
      }
      const before = written();
      await until('calls are written again', () => written() > before + 20);
      publishing = false;
      await publisher;
      const counts = new Map<string, number>();
      const texts = await log();
      for (const text of texts) counts.set(text.split('/')[0]!, (counts.get(text.split('/')[0]!) ?? 0) + 1);
      expect(new Set(texts).size).toBe(texts.length);
      for (const [n, outcome] of outcomes.entries()) {
        const count = counts.get(String(n)) ?? 0;
        expect(`${outcome} ${count}`).toMatch(/^(written 30|not written 0|not known (0|30))$/);
      }
    }, 180_000);

    it('gives a seat at once to another when its holder was killed in the middle of a publish', async () => {
      for (let round = 0; round < 3; round++) {
        const child = await holder();
        await until('it has published', async () => (await log()).length > round);
        child.kill('SIGKILL');
        const killed = Date.now();
        const seat = await bus.takeSeat(topic);
        await seat.publish([message(topic, `taken ${round}`)]);
        // The coordinator would wait for four minutes, here, until it ended a transaction by itself.
        expect(Date.now() - killed).toBeLessThan(30_000);
        const texts = await log();
        expect(texts.filter((text) => text.startsWith('taken'))).toHaveLength(round + 1);
        expect((texts.length - round - 1) % 30).toBe(0);
      }
    }, 120_000);

    it('tells callers after their deadline that it is not known, and goes on once the broker is back', async () => {
      const quick = await open({ deadlineMs: 1500 });
      try {
        await quick.publish([message(topic, 'before')]);
        await broker.kill();
        const started = Date.now();
        await expect(quick.publish([message(topic, 'lost?')])).rejects.toThrow(EngineUnavailable);
        expect(Date.now() - started).toBeLessThan(4000);
        await expect(quick.check()).rejects.toThrow(EngineUnavailable);
        await broker.restart();
        await until('a message is taken again', () =>
          quick.publish([message(topic, 'after')]).then(
            () => true,
            () => false,
          ),
        );
        expect(await log()).toContain('after');
      } finally {
        await quick.close();
      }
    }, 120_000);

    it('hands the partitions of a member that was killed to another, from where it had committed', async () => {
      const group = randomUUID();
      const child = await member(group);
      try {
        await bus.publish(Array.from({ length: 60 }, (_, n) => message(topic, `${n}`)));
        await until('the first member has committed all', () => committedInAll(group, 60));
        child.kill('SIGKILL');
        await bus.publish(Array.from({ length: 60 }, (_, n) => message(topic, `${60 + n}`)));
        const handled: string[] = [];
        const consumer = await bus.consume({
          group,
          topics: [topic],
          onBatch: async ({ messages }) => void handled.push(...messages.map(textOf)),
        });
        await until('the other holds all partitions', () => consumer.assigned().length === 6);
        await until('the rest is committed', () => committedInAll(group, 120));
        expect(handled.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, n) => 60 + n));
      } finally {
        child.kill('SIGKILL');
      }
    }, 120_000);

    it('comes back by itself when a broker has held its connections and answered nothing', async () => {
      const group = randomUUID();
      const [handled, failures]: [string[], unknown[]] = [[], []];
      await bus.consume({
        group,
        topics: [topic],
        onBatch: async ({ messages }) => void handled.push(...messages.map(textOf)),
        onFailure: (error) => void failures.push(error),
      });
      await bus.publish([message(topic, 'before')]);
      await until('it reads', () => handled.length === 1);
      await broker.freeze();
      try {
        await until('it says that the broker is quiet', () => failures.length > 0);
      } finally {
        await broker.thaw();
      }
      await bus.publish([message(topic, 'after')]);
      await until('it reads again', () => handled.includes('after'));
      expect(failures[0]).toBeInstanceOf(EngineUnavailable);
    }, 120_000);

    it('passes over nothing while members come and go under load', async () => {
      const group = randomUUID();
      const handled = new Map<number, Message[]>();
      const join = async () => {
        const own = await open();
        await own.consume({
          group,
          topics: [topic],
          maxBatch: 20,
          onBatch: async ({ partition, messages }) => {
            await new Promise((resolve) => setTimeout(resolve, 2));
            handled.set(partition, [...(handled.get(partition) ?? []), ...messages]);
          },
        });
        return own;
      };
      let published = 0;
      let publishing = true;
      const publisher = (async () => {
        for (; publishing; published++) await bus.publish([message(topic, `${published}`)]);
      })();
      const members = [await join()];
      for (let round = 0; round < 4; round++) {
        members.push(await join());
        await members.shift()!.close();
      }
      publishing = false;
      await publisher;
      await until('all is committed', () => committedInAll(group, published));
      await Promise.all(members.map((one) => one.close()));
      const texts = new Set([...handled.values()].flat().map(textOf));
      expect(texts.size).toBe(published);
      for (const messages of handled.values()) {
        // In order, and what came again came from a committed offset on: never a step over what was not handled.
        let next = 0;
        for (const { offset } of messages) {
          expect(offset).toBeLessThanOrEqual(next);
          next = Math.max(next, offset + 1);
        }
      }
    }, 120_000);

    const ownFromMaven = broker.kind === 'maven' ? it : it.skip;

    ownFromMaven(
      'leaves no broker and no files behind when the process that started one is killed with -9',
      async () => {
        const directory = mkdtempSync(join(tmpdir(), 'weft-kafka-left-'));
        const module = fileURLToPath(new URL('../../../infra/kafka/broker.mjs', import.meta.url));
        const script = `
        const { startBroker } = await import(${JSON.stringify(module)});
        const { brokers } = await startBroker();
        setInterval(() => {}, 1000);
        console.log(brokers[0]);`;
        const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
          stdio: ['ignore', 'pipe', 'inherit'],
          env: { ...process.env, TMPDIR: directory },
        });
        const [address] = (await once(child.stdout, 'data')) as [Buffer];
        const port = Number(/:(\d+)/.exec(address.toString())?.[1]);
        expect(await answers(port)).toBe(true);
        child.kill('SIGKILL');
        await until('nobody answers any more', async () => !(await answers(port)));
        await until('its files are gone', () => readdirSync(directory).length === 0);
        rmSync(directory, { recursive: true });
      },
      60_000,
    );

    const committedInAll = async (group: string, wanted: number) =>
      (await bus.committed(group, topic)).reduce((sum, { offset }) => sum + Math.max(0, offset), 0) === wanted;

    /** Publishes under a seat in a process of its own, so that it can die in the middle of it. */
    const holder = async (): Promise<ChildProcess> => {
      const built = fileURLToPath(import.meta.url).replace(/\/src\/[^/]+$/, '/dist/index.js');
      const script = `
        const { openKafkaBus } = await import(${JSON.stringify(built)});
        const bus = await openKafkaBus({ brokers: ${JSON.stringify(broker.brokers)} });
        const seat = await bus.takeSeat('${topic}');
        console.log('taken');
        const message = (_, n) => ({ topic: '${topic}', key: 'key ' + n, value: new Uint8Array(1000), headers: {} });
        for (;;) await seat.publish(Array.from({ length: 30 }, message));`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(child.stdout, 'data');
      return child;
    };

    /** A member in a process of its own, so that it can die without leaving. */
    const member = async (group: string): Promise<ChildProcess> => {
      const built = fileURLToPath(import.meta.url).replace(/\/src\/[^/]+$/, '/dist/index.js');
      const script = `
        const { openKafkaBus } = await import(${JSON.stringify(built)});
        const bus = await openKafkaBus({ brokers: ${JSON.stringify(broker.brokers)}, sessionTimeoutMs: ${SESSION_MS} });
        await bus.consume({ group: '${group}', topics: ['${topic}'], onBatch: async () => {} });
        console.log('joined');`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(child.stdout, 'data');
      return child;
    };
  });
}

/** The first of those that are missing. */
function lost(acknowledged: readonly string[], texts: readonly string[]): string[] {
  const held = new Set(texts);
  return acknowledged.filter((text) => !held.has(text)).slice(0, 20);
}
