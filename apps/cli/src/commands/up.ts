import { type DirectoryLock, lockDirectory } from '@weft/embedded';
import { GatewayModule } from '@weft/gateway';
import { Hl7GatewayModule } from '@weft/hl7-gateway';
import { Hl7ProjectorModule } from '@weft/hl7-projector';
import { NationalGatewayModule } from '@weft/national-gateway';
import { OptOutProjectorModule } from '@weft/opt-out-projector';
import type { Wiring } from '@weft/processing';
import { RecordApiModule } from '@weft/record-api';
import { RecordProjectorModule } from '@weft/record-projector';
import {
  createHttpApp,
  createRegion,
  listen,
  onceEnginesAnswer,
  openService,
  openWiring,
  prepareRegion,
  type Service,
  type Settings,
  usualListener,
} from '@weft/service';
import { Command } from 'commander';
import { port, whole } from '../arguments.js';
import { type Context, interruption, settingsOf } from '../context.js';
import { checkedPeople } from '../demo/region.js';
import { runDemo } from '../demo/run-demo.js';
import { EXIT, Failure, failureAt, isInUse } from '../failure.js';
import type { Address } from '../mllp-engine.js';
import { tellNextSteps } from '../next-steps.js';
import type { Terminal } from '../terminal.js';

interface Options {
  readonly port?: string;
  readonly host?: string;
  readonly demo?: true | number;
}

const DEMO_PEOPLE = 40;

export function upCommand(context: Context): Command {
  return new Command('up')
    .summary('run everything in one process, on one port')
    .description(
      'Runs the gateway, the projectors and the record API in one process, on one port, and where WEFT_HL7V2_LISTENERS says so the listeners for HL7 v2, where WEFT_NATIONAL does the inbox of national events. Without engines in the settings everything is kept durably in the data directory. Ctrl-C stops it cleanly.',
    )
    .option('--port <port>', 'WEFT_PORT, default 8080; 0 lets the system choose', port)
    .option('--host <address>', 'WEFT_HOST, default 127.0.0.1: nobody from outside')
    .option(
      '--demo [people]',
      `publish a generated region (default ${DEMO_PEOPLE} people who do not exist) and say what to try`,
      whole,
    )
    .addHelpText(
      'after',
      `
Examples:
  $ weft up --demo
  $ weft up --port 9000 --data-dir /var/lib/weft
  $ WEFT_KAFKA_BROKERS=kafka:9092 WEFT_EVENTSTORE_URL=esdb://store:2113 weft up`,
    )
    .action(async (options: Options, command: Command) => {
      const settings = settingsOf(context, command, {
        WEFT_PORT: options.port,
        WEFT_HOST: options.host,
        // Every request in the log would bury what a person at the terminal is told.
        WEFT_LOG_LEVEL: context.env['WEFT_LOG_LEVEL'] ?? 'warn',
      });
      const people = options.demo === undefined ? null : checkedPeople(options.demo === true ? DEMO_PEOPLE : options.demo);
      await up(context.terminal, people === null ? settings : withListener(settings), people);
    });
}

async function up(terminal: Terminal, settings: Settings, people: number | null): Promise<void> {
  const lock = await lockOf(settings);
  const { signal, closed } = stopsCleanly(terminal, lock);
  const waits = (sentence: string): void => terminal.note(terminal.paint('dim', sentence));
  const opened = await onceEnginesAnswer(settings, () => openedRegion(settings), waits, undefined, signal).catch(
    (error: unknown) => {
      closed();
      throw error;
    },
  );
  // Nest closes the service last of all, and then sends itself the signal again.
  const { wiring, here, engine, close } = await start({ ...opened, close: () => opened.close().then(closed) });
  // One that came before Nest listened for it.
  if (signal.aborted) return close();
  try {
    if (terminal.json) terminal.printJson({ address: here.url, dataDirectory: settings.dataDirectory });
    else terminal.print(`${terminal.paint('green', '●')} Weft is ready at ${terminal.paint('bold', here.url)}`);
    const example =
      people === null ? null : await runDemo({ terminal, settings: here, wiring, people, engine: engine(), signal });
    if (!terminal.json && !signal.aborted) tellNextSteps(terminal, here, example);
  } catch (error) {
    // What was under way when the person stopped it has no reason to succeed.
    if (signal.aborted) return;
    await close();
    throw error;
  }
}

