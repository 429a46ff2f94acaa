import { randomInt } from 'node:crypto';
import type { Writable } from 'node:stream';
import { jsonWithDigits, plainText } from '@weft/domain';
import cliProgress from 'cli-progress';
import { shownInLine } from './shown.js';
import { table, wrapped } from './table.js';

type Stream = Writable & { readonly isTTY?: boolean; readonly columns?: number };
type Environment = Readonly<Record<string, string | undefined>>;

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
type Colour = keyof typeof CODES;

/** What colours of ours carry on their way, which no data can know: with it they are told from colours that stand in data. */
const OURS = `0${randomInt(1e9, 1e12)}`;
const PAINT = new RegExp(`(\x1b\\[\\d+;${OURS}m)`);

/** As a terminal is given it: colours of ours, and of anything else only what it can be seen by. */
function presented(text: string, show = plainText): string {
  return text
    .split(PAINT)
    .map((part, index) => (index % 2 === 1 ? part : show(part)))
    .join('');
}

const painted = (text: string, show = plainText): string => presented(text, show).replaceAll(`;${OURS}m`, 'm');

/** How far long work is. Nothing but a person at a terminal sees it. */
export interface Progress {
  /** `note` stands behind the bar. */
  update(done: number, note?: string): void;
  total(total: number): void;
  stop(): void;
}

/**
 * Where a command speaks: results on standard output, everything else on standard error, so that a result can be piped.
 * Colour only where a person looks on, and never against NO_COLOR (https://no-color.org).
 */
export class Terminal {
  /** Set once the command line is read. */
  json = false;
  private bar: cliProgress.SingleBar | undefined;

  constructor(
    readonly out: Stream,
    readonly err: Stream,
    private readonly env: Environment,
  ) {}

  get width(): number {
    return Math.max(40, this.out.columns ?? 80);
  }

  /** A line of the result, and no more than one: a line end in data would begin another that looks like ours. */
  print(line = ''): void {
    this.aside(() => this.out.write(`${painted(line, shownInLine)}\n`));
  }

  /** What has lines of its own. */
  text(whole: string): void {
    this.aside(() => this.out.write(`${painted(whole)}\n`));
  }

  /** A line of the result, and resolves once it is out: what is remembered of it never runs ahead. */
  printed(line: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.out.write(`${painted(line, shownInLine)}\n`, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Text of the result, broken between words, every line indented. */
  paragraph(text: string, indent = 0): void {
    for (const line of wrapped(text, this.width - indent)) this.print(' '.repeat(indent) + line);
  }

  table(head: readonly string[], rows: readonly (readonly string[])[], indent = 0): void {
    const cells = rows.map((row) => row.map((cell) => presented(cell, shownInLine)));
    for (const line of table(head, cells, this.width - indent, (title) => this.paint('dim', title)))
      this.print(' '.repeat(indent) + line);
  }

  /** A machine's answer: one JSON text a line. */
  printJson(value: unknown): void {
    this.out.write(`${plainText(jsonWithDigits(value))}\n`);
  }

  /** What is no result: a person reads it, a pipe does not. */
  note(line = ''): void {
    this.aside(() => this.err.write(`${painted(line)}\n`));
  }

  paint(colour: Colour, text: string): string {
    return this.hasColour ? `\x1b[${CODES[colour]};${OURS}m${text}\x1b[0;${OURS}m` : text;
  }

  /** A bar on standard error, where that is a terminal and nobody asked for JSON. */
  progress(what: string, total: number, options: { readonly unit?: 'bytes' } = {}): Progress {
    if (this.json || this.err.isTTY !== true) return { update: () => {}, total: () => {}, stop: () => {} };
    const shown = (value: number): string => (options.unit === 'bytes' ? bytes(value) : number(value));
    const bar = new cliProgress.SingleBar({
      stream: this.err as NodeJS.WriteStream,
      hideCursor: true,
      clearOnComplete: true,
      fps: 10,
      barsize: 24,
      format: (_, { value, total: most, progress }, payload: { note: string }) => {
        const known = most > 0 ? `${cells(progress)} ${shown(value)} of ${shown(most)}` : shown(value);
        return shownInLine(`${what} ${known}${payload.note === '' ? '' : `  ${payload.note}`}`).slice(
          0,
          (this.err.columns ?? 80) - 1,
        );
      },
    });
    bar.start(total, 0, { note: '' });
    this.bar = bar;
    return {
      update: (done, note) => bar.update(done, note === undefined ? {} : { note }),
      total: (most) => bar.setTotal(most),
      stop: () => {
        bar.stop();
        this.bar = undefined;
      },
    };
  }

  private get hasColour(): boolean {
    return this.out.isTTY === true && !this.env['NO_COLOR'] && this.env['TERM'] !== 'dumb';
  }

  /** A line that is written while a bar stands would be torn by it. */
  private aside(write: () => void): void {
    if (this.bar !== undefined) this.err.write('\r\x1b[K');
    write();
  }
}

function cells(progress: number): string {
  const full = Math.round(Math.min(1, Math.max(0, progress)) * 24);
  return '█'.repeat(full) + '░'.repeat(24 - full);
}

const ENGLISH = new Intl.NumberFormat('en-GB');
export const number = (value: number): string => ENGLISH.format(value);

/** `1 entry`, `2 entries`. */
export const counted = (count: number, one: string, many = `${one}s`): string => `${number(count)} ${count === 1 ? one : many}`;

export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, value)) / 10));
  return `${(value / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
