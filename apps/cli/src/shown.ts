/** What a terminal would obey, or by which text would read otherwise than it stands: controls but line ends and tabs, and marks of direction. */
const OBEYED = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Text as it may go to a terminal: what would be obeyed is shown, as JSON writes it. */
export function shown(text: string): string {
  return text.replace(OBEYED, (character) => (character === '\n' || character === '\t' ? character : escaped(character)));
}

/** The same for what stands in one line. */
export const shownInLine = (text: string): string => shown(text).replace(/\n/g, '\\n');

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
