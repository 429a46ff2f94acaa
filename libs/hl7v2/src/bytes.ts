const AT_ONCE = 8192;

/** Every byte one character, so that places in the text are places in the bytes. In all sets that are read here ASCII is ASCII. */
export function bytesAsText(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += AT_ONCE) text += String.fromCharCode(...bytes.subarray(at, at + AT_ONCE));
  return text;
}

/** The other way. A character beyond U+00FF is lost. */
export const textAsBytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0) & 0xff);

/** Without a byte order mark. */
export const withoutMark = (bytes: Uint8Array): Uint8Array => (isMarked(bytes) ? bytes.subarray(3) : bytes);

export const isMarked = (bytes: Uint8Array): boolean => bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
