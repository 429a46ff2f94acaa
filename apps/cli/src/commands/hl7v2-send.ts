import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { bytesAsText, Framer, headerIn, readMessages } from '@weft/hl7v2';
import type { Settings } from '@weft/service';
import { Command } from 'commander';
import { type Context, settingsOf } from '../context.js';
import { EXIT, Failure, failureAt } from '../failure.js';
import { HL7_FILES, messagesOf } from '../hl7v2-files.js';

interface Options {
  readonly listener?: string;
}

interface Answer {
  /** MSA-1; null where none came, or none was asked for. */
  readonly code: string | null;
  /** MSA-3. */
  readonly text: string | null;
}

/** A listener answers within ten seconds, if only that the message is to be sent again. */
const PATIENCE_MS = 15_000;
const ANSWER_BYTES_MAX = 65_536;
const [VT, FS, CR] = [0x0b, 0x1c, 0x0d];
const NO_ANSWER: Answer = { code: null, text: null };

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

type Address = Pick<Settings['hl7v2Listeners'][number], 'name' | 'host' | 'port'>;

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
  const host = ['0.0.0.0', '::'].includes(listener.host) ? '127.0.0.1' : listener.host;
  return { name: listener.name, host, port: listener.port };
}

/** In enhanced mode MSH-15 and MSH-16 may say never. */
function asksForAnswer(message: Uint8Array): boolean {
  const header = headerIn(message);
  return header?.field(15).value?.trim() !== 'NE' || header.field(16).value?.trim() !== 'NE';
}

class Engine {
  private readonly framer = new Framer(ANSWER_BYTES_MAX);
  private answered: (answer: Answer) => void = () => undefined;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      for (const event of this.framer.push(chunk)) if (event.kind === 'frame') this.answered(answerIn(event.bytes));
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.answered(NO_ANSWER));
  }

  static async at({ name, host, port }: Address): Promise<Engine> {
    const socket = connect(port, host);
    try {
      await once(socket, 'connect');
    } catch (error) {
      const failure = failureAt(error, `${host}:${port}`);
      throw new Failure(EXIT.unreachable, failure.message, `is Weft up with the listener ${name}?`, { cause: error });
    }
    return new Engine(socket);
  }

  /** Resolves once it is answered, where it is to be. */
  async send(message: Uint8Array, isAsked: boolean): Promise<Answer> {
    if (this.socket.closed) return NO_ANSWER;
    const answer = new Promise<Answer>((resolve) => (this.answered = resolve));
    this.socket.write(Buffer.from([VT!, ...message, FS!, CR!]));
    if (!isAsked) return NO_ANSWER;
    const late = setTimeout(() => this.answered(NO_ANSWER), PATIENCE_MS);
    return answer.finally(() => clearTimeout(late));
  }

  close(): void {
    this.socket.end();
  }
}

function answerIn(bytes: Uint8Array): Answer {
  const msa = readMessages(bytesAsText(bytes))[0]?.first('MSA');
  return { code: msa?.field(1).value ?? null, text: msa?.field(3).value ?? null };
}
