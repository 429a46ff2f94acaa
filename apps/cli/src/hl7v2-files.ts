import { readFile } from 'node:fs/promises';
import { Framer, messagesIn } from '@weft/hl7v2';
import { EXIT, Failure } from './failure.js';
import { failureOfFile } from './given-file.js';

/** The argument of commands that read messages. */
export const HL7_FILES = ['<files...>', 'HL7 v2: a message, several, a batch, or MLLP frames'] as const;

const VT = 0x0b;
const FRAME_BYTES_MAX = 64 * 1024 * 1024;

/** The messages of a file, as they stand in it. Throws Failure where there are none. */
export async function messagesOf(file: string): Promise<readonly Uint8Array[]> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw failureOfFile(error, file);
  });
  const frames = bytes[0] === VT ? framesIn(bytes) : [Uint8Array.from(bytes)];
  const messages = frames.flatMap((frame) => messagesIn(frame).messages);
  if (messages.length === 0) throw new Failure(EXIT.finding, `${file} holds no HL7 v2`, 'a message begins with MSH');
  return messages;
}

function framesIn(bytes: Uint8Array): Uint8Array[] {
  const framer = new Framer(FRAME_BYTES_MAX);
  return [...framer.push(bytes), ...framer.silence()].flatMap((event) => (event.kind === 'frame' ? [event.bytes] : []));
}
