/** Every byte one character, so that places in the text are places in the bytes. In all sets that are read here ASCII is ASCII. */
export const bytesAsText = ({ buffer, byteOffset, length }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, length).toString('latin1');

/** The other way. A character beyond U+00FF is lost. */
export const textAsBytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

/** Without a byte order mark. */
export const withoutMark = (bytes: Uint8Array): Uint8Array => (isMarked(bytes) ? bytes.subarray(3) : bytes);

export const isMarked = (bytes: Uint8Array): boolean => bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
