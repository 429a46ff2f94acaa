import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const part = (name: string): string => readFileSync(new URL(`../console/${name}`, import.meta.url), 'utf8');
const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

const style = part('console.css');
const script = part('console.js');

/** One file that needs no other. Its content policy lets nothing run or style it but its own two parts, by their hashes. */
export const CONSOLE = {
  page: part('console.html')
    .replace('<link rel="stylesheet" href="console.css" />', () => `<style>${style}</style>`)
    .replace('<script type="module" src="console.js"></script>', () => `<script type="module">${script}</script>`),
  policy: [
    "default-src 'none'",
    `style-src ${hashOf(style)}`,
    `script-src ${hashOf(script)}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
} as const;
