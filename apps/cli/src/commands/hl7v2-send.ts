import type { Settings } from '@weft/service';
import { Command } from 'commander';
import { type Context, settingsOf } from '../context.js';
import { EXIT, Failure } from '../failure.js';
import { HL7_FILES, messagesOf } from '../hl7v2-files.js';
import { type Address, asksForAnswer, Engine } from '../mllp-engine.js';

interface Options {
  readonly listener?: string;
}

export function sendCommand(context: Context): Command {
  return new Command('send')
    .summary('send messages to a listener, as an engine does')
    .description(
      'Sends the messages of files over MLLP, each once the one before is acknowledged, to a listener of this machine that is in the settings. Sent again they are the same messages.',
    )
    .argument(...HL7_FILES)
    .option('--listener <name>', 'which (WEFT_HL7V2_LISTENERS); default the only one')
    .addHelpText(
      'after',
      `
Exit code 1 when a message is refused, or not acknowledged.

Examples:
  $ weft hl7v2 send admission.hl7 result.hl7
  $ weft hl7v2 send monday.hl7 --listener lab --json`,
    )
    .action(async (files: readonly string[], { listener }: Options, command: Command) => {
      const { terminal } = context;
      const address = addressOf(settingsOf(context, command), listener);
      const batches = await Promise.all(files.map(async (file) => ({ file, messages: await messagesOf(file) })));
      const engine = await Engine.at(address);
      try {
        for (const { file, messages } of batches) {
          for (const [index, message] of messages.entries()) {
            const isAsked = asksForAnswer(message);
            const { code, text } = await engine.send(message, isAsked);
            const isTaken = code === null ? !isAsked : /^[AC]A$/.test(code);
            if (!isTaken) context.exitCode = EXIT.finding;
            if (terminal.json) terminal.printJson({ file, message: index + 1, code, text });
            else {
              const sign = isTaken ? terminal.paint('green', '✓') : terminal.paint('red', '✗');
              terminal.print(`${sign} ${file}:${index + 1} ${code ?? (isAsked ? 'no answer' : 'none asked for')} ${text ?? ''}`);
            }
          }
        }
      } finally {
        engine.close();
      }
    });
}

function addressOf({ hl7v2Listeners }: Settings, name: string | undefined): Address {
  const found =
    name === undefined && hl7v2Listeners.length === 1 ? hl7v2Listeners : hl7v2Listeners.filter((one) => one.name === name);
  const [listener] = found;
  if (listener === undefined) {
    const names = hl7v2Listeners.map((one) => one.name).join(', ');
    throw new Failure(
      EXIT.usage,
      'it is not known to which listener',
      names === '' ? 'WEFT_HL7V2_LISTENERS names them' : `say it with --listener: ${names}`,
    );
  }
  if (listener.tls !== undefined)
    throw new Failure(EXIT.usage, `${listener.name} wants a certificate`, 'an engine that has one sends to it');
  return listener;
}
