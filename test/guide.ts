import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

/** Commands of a document, and what stands below them as their answer. */
export interface Step {
  readonly line: number;
  /** The heading that they stand under. */
  readonly heading: string;
  readonly command: string;
  readonly answer?: { readonly language: string; readonly text: string };
}

/** Fenced blocks: `sh` is run; `json` or `text` next after one, with nothing but empty lines between, is what it answers. */
export function stepsOf(document: string): Step[] {
  const text = readFileSync(join(ROOT, document), 'utf8');
  const blocks = [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```\n/gm)];
  return blocks.flatMap((block, index) => {
    const [whole, language, command] = block as unknown as [string, string, string];
    if (language !== 'sh') return [];
    const before = text.slice(0, block.index);
    const heading = [...before.matchAll(/^#+ (.*)$/gm)].at(-1)?.[1] ?? '';
    const next = blocks[index + 1];
    const isAnswer = next !== undefined && next[1] !== 'sh' && text.slice(block.index + whole.length, next.index).trim() === '';
    const answer = isAnswer && { answer: { language: next[1]!, text: next[2]! } };
    return [{ line: before.split('\n').length, heading, command, ...answer }];
  });
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** What a document shows, as a matcher: `…` stands for what is different each time. */
export function matching(shown: unknown): unknown {
  if (typeof shown === 'string') {
    if (shown === '…') return expect.anything();
    if (!shown.includes('…')) return shown;
    return expect.stringMatching(new RegExp(`^${shown.split('…').map(escaped).join('.+')}$`));
  }
  if (Array.isArray(shown)) return shown.map(matching);
  if (typeof shown !== 'object' || shown === null) return shown;
  return Object.fromEntries(Object.entries(shown).map(([name, value]) => [name, matching(value)]));
}

/** What a document shows of a text of many lines: `…` in a line stands for the rest of it or a part, alone for any lines or none. */
export function linesMatching(shown: string): RegExp {
  const lines = shown.trimEnd().split('\n');
  const patterns = lines.map((line) => (line === '…' ? '(?:.*\n)*?' : `${line.split('…').map(escaped).join('.*')}\n`));
  return new RegExp(`^${patterns.join('')}$`);
}
