import { changeRegionSecret, type RegionSecret } from '@weft/processing';
import {
  createRegion,
  fingerprintOf,
  keySecrets,
  NoRegion,
  onceEnginesAnswer,
  openService,
  type Service,
  SETTING_OF,
} from '@weft/service';
import { Argument, Command } from 'commander';
import { type Context, settingsOf, withEngines } from '../context.js';

/** The region's own is never changed: every stream is named under it. */
const CHANGEABLE = ['research', 'integrity'] as const satisfies readonly RegionSecret[];

export function regionCommand(context: Context): Command {
  return new Command('region')
    .summary('which region this is, and the secrets that are its own; make one')
    .description(
      'The store knows which region it holds, and a fingerprint of each secret that the region was made with. Whatever starts with other secrets ends at once (exit code 78): under them nobody’s record, and no decision, would be found.',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ weft region show
  $ weft region create
  $ weft region change-secret research`,
    )
    .addCommand(showCommand(context))
    .addCommand(createCommand(context))
    .addCommand(changeCommand(context));
}

function showCommand(context: Context): Command {
  return new Command('show')
    .summary('its id, and since when it is')
    .description('Shows the id of the region in the store, and when it was made. Reads the engines directly.')
    .addHelpText('after', '\nExamples:\n  $ weft region show\n  $ weft region show --json | jq -r .id')
    .action(async (_: unknown, command: Command) => {
      const { terminal } = context;
      const { id, madeAt } = await withEngines(context, settingsOf(context, command), async ({ region }) => region);
      if (terminal.json) return terminal.printJson({ id, madeAt });
      terminal.print(`region ${terminal.paint('bold', id)}, made ${madeAt}`);
      terminal.print('the secrets in the settings are its own');
    });
}

function createCommand(context: Context): Command {
  return new Command('create')
    .summary('make a region in a store that holds none')
    .description(
      'Makes a region where the settings say: its id, the fingerprints of its secrets, its first organisations and its first policy. Where there is one already nothing is changed. weft up does the same in a data directory; for engines elsewhere this is the one way.',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ WEFT_KAFKA_BROKERS=kafka:9092 WEFT_EVENTSTORE_URL=esdb://store:2113 weft region create`,
    )
    .action(async (_: unknown, command: Command) => {
      const { terminal } = context;
      const settings = settingsOf(context, command);
      const waits = (sentence: string): void => terminal.note(terminal.paint('dim', sentence));
      const found = await onceEnginesAnswer(settings, () => unlessNone(openService(settings)), waits);
      const service = found ?? (await createRegion(settings));
      const { id, madeAt } = service.region;
      await service.close();
      const isNew = found === null;
      if (terminal.json) return terminal.printJson({ id, madeAt, isNew });
      terminal.print(`region ${terminal.paint('bold', id)} ${isNew ? 'is made' : `is there already, made ${madeAt}`}`);
    });
}

async function unlessNone(opening: Promise<Service>): Promise<Service | null> {
  try {
    return await opening;
  } catch (error) {
    if (error instanceof NoRegion) return null;
    throw error;
  }
}

function changeCommand(context: Context): Command {
  return new Command('change-secret')
    .summary('take the secret in the settings for the region’s from now on')
    .description(
      'Says that the research or the integrity secret in the settings is the region’s from now on. Stop every app first, and start them with the new one.',
    )
    .addArgument(new Argument('<secret>', 'the region’s own secret is never changed').choices(CHANGEABLE))
    .addHelpText(
      'after',
      `
research   gives everybody another name in research: weft replay research afterwards.
integrity  makes everything chained before look forged: weft verify before, and keep what it said.

Examples:
  $ WEFT_RESEARCH_SECRET_FILE=/run/secrets/research.new weft region change-secret research`,
    )
    .action(async (secret: (typeof CHANGEABLE)[number], _: unknown, command: Command) => {
      const settings = settingsOf(context, command);
      const changed = await withEngines(
        context,
        settings,
        async (service) => {
          const { region } = service;
          const fingerprint = fingerprintOf(keySecrets(settings)[secret], secret, region.id);
          if (fingerprint === region.fingerprints[secret]) return false;
          await changeRegionSecret(service, region, secret, fingerprint);
          return true;
        },
        secret,
      );
      if (context.terminal.json) return context.terminal.printJson({ secret, changed });
      context.terminal.print(
        changed
          ? `${SETTING_OF[secret]} is the region’s from now on; start every app with it`
          : `${SETTING_OF[secret]} is the region’s already`,
      );
    });
}
