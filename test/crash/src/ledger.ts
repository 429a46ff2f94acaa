import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { createHash } from 'node:crypto';
import type { Coordinates } from '@weft/domain';
import type { EventBus, EventStore, Message, OutgoingMessage } from '@weft/processing';
import type { Killing } from './killing.js';

/*
 * What a process said before it was killed: a line for each call before it begins, and one as soon as it is acknowledged,
 * written before anything else runs. A killed process leaves what it wrote to the operating system, so the lines need no sync.
 */
export type Line =
  | { readonly what: 'sending'; readonly call: string; readonly messages: readonly Sent[] }
  | { readonly what: 'sent'; readonly call: string; readonly at: readonly Coordinates[] }
  | { readonly what: 'appending'; readonly call: string; readonly stream: string; readonly ids: readonly string[] }
  | { readonly what: 'appended'; readonly call: string; readonly revision: number }
  | {
      readonly what: 'handled';
      readonly group: string;
      readonly topic: string;
      readonly partition: number;
      readonly next: number;
    }
  | { readonly what: 'refused'; readonly call: string; readonly type: string; readonly message: string };

interface Sent {
  readonly topic: string;
  /** Stands for the key, which may be somebody's number. */
  readonly key: string;
  readonly digest: string;
}

export class LedgerWriter {
  private readonly handle: number;
  private calls = 0;

  constructor(path: string) {
    this.handle = openSync(path, 'a');
  }

  write(line: Line): void {
    writeSync(this.handle, `${JSON.stringify(line)}\n`);
  }

  nextCall(): string {
    this.calls += 1;
    return `${process.pid}.${this.calls}`;
  }

  close(): void {
    closeSync(this.handle);
  }
}

/** The last line may be half there. */
export function readLedger(path: string): Line[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Line);
}

/** Of everything that a reader of the message gets. */
export function digestOf({ topic, key, value, headers }: OutgoingMessage | Message): string {
  const text = JSON.stringify([
    topic,
    key,
    Object.entries(headers).sort(),
    value === null ? null : Buffer.from(value).toString('base64'),
  ]);
  return hashed(text, 22);
}

const hashed = (text: string, length: number): string => createHash('sha256').update(text).digest('base64url').slice(0, length);
export const keyDigest = (key: string): string => hashed(key, 12);
const sentOf = (message: OutgoingMessage): Sent => ({
  topic: message.topic,
  key: keyDigest(message.key),
  digest: digestOf(message),
});

interface Refusal {
  readonly type?: unknown;
  readonly message?: unknown;
}

/** A call of a port with its lines before and after; the process may die around it. */
async function told<T>(
  ledger: LedgerWriter,
  killing: Killing,
  name: string,
  begun: (call: string) => Line,
  run: () => Promise<T>,
  done: (call: string, result: T) => Line,
): Promise<T> {
  const call = ledger.nextCall();
  ledger.write(begun(call));
  return killing.aroundPort(name, async () => {
    try {
      const result = await run();
      ledger.write(done(call, result));
      return result;
    } catch (error) {
      const { type, message } = error as Refusal;
      ledger.write({ what: 'refused', call, type: String(type), message: String(message) });
      throw error;
    }
  });
}

/** A bus that says what it is asked and what it acknowledges. */
export function toldBus(bus: EventBus, ledger: LedgerWriter, killing: Killing): EventBus {
  const publishing =
    (publish: EventBus['publish']): EventBus['publish'] =>
    (messages) =>
      told(
        ledger,
        killing,
        `publish ${messages[0]?.topic}`,
        (call) => ({ what: 'sending', call, messages: messages.map(sentOf) }),
        () => publish(messages),
        (call, at) => ({ what: 'sent', call, at }),
      );
  return within(bus, {
    publish: publishing((messages) => bus.publish(messages)),
    async takeSeat(name) {
      const seat = await bus.takeSeat(name);
      return { publish: publishing((messages) => seat.publish(messages)) };
    },
    consume: (options) =>
      bus.consume({
        ...options,
        onBatch: (batch, context) =>
          killing.aroundPort(`handle ${batch.topic}`, async () => {
            await options.onBatch(batch, context);
            const { topic, partition, messages } = batch;
            const next = (messages.at(-1)?.offset ?? -1) + 1;
            ledger.write({ what: 'handled', group: options.group, topic, partition, next });
          }),
      }),
  });
}

/** A store that says what it is asked and what it acknowledges. */
export function toldStore(store: EventStore, ledger: LedgerWriter, killing: Killing): EventStore {
  return within(store, {
    append: (stream, expected, events, options) =>
      told(
        ledger,
        killing,
        `append ${stream}`,
        (call) => ({ what: 'appending', call, stream, ids: events.map(({ id }) => id) }),
        () => store.append(stream, expected, events, options),
        (call, revision) => ({ what: 'appended', call, revision }),
      ),
  });
}

/** The same port, some of its methods replaced. */
function within<T extends object>(port: T, methods: Partial<T>): T {
  return new Proxy(port, {
    get(target, name) {
      const value: unknown = Reflect.get(methods, name) ?? Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
