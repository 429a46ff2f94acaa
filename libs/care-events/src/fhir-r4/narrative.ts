const ELEMENTS = new Set(
  (
    'p br div h1 h2 h3 h4 h5 h6 a span b em i u s strike strong small big tt font center dfn q var abbr acronym cite blockquote hr ' +
    'address bdo kbd sub sup ul ol li dl dt dd pre table caption colgroup col thead tr tfoot tbody th td code samp img map area'
  ).split(' '),
);

const ATTRIBUTES = new Set(
  (
    'abbr accesskey align alt axis bgcolor border cellpadding cellspacing char charoff charset cite class clear color colspan compact ' +
    'coords dir face frame headers height href hreflang hspace id ismap lang longdesc name nohref noshade nowrap rel rev rowspan rules ' +
    'scope shape size span src start style summary tabindex title type usemap valign value vspace width xml:lang xml:space xmlns'
  ).split(' '),
);

const TAG = /<(\/?)([A-Za-z][A-Za-z0-9]*)/y;
const ATTRIBUTE = /\s+([A-Za-z_][A-Za-z0-9_.:-]*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y;
const TAG_END = /\s*(\/?)>/y;
const TEXT = /[^<]+/y;
/** An ampersand that begins nothing of XML's own. */
const BARE_AMPERSAND = /&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9A-Fa-f]{1,6});)/;

const ACTIVE = 'must not carry active content (txt-1)';
const NOT_XHTML = 'must be one div of well-formed XHTML (txt-1)';
const ELEMENT = 'must have no elements but those of formatted text (txt-1)';
const ATTRIBUTE_UNKNOWN = 'must have no attributes but those of formatted text (txt-1)';
const ENTITY = 'must have no entities but those of XML (txt-1)';
const BLANK = 'must not be blank (txt-2)';

const ACTIVE_ELEMENTS = new Set([
  'script',
  'iframe',
  'object',
  'embed',
  'form',
  'base',
  'link',
  'meta',
  'svg',
  'applet',
  'frame',
]);

/**
 * What keeps a narrative from being XHTML as FHIR has it: formatted text, images and links, and nothing that a console would
 * run. Reads it once, from its beginning to its end.
 */
export function narrativeProblem(text: string): string | null {
  const open: string[] = [];
  const seen = { hasContent: false, hasEnded: false };
  for (let at = 0; at < text.length;) {
    const step = text[at] === '<' ? readMarkup(text, at, open, seen) : readText(text, at, open, seen);
    if (typeof step === 'string') return step;
    at = step;
  }
  if (open.length > 0 || !seen.hasEnded) return NOT_XHTML;
  return seen.hasContent ? null : BLANK;
}

interface Seen {
  hasContent: boolean;
  hasEnded: boolean;
}

/** Where what stands at `at` ends, or what is wrong with it. */
function readText(text: string, at: number, open: readonly string[], seen: Seen): number | string {
  const found = matchAt(TEXT, text, at)![0];
  const isBlank = found.trim() === '';
  if (open.length === 0 && !isBlank) return NOT_XHTML;
  if (!isBlank) seen.hasContent = true;
  return BARE_AMPERSAND.test(found) ? ENTITY : at + found.length;
}

function readMarkup(text: string, at: number, open: string[], seen: Seen): number | string {
  if (text.startsWith('<!--', at)) {
    const end = text.indexOf('--', at + 4);
    return end !== -1 && text[end + 2] === '>' ? end + 3 : NOT_XHTML;
  }
  const tag = matchAt(TAG, text, at);
  if (tag === null) return NOT_XHTML;
  const [begun, isClosing, name] = tag as unknown as [string, string, string];
  if (ACTIVE_ELEMENTS.has(name.toLowerCase())) return ACTIVE;
  if (!ELEMENTS.has(name)) return ELEMENT;
  if (open.length === 0 && (isClosing !== '' || name !== 'div' || seen.hasEnded)) return NOT_XHTML;
  const attributes = isClosing === '' ? readAttributes(text, at + begun.length) : at + begun.length;
  if (typeof attributes === 'string') return attributes;
  const end = matchAt(TAG_END, text, attributes);
  if (end === null || (isClosing !== '' && end[1] !== '')) return NOT_XHTML;
  if (name === 'img') seen.hasContent = true;
  if (isClosing !== '' && open.pop() !== name) return NOT_XHTML;
  if (isClosing === '' && end[1] === '') open.push(name);
  if (open.length === 0) seen.hasEnded = true;
  return attributes + end[0].length;
}

function readAttributes(text: string, from: number): number | string {
  const names = new Set<string>();
  let at = from;
  for (let found = matchAt(ATTRIBUTE, text, at); found !== null; found = matchAt(ATTRIBUTE, text, at)) {
    const [whole, name, double, single] = found as unknown as [string, string, string?, string?];
    const value = double ?? single ?? '';
    if (/^on/i.test(name) || isScript(value)) return ACTIVE;
    if (!ATTRIBUTES.has(name) || names.has(name)) return ATTRIBUTE_UNKNOWN;
    if (BARE_AMPERSAND.test(value)) return ENTITY;
    names.add(name);
    at += whole.length;
  }
  return at;
}

/** However it is written: browsers read entities and pass over white space. */
function isScript(value: string): boolean {
  if (!/script|&|data/i.test(value)) return false;
  const plain = value
    .replace(/&#x([0-9A-Fa-f]{1,6});/g, (_, hex: string) => character(parseInt(hex, 16)))
    .replace(/&#(\d{1,7});/g, (_, digits: string) => character(Number(digits)))
    .replace(/[^!-\u{10ffff}]+/gu, '');
  return /^(?:javascript|vbscript|data:text)/i.test(plain);
}

const character = (code: number): string => (code <= 0x10ffff ? String.fromCodePoint(code) : '');

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
