import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { bytesAsText, Framer, readMessages, textAsBytes } from '@weft/hl7v2';

/** An integration engine's end of a connection. */
export class Engine {
  private readonly framer = new Framer(1024 * 1024);
  private readonly texts: string[] = [];
  readonly ended: Promise<unknown>;

  constructor(readonly socket: Duplex) {
    socket.on('data', (chunk: Buffer) => {
      for (const event of this.framer.push(chunk)) if (event.kind === 'frame') this.texts.push(bytesAsText(event.bytes));
    });
    socket.on('end', () => socket.end());
    socket.on('error', () => undefined);
    this.ended = new Promise((resolve) => socket.once('close', resolve));
  }

  /** Bytes, or a text whose characters are bytes. */
  send(bytes: string | Uint8Array): void {
    this.socket.write(typeof bytes === 'string' ? textAsBytes(bytes) : bytes);
  }

  sendFrame(message: string | Uint8Array): void {
    const bytes = typeof message === 'string' ? textAsBytes(message) : message;
    this.send(Uint8Array.from([0x0b, ...bytes, 0x1c, 0x0d]));
  }

  /** So many acknowledgements, in the order in which they came, as `<MSA-1>:<MSA-2>`. */
  async acknowledgements(count: number): Promise<string[]> {
    while (this.texts.length < count) await once(this.socket, 'data');
    return this.texts.map((text) => {
      const msa = readMessages(text)[0]!.first('MSA')!;
      return `${msa.field(1).value}:${msa.field(2).value}`;
    });
  }

  /** The texts of the acknowledgements that have come. */
  get answers(): readonly string[] {
    return this.texts;
  }
}

/** A message of a person who does not exist. */
export const admission = (
  controlId: string,
  more: Partial<Record<'facility' | 'processingId' | 'version' | 'text', string>> = {},
): string =>
  [
    `MSH|^~\\&|PAS|${more.facility ?? 'RX901'}|WEFT|RX9|20240610100000||ADT^A31^ADT_A05|${controlId}|${more.processingId ?? 'P'}|${more.version ?? '2.4'}`,
    'EVN|A31|20240610100000',
    `PID|1||M1^^^RX901^MR~9990000018^^^NHS^NH||LARCH^ROWAN${more.text ?? ''}||19800102|1`,
    '',
  ].join('\r');
