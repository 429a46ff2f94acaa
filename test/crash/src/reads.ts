import { openEmbedded, type EmbeddedBus, type EmbeddedStore } from '@weft/embedded';
import type { Message, StoredEvent } from '@weft/processing';

/** The engines' one file. */
export const FILE = 'weft.db';

/** What each way of reading gave: its answer as text, or the error it ended with. */
export type Outcomes = ReadonlyMap<string, string | Error>;

/** Not a way of reading, but of being sure. */
export const WHOLE_FILE = 'the check of the whole file';
const GROUP = 'crash.reader';
/** Nothing here takes longer, unless it waits for what will never come. */
const PATIENCE_MS = 10_000;

const textOf = (message: Message): unknown => ({
  ...message,
  value: message.value && Buffer.from(message.value).toString('base64'),
});

/** Opens the engines on a directory and asks them everything; `thoroughly` also by subscribing, following and in a group. */
export async function everyRead(directory: string, thoroughly: boolean): Promise<Outcomes> {
  const outcomes = new Map<string, string | Error>();
  const ask = async (name: string, question: () => Promise<unknown>): Promise<void> => {
    try {
      outcomes.set(name, JSON.stringify(await question()) ?? 'nothing');
    } catch (error) {
      outcomes.set(name, error as Error);
    }
  };
  try {
    const { bus, store } = await openEmbedded({ directory, retryPauseMs: 1 });
    await askStore(store, ask, thoroughly);
    await askBus(bus, ask, thoroughly);
    await ask(WHOLE_FILE, () => store.checkIntegrity());
    await ask('close', () => Promise.all([bus.close(), store.close()]));
  } catch (error) {
    outcomes.set('open', error as Error);
  }
  return outcomes;
}

type Ask = (name: string, question: () => Promise<unknown>) => Promise<void>;

async function askStore(store: EmbeddedStore, ask: Ask, thoroughly: boolean): Promise<void> {
  await ask('readAll', () => store.readAll({ maxCount: 100_000 }));
  const streams: string[] = [];
  await ask('streams', async () => {
    for await (const { stream } of store.streams('')) streams.push(stream);
    return streams;
  });
  for (const stream of streams) {
    await ask(`head of ${stream}`, () => store.head(stream));
    if (!thoroughly) continue;
    await ask(`read ${stream}`, () => store.read(stream));
    await ask(`read the last of ${stream}`, () => store.read(stream, { backwards: true, maxCount: 2 }));
  }
  if (!thoroughly) return;
  await ask('readAll of records', () => store.readAll({ prefixes: ['careRecord-'], maxCount: 100_000 }));
  await ask('subscribe', () => subscribed(store));
}

/** Everything that a subscription gives until it has caught up, or the first failure that it tells. */
function subscribed(store: EmbeddedStore): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  return withinPatience(async (resolve, reject) => {
    const subscription = await store.subscribe({
      prefixes: [''],
      onEvents: async (some) => void events.push(...some),
      onCaughtUp: () => resolve(events),
      onFailure: reject,
    });
    return () => subscription.stop();
  });
}

async function askBus(bus: EmbeddedBus, ask: Ask, thoroughly: boolean): Promise<void> {
  const topics: { topic: string; partitions: number }[] = [];
  await ask('topics', async () => {
    topics.push(...(await bus.topics()));
    return topics;
  });
  for (const { topic, partitions } of topics) {
    await ask(`offsets of ${topic}`, () => bus.offsets(topic));
    for (const group of ['weft.record-projector', 'weft.opt-out-projector']) {
      await ask(`${group} on ${topic}`, () => bus.committed(group, topic));
    }
    for (let partition = 0; partition < partitions; partition += 1) {
      await ask(`read ${topic}/${partition}`, async () => (await bus.read(topic, partition, 0, 100_000)).map(textOf));
    }
    if (!thoroughly) continue;
    await ask(`times of ${topic}`, () => bus.offsetsAt(topic, 1));
    await ask(`follow ${topic}`, () => followed(bus, topic));
    await ask(`consume ${topic}`, () => consumed(bus, topic));
  }
}

/** In the order of their places, as partitions come side by side. */
const inOrder = (messages: readonly Message[]): unknown[] =>
  messages.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset).map(textOf);

async function followed(bus: EmbeddedBus, topic: string): Promise<unknown> {
  const wanted = await expectedEnds(bus, topic);
  const messages: Message[] = [];
  return withinPatience(async (resolve, reject) => {
    if (wanted.size === 0) resolve([]);
    const subscription = await bus.follow({
      topic,
      from: 'beginning',
      onMessages: async (some) => {
        messages.push(...some);
        const last = some.at(-1);
        if (last !== undefined && wanted.get(last.partition) === last.offset) wanted.delete(last.partition);
        if (wanted.size === 0) resolve(inOrder(messages));
      },
      onFailure: reject,
    });
    return () => subscription.stop();
  });
}

async function consumed(bus: EmbeddedBus, topic: string): Promise<unknown> {
  const wanted = await expectedEnds(bus, topic);
  const messages: Message[] = [];
  return withinPatience(async (resolve, reject) => {
    if (wanted.size === 0) resolve([]);
    const consumer = await bus.consume({
      group: GROUP,
      topics: [topic],
      onBatch: async (batch) => {
        messages.push(...batch.messages);
        const last = batch.messages.at(-1);
        if (last !== undefined && wanted.get(last.partition) === last.offset) wanted.delete(last.partition);
        if (wanted.size === 0) resolve(inOrder(messages));
      },
      onFailure: reject,
    });
    return () => consumer.stop();
  });
}

/** The last message of each partition that has any. */
async function expectedEnds(bus: EmbeddedBus, topic: string): Promise<Map<number, number>> {
  const ends = new Map<number, number>();
  for (const { partition } of await bus.offsets(topic)) {
    const last = (await bus.read(topic, partition, 0, 100_000)).at(-1);
    if (last !== undefined) ends.set(partition, last.offset);
  }
  return ends;
}

/** Starts something, waits for its first word, and stops it again. */
async function withinPatience<T>(
  start: (resolve: (value: T) => void, reject: (error: unknown) => void) => Promise<() => Promise<void>>,
): Promise<T> {
  let stop: (() => Promise<void>) | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`nothing came within ${PATIENCE_MS} ms`)), PATIENCE_MS);
      start(resolve, reject).then((started) => (stop = started), reject);
    });
  } finally {
    clearTimeout(timer);
    await stop?.();
  }
}
