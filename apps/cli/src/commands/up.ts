import { lockDirectory } from '@weft/embedded';
import { GatewayModule } from '@weft/gateway';
import { OptOutProjectorModule } from '@weft/opt-out-projector';
import { RecordApiModule } from '@weft/record-api';
import { RecordProjectorModule } from '@weft/record-projector';
import { createHttpApp, listen, openService, openWiring, type Settings } from '@weft/service';
import { Command } from 'commander';
import { port } from '../arguments.js';
import { type Context, settingsOf } from '../context.js';
export function upCommand(context: Context): Command {
  return new Command('up')
    .summary('run everything in one process, on one port')
    .option('--port <port>', 'port', port)
    .option('--host <address>', 'address to listen on')
    .action(async (options: { port?: string; host?: string }, command: Command) => {
      const settings = settingsOf(context, command, {
        WEFT_PORT: options.port,
        WEFT_HOST: options.host,
        WEFT_LOG_LEVEL: context.env['WEFT_LOG_LEVEL'] ?? 'warn',
      });
      await up(context, settings);
    });
}
async function up({ terminal }: Context, settings: Settings): Promise<void> {
  await lockDirectory(settings.dataDirectory, 'up');
  const service = await openService(settings);
  const wiring = await openWiring(service);
  const app = await createHttpApp(
    service,
    [
      GatewayModule.register(wiring),
      RecordApiModule.register(wiring),
      RecordProjectorModule.register(wiring),
      OptOutProjectorModule.register(wiring),
    ],
    { description: 'Weft' },
  );
  const address = await listen(app, settings);
  terminal.print(address);
}
