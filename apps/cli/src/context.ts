import { openService, openWiring, type Role, type Environment, loadSettings, type Service, type Settings } from '@weft/service';
import type { RegionSecret, Wiring } from '@weft/processing';
import type { Command } from 'commander';
import { Client } from './client.js';
import { EXIT, type ExitCode, Failure } from './failure.js';
import type { Terminal } from './terminal.js';
import { tellIfElsewhere, tellIfNotHere } from './two-regions.js';

/** What every command is given. */
export interface Context {
  readonly terminal: Terminal;
  readonly env: Environment;
  readonly stdin: NodeJS.ReadableStream;
  /** Engines that no settings name, each time opened anew; absent: the settings'. */
  readonly engines?: () => Promise<Pick<Service, 'bus' | 'store'>>;
  /** What the command ends with; set where there is a finding. */
  exitCode: ExitCode;
}

interface GlobalOptions {
  readonly json?: boolean;
  readonly dataDir?: string;
  readonly url?: string;
}

/** The settings as the environment and the command line give them. Says to the terminal whether a machine is listening. */
export function settingsOf(context: Context, command: Command, overrides: Environment = {}): Settings {
  const { json, dataDir, url } = command.optsWithGlobals<GlobalOptions>();
  context.terminal.json = json === true;
  return loadSettings(context.env, { WEFT_DATA_DIR: dataDir, WEFT_URL: url, ...overrides });
}

export function clientOf(
  context: Context,
  settings: Settings,
  roles: readonly Role[],
  more: Pick<ConstructorParameters<typeof Client>[1], 'organisation' | 'subject' | 'purposes' | 'expiresIn' | 'signal'> = {},
): Client {
  const givenToken = context.env['WEFT_TOKEN']?.trim() || undefined;
  const onRegion = (region: string): Promise<void> => tellIfNotHere(context.terminal, settings, region);
  return new Client(settings, { roles, givenToken, onRegion, ...more });
}

/** The option of every command that a second person answers for. */
export const SUBJECT = ['--subject <who>', 'who you are: the token issued for this command names you so'] as const;

/** For governance, as somebody of a name. A token says who it stands for: another name beside it would not be heard. */
export function clientAs(context: Context, settings: Settings, subject: string | undefined): Client {
  if (subject !== undefined && context.env['WEFT_TOKEN'] !== undefined) {
    throw new Failure(EXIT.usage, 'WEFT_TOKEN says who you are', 'leave --subject out');
  }
  return clientOf(context, settings, ['governance'], { subject });
}

/** The organisation that a command speaks for, unless it is told or was given a token: the region's first. */
export const ownOrganisation = ({ organisations }: Pick<Settings, 'organisations'>): string | undefined => organisations[0]?.ods;

/**
 * Opens the engines in this process for as long as the work lasts: for what is done on them directly, whether Weft is up or
 * not. Throws NoRegion where there is none.
 * @param changing the secret that is not held against the region's.
 */
export async function withEngines<T>(
  { terminal, engines }: Pick<Context, 'terminal' | 'engines'>,
  settings: Settings,
  work: (service: Service) => Promise<T>,
  changing?: RegionSecret,
): Promise<T> {
  const service = await openService(settings, await engines?.(), changing);
  try {
    await tellIfElsewhere(terminal, settings, service.region.id);
    return await work(service);
  } finally {
    await service.close();
  }
}

/** The same, for what processes events. */
export function withWiring<T>(
  context: Pick<Context, 'terminal' | 'engines'>,
  settings: Settings,
  work: (wiring: Wiring, service: Service) => Promise<T>,
): Promise<T> {
  return withEngines(context, settings, async (service) => work(openWiring(service), service));
}

/** npm hands a Ctrl-C on to a process that has had it from the terminal already: two so close together are one. */
const ONE_KEYSTROKE_MS = 1_000;

/** Aborts at the first Ctrl-C or SIGTERM, so that work can end at a good place; a second one ends it anywhere. */
export function interruption(): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  let first = 0;
  const interrupt = (): void => {
    if (first > 0 && Date.now() - first > ONE_KEYSTROKE_MS) process.exit(EXIT.interrupted);
    first ||= Date.now();
    controller.abort();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  return { signal: controller.signal, release: () => void process.off('SIGINT', interrupt).off('SIGTERM', interrupt) };
}
