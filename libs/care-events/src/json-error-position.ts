const SPACE = new Set([' ', '\n', '\r', '\t']);
const LITERAL = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;

/** What may stand next: a value, a key, the colon behind a key, or the comma or closing bracket behind a value. */
type Awaited = 'value' | 'first-value' | 'key' | 'first-key' | 'colon' | 'next' | 'end';

/**
 * Where a text stops being JSON: the character that could not stand there, or the text's length where it ends too early.
 * Asked only after JSON.parse has refused the text, because the engine's own message quotes what it read and often lacks the
 * place. Without recursion.
 */
export function jsonErrorPosition(text: string): number {
  const open: ('{' | '[')[] = [];
  let awaited = 'value' as Awaited;
  let at = 0;
  const afterValue = (): Awaited => (open.length === 0 ? 'end' : 'next');
  while (at < text.length) {
    const character = text[at]!;
    if (SPACE.has(character)) {
      at += 1;
    } else if (character === '"' && awaited !== 'colon' && awaited !== 'next' && awaited !== 'end') {
      const end = stringEnd(text, at);
      if (!end.closed) return end.at;
      awaited = awaited === 'key' || awaited === 'first-key' ? 'colon' : afterValue();
      at = end.at;
    } else if ((character === '{' || character === '[') && (awaited === 'value' || awaited === 'first-value')) {
      open.push(character);
      awaited = character === '{' ? 'first-key' : 'first-value';
      at += 1;
    } else if (closes(character, open.at(-1), awaited)) {
      open.pop();
      awaited = afterValue();
      at += 1;
    } else if (character === ',' && awaited === 'next') {
      awaited = open.at(-1) === '{' ? 'key' : 'value';
      at += 1;
    } else if (character === ':' && awaited === 'colon') {
      awaited = 'value';
      at += 1;
    } else {
      const end = awaited === 'value' || awaited === 'first-value' ? matchEnd(LITERAL, text, at) : null;
      if (end === null) return couldGoOn(text.slice(at), awaited) ? text.length : at;
      awaited = afterValue();
      at = end;
    }
  }
  return text.length;
}

function closes(character: string, open: '{' | '[' | undefined, awaited: Awaited): boolean {
  if (character === '}') return open === '{' && (awaited === 'first-key' || awaited === 'next');
  return character === ']' && open === '[' && (awaited === 'first-value' || awaited === 'next');
}

function stringEnd(text: string, start: number): { at: number; closed: boolean } {
  let at = start + 1;
  while (at < text.length) {
    const character = text[at]!;
    if (character === '"') return { at: at + 1, closed: true };
    if (character < ' ') return { at, closed: false };
    const end = character === '\\' ? matchEnd(ESCAPE, text, at) : at + 1;
    if (end === null) return { at: text.length - at < 6 ? text.length : at, closed: false };
    at = end;
  }
  return { at, closed: false };
}

function matchEnd(pattern: RegExp, text: string, at: number): number | null {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : null;
}

/** `tru`, `-`: the beginning of a literal that the end of the text cut off. */
function couldGoOn(rest: string, awaited: Awaited): boolean {
  if (awaited !== 'value' && awaited !== 'first-value') return false;
  return rest === '-' || ['true', 'false', 'null'].some((literal) => literal.startsWith(rest));
}
