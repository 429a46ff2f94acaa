const SPACE = new Set([' ', '\n', '\r', '\t']);
const LITERAL = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;
/** A number, or the beginning of one. */
const NUMBER_BEGUN = /-?(?:(?:0|[1-9]\d*)(?:\.(?:\d+(?:[eE][+-]?\d*)?)?|[eE][+-]?\d*)?)?/y;
/** An escape in a string, or the beginning of one. */
const ESCAPE_BEGUN = /\\(?:["\\/bfnrt]|u[\da-fA-F]{0,4})?/y;
const ESCAPE = /^\\(?:["\\/bfnrt]|u[\da-fA-F]{4})$/;

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
      if (awaited !== 'value' && awaited !== 'first-value') return at;
      const end = literalEnd(text, at);
      if (!LITERAL.test(text.slice(at, end))) return end;
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
    const end = character === '\\' ? (matchEnd(ESCAPE_BEGUN, text, at) ?? at) : at + 1;
    if (character === '\\' && !ESCAPE.test(text.slice(at, end))) return { at: end, closed: false };
    at = end;
  }
  return { at, closed: false };
}

function matchEnd(pattern: RegExp, text: string, at: number): number | null {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : null;
}

/** How far what stands at `at` is a literal, or the beginning of one. */
function literalEnd(text: string, at: number): number {
  const word = ['true', 'false', 'null'].find((literal) => literal[0] === text[at]);
  if (word === undefined) return matchEnd(NUMBER_BEGUN, text, at) ?? at;
  let length = 1;
  while (length < word.length && text[at + length] === word[length]) length += 1;
  return at + length;
}
