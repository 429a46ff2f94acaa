import { named, quoted } from './canonical-json.js';

/**
 * FHIR counts a decimal's digits: 5.00 says more than 5. Where JavaScript would write a number otherwise than its sender did, the object
 * that holds it holds the sender's digits too, in a member of its own: `{ "value": 5, "#value": "5.00" }`. So what reads a number finds
 * one, and what copies, stores or compares the object has the digits with it. They leave Weft where they stood.
 */
type Loose = Readonly<Record<string, unknown>>;

const MARK = '#';

/** No element of FHIR has another name. Its bounds keep the search for marks linear. */
const NAME = String.raw`[A-Za-z]\w{0,63}`;
const IS_NAME = new RegExp(`^${NAME}$`);
const MARKED = new RegExp(`"${MARK}${NAME}":`);
/** How a member of a mark's name begins in the text of others, who may escape what they like. */
const IMITATION = /"(?:#|\\u0023)/;

/** What may be a number that JavaScript writes otherwise: no such number is anything else. */
const CANDIDATE = String.raw`[:,[\s](?:-0|[-\d](?:\d*\.\d*0|[\d.]*[eE][+-]?\d+|[\d.]{15,}|\d*\.0{6}\d+))(?=[\s,}\]])`;
const HAS_CANDIDATE = new RegExp(CANDIDATE);
const CANDIDATES = new RegExp(CANDIDATE, 'g');
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

const isWrittenOtherwise = (digits: string): boolean => String(Number(digits)) !== digits;

/** Of a member's name that is a mark, the name of what it marks; else undefined. */
export function markedBy(name: string): string | undefined {
  return name.startsWith(MARK) ? name.slice(1) : undefined;
}

/** Whether a member of JSON text, as others sent it, may have a mark's name. */
export const mayImitateMarks = (text: string): boolean => IMITATION.test(text);

/** JSON text parsed, with the digits that its numbers had. `parsed`: the same without, where that is known. */
export function parseWithDigits(text: string, parsed?: unknown): unknown {
  const marked = markDigits(text);
  return marked === text && parsed !== undefined ? parsed : JSON.parse(marked);
}

/** A value as JSON text, its numbers with the digits that they came with. */
export function jsonWithDigits(value: unknown): string {
  const text = JSON.stringify(value);
  return MARKED.test(text) ? written(value) : text;
}

/** JSON text of ours, in which digits are marked, as it leaves Weft. */
export function withDigits(text: string): string {
  return MARKED.test(text) ? written(JSON.parse(text)) : text;
}

/** A number within an object as its sender wrote it; undefined where there is none. */
export function digitsOf(owner: Loose, name: string): string | undefined {
  const value = owner[name];
  return typeof value === 'number' ? numberText(value, owner[MARK + name]) : undefined;
}

/** Digits of another number say nothing of this one. */
function numberText(value: number, digits: unknown): string {
  return typeof digits === 'string' && NUMBER.test(digits) && Number(digits) === value ? digits : JSON.stringify(value);
}

function written(value: unknown, digits?: unknown): string {
  if (typeof value === 'number') return numberText(value, digits);
  if (typeof value === 'string') return quoted(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  let text = '';
  if (Array.isArray(value)) {
    const marks: readonly unknown[] = Array.isArray(digits) ? digits : [];
    for (const [index, item] of value.entries()) text += (text === '' ? '[' : ',') + written(item, marks[index]);
    return text === '' ? '[]' : `${text}]`;
  }
  const object = value as Loose;
  for (const name of Object.keys(object)) {
    const member = object[name];
    if (member === undefined || isMark(name, member)) continue;
    const mark = typeof member === 'number' || Array.isArray(member) ? object[MARK + name] : undefined;
    text += (text === '' ? '{' : ',') + named(name) + written(member, mark);
  }
  return text === '' ? '{}' : `${text}}`;
}

/** A mark may be left where what it marked is gone. */
const isMark = (name: string, member: unknown): boolean =>
  markedBy(name) !== undefined && (typeof member === 'string' || Array.isArray(member));

/** Valid JSON text, in which each member that holds a number written otherwise, or a list with one, is followed by its mark. */
function markDigits(text: string): string {
  if (!HAS_CANDIDATE.test(text)) return text;
  const members = new Members(text);
  let marked = '';
  let done = 0;
  for (const { 0: found, index } of text.matchAll(CANDIDATES)) {
    const start = index + 1;
    const digits = found.slice(1);
    if (start < done || !isWrittenOtherwise(digits) || members.isInString(start)) continue;
    const { name, opens, closes } = members;
    const isListed = opens < start && start < closes;
    if (!isListed && opens !== start) continue;
    const end = isListed ? closes : start + digits.length;
    const mark = isListed ? listMark(text.slice(opens, closes)) : `"${digits}"`;
    marked += text.slice(done, end);
    if (mark !== undefined && IS_NAME.test(name)) marked += `,"${MARK}${name}":${mark}`;
    done = end;
  }
  return marked + text.slice(done);
}

/** Of `[1.0, 2]` what stands beside it: `["1.0",null]`. Undefined where the list holds anything but numbers and null. */
function listMark(list: string): string | undefined {
  const texts = list
    .slice(1, -1)
    .split(',')
    .map((item) => item.trim());
  if (!texts.every((text) => text === 'null' || NUMBER.test(text))) return undefined;
  return `[${texts.map((text) => (text !== 'null' && isWrittenOtherwise(text) ? `"${text}"` : 'null')).join()}]`;
}

/** A JSON text gone through from string to string: the last one before a place, and where its value opens if it is a member's name. */
class Members {
  /** As it is written between its quotes. */
  name = '';
  /** -1 where it is no name. */
  opens = -1;
  /** Of a value that is a list without lists in it, behind its end; else 0. */
  closes = 0;
  private at = 0;
  /** Where the next string opens, behind the text where there is none, and where it closes. */
  private quote: number;
  private end = -1;

  constructor(private readonly text: string) {
    this.quote = this.nextQuote();
  }

  /** Places are asked for in their order. */
  isInString(place: number): boolean {
    let last = -1;
    while (this.quote < place) {
      if (this.end < this.quote) this.end = closingQuote(this.text, this.quote);
      if (this.end > place) break;
      last = this.quote;
      this.at = this.end + 1;
      this.quote = this.nextQuote();
    }
    if (last >= 0) this.look(last);
    return this.quote < place;
  }

  private nextQuote(): number {
    const found = this.text.indexOf('"', this.at);
    return found < 0 ? this.text.length : found;
  }

  private look(opened: number): void {
    this.name = this.text.slice(opened + 1, this.at - 1);
    COLON.lastIndex = this.at;
    this.opens = COLON.test(this.text) ? COLON.lastIndex : -1;
    this.closes = this.text[this.opens] === '[' ? this.text.indexOf(']', this.opens) + 1 : 0;
  }
}

const COLON = /\s*:\s*/y;

function closingQuote(text: string, opening: number): number {
  for (let at = opening + 1; ; at += 1) {
    at = text.indexOf('"', at);
    if (at < 0) return text.length;
    let backslashes = 0;
    while (text[at - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return at;
  }
}