/** Resolves once it listens. Leaves nothing open when it throws. */
async function start(service: Service) {
  let close = (): Promise<void> => service.close();
  try {
    service.metrics.watchProcess();
    const wiring = openWiring(service);
    const app = await createHttpApp(service, modulesOf(service, wiring), {
      description: 'One record of each person, as that person allows.',
    });
    close = () => app.close();
    const address = await listen(app, service.settings);
    // Listening everywhere is no address to ask at.
    const url = address.replace(/\/\/(0\.0\.0\.0|\[::\]):/, '//127.0.0.1:');
    // Where the region has others than the settings name, its own are published as.
    const organisations = [...service.organisations.known.values()];
    return { wiring, here: { ...service.settings, organisations, url }, engine: () => engineOf(service.settings, app), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A region of whose organisations none sends HL7 v2 has the acute trust do it, for the demo. */
function withListener(settings: Settings): Settings {
  if (settings.hl7v2Listeners.length > 0) return settings;
  const acute = settings.organisations.find(({ kind }) => kind === 'acute');
  return acute === undefined ? settings : { ...settings, hl7v2Listeners: [usualListener('demo', acute.ods)] };
}

/** Where the demo's engine sends to: a listener of the acute trust in the clear. */
function engineOf({ hl7v2Listeners, organisations }: Settings, app: Pick<NestApp, 'get'>): Address | null {
  const acute = organisations.find(({ kind }) => kind === 'acute')?.ods;
  const listener = hl7v2Listeners.find(
    ({ organisation, tls, facilities, production }) =>
      organisation === acute && tls === undefined && production && facilities?.includes(organisation) !== false,
  );
  const port = listener && app.get(Hl7GatewayModule).portOf(listener.name);
  return listener === undefined || port === undefined ? null : { ...listener, port };
}

type NestApp = Awaited<ReturnType<typeof createHttpApp>>;

const modulesOf = ({ settings }: Service, wiring: Wiring) => [
  GatewayModule.register(wiring),
  ...(settings.hl7v2Listeners.length > 0 ? [Hl7GatewayModule, Hl7ProjectorModule.register(wiring)] : []),
  ...(settings.national === undefined ? [] : [NationalGatewayModule.register(wiring, settings.national)]),
  RecordApiModule.register(wiring),
  RecordProjectorModule.register(wiring),
  OptOutProjectorModule.register(wiring),
];

/** A store elsewhere that is empty may be the wrong one, or one that was lost: only `weft region create` makes a region there. */
async function openedRegion(settings: Settings): Promise<Service> {
  if (settings.eventStoreUrl === undefined) return createRegion(settings);
  const service = await openService(settings);
  await prepareRegion(service);
  return service;
}

/** Two on one directory would share engines well, but not the port, the keys’ owner or the demo. */
async function lockOf({ dataDirectory }: Settings): Promise<DirectoryLock> {
  try {
    return await lockDirectory(dataDirectory, 'up');
  } catch (error) {
    if (!isInUse(error)) throw failureAt(error, dataDirectory);
    const advice = 'stop that one first, or give this one a directory of its own with --data-dir';
    throw new Failure(EXIT.usage, error.message, advice, { cause: error });
  }
}

/** The first signal stops, a later one ends at once; when all is closed the process ends, with exit code 0. */
function stopsCleanly(terminal: Terminal, lock: DirectoryLock): { readonly signal: AbortSignal; closed(): void } {
  const { signal, release } = interruption();
  signal.addEventListener('abort', () => terminal.note(terminal.paint('dim', 'stopping…')), { once: true });
  return {
    signal,
    closed() {
      release();
      lock.release();
      if (!signal.aborted) return;
      terminal.note(terminal.paint('dim', 'stopped; the data stays where it is'));
      process.exit(EXIT.ok);
    },
  };
}
