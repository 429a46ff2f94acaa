/** What a terminal would obey, what XML cannot hold, or by which text would read otherwise than it stands: controls but line ends and tabs, and marks of direction. */
const OBEYED = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Text as a person may be shown it, in a terminal or a document: what would be obeyed is written out, as JSON writes it. */
export function plainText(text: string): string {
  return text.replace(OBEYED, (character) => (character === '\n' || character === '\t' ? character : escaped(character)));
}

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
