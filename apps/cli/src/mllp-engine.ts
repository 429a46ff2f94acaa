import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { bytesAsText, Framer, headerIn, readMessages } from '@weft/hl7v2';
import type { Settings } from '@weft/service';
import { EXIT, Failure, failureAt } from './failure.js';

/** A listener in the clear, and where it is reached from this machine. */
export type Address = Pick<Settings['hl7v2Listeners'][number], 'name' | 'host' | 'port'>;

export interface Answer {
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

/** In enhanced mode MSH-15 and MSH-16 may say never. */
export function asksForAnswer(message: Uint8Array): boolean {
  const header = headerIn(message);
  return header?.field(15).value?.trim() !== 'NE' || header.field(16).value?.trim() !== 'NE';
}

/** An engine's end of a connection: it sends one message after another. */
export class Engine {
  private readonly framer = new Framer(ANSWER_BYTES_MAX);
  private answered: (answer: Answer) => void = () => undefined;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      for (const event of this.framer.push(chunk)) if (event.kind === 'frame') this.answered(answerIn(event.bytes));
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.answered(NO_ANSWER));
  }

  static async at({ name, host: listens, port }: Address): Promise<Engine> {
    const host = ['0.0.0.0', '::'].includes(listens) ? '127.0.0.1' : listens;
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
