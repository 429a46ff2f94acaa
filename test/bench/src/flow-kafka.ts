import { join } from 'node:path';
import { NoBroker, startBroker } from '../../../infra/kafka/broker.mjs';
import { emptied } from './data-sets.js';
import { number } from './report.js';
import { row } from './row.js';
import { inProcess, interleaved, valuesOf, type Rounds } from './rounds.js';
import { atLeast, under, type Context, type Row, type Work } from './work.js';

const WORKER = new URL('./flow-kafka.worker.js', import.meta.url);
const RATE = 500;
const PLAIN = 'plain kafkajs, produced and consumed';
const RUN = [
  { candidate: 'apart', how: 'a process each' },
  { candidate: 'together', how: 'in one process' },
] as const;

async function run(given: Context): Promise<Row[]> {
  const broker = await startBroker().catch((error: unknown) => {
    if (!(error instanceof NoBroker)) throw error;
    given.note(`flow is left out: ${error.message}`);
    return undefined;
  });
  if (broker === undefined) return [];
  try {
    return await measured({ ...given, rounds: 1 }, broker.brokers.join());
  } finally {
    await broker.stop();
  }
}

/** One round whatever is asked for: its length is what it shows. */
async function measured(context: Context, brokers: string): Promise<Row[]> {
  const { quick, patients } = context;
  const [seconds, stepSeconds] = quick ? [10, 3] : [300, 10];
  const parameters = { brokers, patients, rate: RATE, stepSeconds };
  const candidate = (name: string, lasts: number) => ({
    name,
    run: () =>
      inProcess(context, WORKER, name, { ...parameters, seconds: lasts, directory: emptied(join(context.directory, 'flow')) }),
  });
  const rounds = await interleaved(context, 'flow', [
    candidate('plain', seconds / 10),
    ...RUN.map(({ candidate: name }) => candidate(name, seconds)),
  ]);
  const sustained = `${number(RATE)} events/s for ${seconds} s, ${number(patients)} patients`;
  const steps = `steps of 25 % for ${stepSeconds} s each, p99 under 1 s`;
  return RUN.flatMap((run) => rowsOf(context, rounds, run, { sustained, steps }));
}

function rowsOf(
  context: Context,
  rounds: Rounds,
  { candidate, how }: (typeof RUN)[number],
  sizes: { readonly sustained: string; readonly steps: string },
): Row[] {
  const asked = { work: 'flow', candidate, peers: [{ name: PLAIN, candidate: 'plain' }] } as const;
  const latency = row(context, rounds, {
    ...asked,
    ...{ row: `${how}: from acknowledged to readable, 99 of 100`, unit: 'ms', better: 'lower', figure: 'p99', limit: null },
    size: sizes.sustained,
  });
  const highest = row(context, rounds, {
    ...asked,
    ...{ row: `${how}: the highest rate that holds`, unit: 'events/s', figure: 'highest', size: sizes.steps },
    limit: { what: `${PLAIN} as fast as it goes`, rounds: valuesOf(rounds, 'plain', 'highest') },
  });
  const only = (figure: string): number => valuesOf(rounds, candidate, figure)[0] ?? NaN;
  const rate = only('rate');
  const aims = [under('p99 ms', 1_000, latency.ours), atLeast('% of the rate asked for', 99, (rate / RATE) * 100)];
  return [
    { ...latency, more: { 'p50 ms': only('p50'), 'events/s': rate, 'batches that came again': only('failures') }, aims },
    highest,
  ];
}

export const flow: Work = {
  name: 'flow',
  title: 'Sustained flow on Apache Kafka',
  about:
    'Events published through the gateway’s code, FHIR validation included, onto a broker of this machine, and taken from there into records and views on the embedded store by the record-projector, in a process of its own as in infra/docker and in the gateway’s as in `weft up`: 500 a second for five minutes, whoever waits, then at the highest rate at which they can still be read within a second; beside it the same bytes through kafkajs alone.',
  run,
};
