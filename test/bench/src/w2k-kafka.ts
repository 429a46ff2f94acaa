import { join } from 'node:path';
import { NoBroker, startBroker, type Broker } from '../../../infra/kafka/broker.mjs';
import { emptied } from './data-sets.js';
import { number } from './report.js';
import { row } from './row.js';
import { inProcess, interleaved, valuesOf } from './rounds.js';
import { median } from './statistics.js';
import { atLeast, under, type Aim, type Context, type Row, type Work } from './work.js';

const WEFT = new URL('./w2-ingest.worker.js', import.meta.url);
const PLAIN = new URL('./w2k-kafka.worker.js', import.meta.url);
const PACES = [
  { name: '64 in flight', callers: 64, batch: 1 },
  { name: 'batches of 500', callers: 4, batch: 500 },
] as const;

async function run(context: Context): Promise<Row[]> {
  let broker: Broker;
  try {
    broker = await startBroker();
  } catch (error) {
    if (!(error instanceof NoBroker)) throw error;
    return [skippedRow(error.message)];
  }
  try {
    const rows: Row[] = [];
    for (const pace of PACES) rows.push(await measured(context, broker.brokers.join(), pace));
    return rows;
  } finally {
    await broker.stop();
  }
}

async function measured(context: Context, brokers: string, { name, callers, batch }: (typeof PACES)[number]): Promise<Row> {
  const events = Math.max(batch * 10, Math.min(context.events, context.quick ? 4_000 : 50_000));
  const sizes = { events, patients: Math.min(context.patients, Math.ceil(events / 10)), callers, batch };
  const scratch = (): string => emptied(join(context.directory, 'w2k'));
  const environment = { WEFT_KAFKA_BROKERS: brokers };
  const rounds = await interleaved(context, `W2k ${name}`, [
    { name: 'limit', run: () => inProcess({ ...context, profiles: undefined }, PLAIN, 'plain', { ...sizes, brokers }) },
    {
      name: 'weft',
      run: () => inProcess(context, WEFT, 'weft', { ...sizes, validated: false, directory: scratch(), environment }),
    },
  ]);
  const found = row(context, rounds, {
    ...{ work: 'W2k', row: `on Apache Kafka, ${name}`, unit: 'events/s', candidate: 'weft' },
    size: `${number(events)} events of ${number(sizes.patients)} patients`,
    limit: {
      what: 'plain kafkajs, sends gathered, producing and consuming the same bytes',
      rounds: valuesOf(rounds, 'limit', 'rate'),
    },
  });
  const [p50, p99] = ['p50', 'p99'].map((figure) => median(valuesOf(rounds, 'weft', figure))) as [number, number];
  const aims: Aim[] = [atLeast('% of the limit', 50, found.percentOfLimit ?? 0)];
  if (callers === 64) aims.push(under('p99 ms', 50, p99));
  return { ...found, more: { 'p50 ms': p50, 'p99 ms': p99 }, aims };
}

const skippedRow = (reason: string): Row => ({
  ...{ work: 'W2k', row: 'on Apache Kafka', size: '', rounds: 0, unit: 'events/s', better: 'higher', ours: NaN, limit: null },
  ...{ percentOfLimit: null, more: {}, aims: [], peers: [], skipped: [{ name: 'W2k', reason }] },
});

export const onKafka: Work = {
  name: 'W2k',
  title: 'Ingest on Kafka',
  about:
    'As W2 (b), with the topics on Apache Kafka (the broker of infra/kafka, or the one that WEFT_KAFKA_BROKERS names) and the embedded store. Limit: plain kafkajs that produces the same bytes, gathering what waits into one send, and consumes them.',
  run,
};
