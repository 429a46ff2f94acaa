/** Text without what makes it coloured: what it takes on the screen. */
// eslint-disable-next-line no-control-regex
const plain = (text: string): string => text.replace(/\x1b\[[0-9;]*m/g, '');

const widthOf = (text: string): number => [...plain(text)].length;

const GAP = '  ';
/** A column that wraps is never squeezed below this. */
const NARROWEST = 16;

/**
 * Rows as aligned columns, under titles unless all are empty. A title that begins with > stands, with its column, to the
 * right. Where rows are wider than the screen the widest column gives way and wraps. `title` says how titles look.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
  title: (text: string) => string = (text) => text,
): string[] {
  if (rows.length === 0) return [];
  const right = head.map((one) => one.startsWith('>'));
  const titles = head.map((one) => one.replace(/^>/, ''));
  const all = titles.some((one) => one !== '') ? [titles.map(title), ...rows] : rows;
  const columns = Math.max(...all.map((row) => row.length));
  const natural = Array.from({ length: columns }, (_, column) => Math.max(...all.map((row) => widthOf(row[column] ?? ''))));
  const widths = fitted(natural, width - GAP.length * (columns - 1));
  return all.flatMap((row) => lines(row, widths, right));
}

function fitted(natural: readonly number[], available: number): number[] {
  const widths = [...natural];
  const surplus = widths.reduce((sum, one) => sum + one, 0) - available;
  if (surplus > 0) {
    const widest = widths.indexOf(Math.max(...widths));
    widths[widest] = Math.max(NARROWEST, (widths[widest] as number) - surplus);
  }
  return widths;
}

function lines(row: readonly string[], widths: readonly number[], right: readonly boolean[]): string[] {
  const cells = widths.map((width, column) => wrapped(row[column] ?? '', width));
  const height = Math.max(...cells.map((cell) => cell.length));
  return Array.from({ length: height }, (_, line) =>
    cells
      .map((cell, column) => padded(cell[line] ?? '', widths[column] as number, right[column] === true))
      .join(GAP)
      .trimEnd(),
  );
}

function padded(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return right ? space + text : text + space;
}

/** Broken between words. Coloured text is broken too: its colour is closed at a line's end and opened on the next. */
export function wrapped(text: string, width: number): string[] {
  if (widthOf(text) <= width) return [text];
  // eslint-disable-next-line no-control-regex
  const [, open = '', inside = text, close = ''] = /^(\x1b\[[0-9;]*m)([^\x1b]*)(\x1b\[0[0-9;]*m)$/.exec(text) ?? [];
  const out: string[] = [];
  let line = '';
  for (const word of inside.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > width) {
      out.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
    for (; widthOf(line) > width; line = [...line].slice(width).join('')) out.push([...line].slice(0, width).join(''));
  }
  out.push(line);
  return out.map((one) => open + one + close);
}
