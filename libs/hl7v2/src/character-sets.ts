import { bytesAsText, withoutMark } from './bytes.js';
import { readHeader, readMessages, type Message } from './message.js';

/** `guessed`: nothing was declared and it is no UTF-8. `contradicted`: the bytes are not what was declared. `unknown`: no such set here. */
export type CharacterSetNote = 'charset-guessed' | 'charset-contradicted' | 'charset-unknown';

interface Decoded {
  readonly text: string;
  /** As TextDecoder calls it. */
  readonly characterSet: string;
  readonly note: CharacterSetNote | null;
}

export interface ReadMessage extends Omit<Decoded, 'text'> {
  readonly message: Message;
}

/** The message of these bytes, in its own character set; null where there is none. */
export function readMessage(bytes: Uint8Array): ReadMessage | null {
  const { text, characterSet, note } = decoded(bytes);
  const message = readMessages(text, (part) => decodedWithin(part, characterSet))[0];
  return message === undefined ? null : { message, characterSet, note };
}

/** Bytes as text by MSH-18 of their first message, and by what they are where it says nothing or something else. */
function decoded(sent: Uint8Array): Decoded {
  const bytes = withoutMark(sent);
  const declared = declaredIn(bytes);
  const utf8 = asUtf8(bytes);
  if (declared === null) return orWestern(utf8, bytes, 'charset-guessed');
  if (declared === 'utf-8') return orWestern(utf8, bytes, 'charset-contradicted');
  if (declared === 'unknown') return { ...orWestern(utf8, bytes, null), note: 'charset-unknown' };
  // Text of any other set is hardly ever well-formed UTF-8 by chance.
  if (utf8 !== null && bytes.some((byte) => byte > 0x7f)) {
    return { text: utf8, characterSet: 'utf-8', note: 'charset-contradicted' };
  }
  return { text: decodedWithin(bytes, declared), characterSet: declared, note: null };
}

const orWestern = (utf8: string | null, bytes: Uint8Array, note: CharacterSetNote | null): Decoded =>
  utf8 === null
    ? { text: decodedWithin(bytes, 'windows-1252'), characterSet: 'windows-1252', note }
    : { text: utf8, characterSet: 'utf-8', note: null };

/** Null where nothing is declared; ASCII declares nothing, since who sends more than ASCII under it has set nothing. */
function declaredIn(bytes: Uint8Array): string | null {
  const header = readHeader(bytesAsText(bytes.subarray(0, HEADER_BYTES)));
  const name = header?.field(18).value?.trim().toUpperCase() ?? '';
  if (name === '' || name === 'ASCII') return null;
  if (/^(UNICODE( UTF-?8)?|UTF-?8)$/.test(name)) return 'utf-8';
  const part = /^(?:ISO[ -]?)?8859[/-](\d{1,2})$/.exec(name)?.[1];
  return part === undefined || part === '12' || Number(part) < 1 || Number(part) > 15 ? 'unknown' : `iso-8859-${Number(part)}`;
}

/** The header is looked for in its first part: a document of megabytes behind it says nothing of it. */
const HEADER_BYTES = 4096;

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function asUtf8(bytes: Uint8Array): string | null {
  try {
    return UTF_8.decode(bytes);
  } catch {
    return null;
  }
}

function decodedWithin(bytes: Uint8Array, characterSet: string): string {
  if (characterSet === 'utf-8') return asUtf8(bytes) ?? decodedWithin(bytes, 'windows-1252');
  if (characterSet !== 'windows-1252' && characterSet !== 'iso-8859-1') return new TextDecoder(characterSet).decode(bytes);
  return bytesAsText(bytes).replace(/[\x80-\x9f]/g, (control) => WESTERN[control.charCodeAt(0) - 0x80]!);
}

/** Windows-1252 from 0x80 to 0x9F, which is sent as 8859/1 too. Node's own decoder leaves control characters there. */
const WESTERN = [...'€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ'];
