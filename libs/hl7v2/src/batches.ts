import { bytesAsText, isMarked } from './bytes.js';
import { type Group, groupsOf, readHeader, type Segment } from './message.js';

export interface FrameContent {
  /** Of each message its bytes as they came; of a frame that is one message, all of them. None: it is no HL7 v2. */
  readonly messages: readonly Uint8Array[];
  /** Whether a batch's trailer counts other messages than came. */
  readonly isMiscounted: boolean;
}

/** The messages of a frame: one, several in a batch, or several without one. */
export function messagesIn(bytes: Uint8Array): FrameContent {
  const text = textOf(bytes);
  const groups = groupsOf(text);
  const isHl7 = ['MSH', 'FHS', 'BHS'].includes(groups[0]?.name ?? '');
  if (!isHl7) return { messages: [], isMiscounted: false };
  if (groups.length === 1 && groups[0]!.name === 'MSH') return { messages: [bytes], isMiscounted: false };
  const starts = groups.map(({ lines }) => lines[0]!.start);
  const messages = groups.flatMap(({ name }, index) => (name === 'MSH' ? [bytes.slice(starts[index], starts[index + 1])] : []));
  return { messages, isMiscounted: isMiscounted(text, groups) };
}

/** BTS-1 counts the messages since BHS. Empty, it counts nothing. */
function isMiscounted(text: string, groups: readonly Group[]): boolean {
  let count = 0;
  return groups.some(({ name, lines }) => {
    if (name === 'BHS') count = 0;
    if (name === 'MSH') count += 1;
    const said = /^BTS.\s*(\d+)/.exec(text.slice(lines[0]!.start, lines[0]!.end))?.[1];
    return said !== undefined && Number(said) !== count;
  });
}

const HEAD_BYTES = 4096;

/** MSH of the first message of these bytes, each byte one character; null where there is none. */
export const headerIn = (bytes: Uint8Array): Segment | null => readHeader(textOf(bytes.subarray(0, HEAD_BYTES)));

/** A byte order mark is no part of a segment. */
const textOf = (bytes: Uint8Array): string => (isMarked(bytes) ? `\r\r\r${bytesAsText(bytes.subarray(3))}` : bytesAsText(bytes));
