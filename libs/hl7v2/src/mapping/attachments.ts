import { createHash } from 'node:crypto';
import type { Resource } from '@weft/domain';
import type { Segment } from '../message.js';
import type { Reading } from './reading.js';

/** Data of this size and below stand in the resource itself. */
const INLINE_MAX_BYTES = 1024 * 1024;

export interface Attached {
  readonly attachment: object;
  /** What the attachment names, where it is too large to stand in it. */
  readonly binary?: Resource;
}

/** What a file begins with says what it is, whatever its sender calls it. */
const MAGIC: readonly (readonly [type: string, magic: string])[] = [
  ['application/pdf', '%PDF'],
  ['image/jpeg', '\xff\xd8\xff'],
  ['image/png', '\x89PNG'],
  ['image/tiff', 'II*\0'],
  ['image/tiff', 'MM\0*'],
  ['image/gif', 'GIF8'],
  ['text/rtf', '{\\rtf'],
  ['application/zip', 'PK\x03\x04'],
];

const BY_NAME: Readonly<Record<string, string>> = {
  PDF: 'application/pdf',
  RTF: 'text/rtf',
  HTML: 'text/html',
  XML: 'application/xml',
  JPEG: 'image/jpeg',
  JPG: 'image/jpeg',
  PNG: 'image/png',
  TIFF: 'image/tiff',
  TXT: 'text/plain',
  PLAIN: 'text/plain',
};

const typeOf = (segment: Segment): string => segment.field(2).value?.trim().toUpperCase() ?? '';

/** Whether an OBX holds a file, or the address of one: some senders put a PDF behind a code that is empty. */
export function isAttachment(segment: Segment): boolean {
  if (['ED', 'RP'].includes(typeOf(segment))) return true;
  return ['CE', 'CWE', ''].includes(typeOf(segment)) && (segment.field(5).component(5).raw?.length ?? 0) > 100 && isPdf(segment);
}

const isPdf = (segment: Segment): boolean => segment.field(5).component(5).raw?.startsWith('JVBERi') === true;

/** Files of OBX, those whose lines stand in several OBX of one code and sub-id joined. */
export function attachmentsOf(reading: Reading, segments: readonly Segment[]): Attached[] {
  const groups = new Map<string, Segment[]>();
  for (const segment of segments) {
    const key = `${segment.field(3).value ?? ''}\u0000${segment.field(4).text ?? ''}\u0000${typeOf(segment)}`;
    groups.set(key, [...(groups.get(key) ?? []), segment]);
  }
  return [...groups.values()].flatMap((own) => (typeOf(own[0]!) === 'RP' ? own.flatMap(pointerOf) : fileOf(reading, own)));
}

/** An address is kept and not followed. */
function pointerOf(segment: Segment): Attached[] {
  const url = segment.field(5).component(1).value?.trim();
  return url ? [{ attachment: { url, title: segment.field(3).component(2).value ?? undefined } }] : [];
}

function fileOf(reading: Reading, segments: readonly Segment[]): Attached[] {
  const parts = segments.map((segment) => bytesOf(reading, segment));
  if (parts.some((part) => part === null)) return [];
  const data = Buffer.concat(parts as Buffer[]);
  return data.length === 0 ? [] : [attached(data, typeFor(data, segments[0]!), titleOf(segments[0]!))];
}

const titleOf = (segment: Segment): string | undefined => segment.field(3).component(2).value?.trim() || undefined;

export function attached(data: Buffer, contentType: string, title: string | undefined): Attached {
  const described = { contentType, size: data.length, hash: createHash('sha1').update(data).digest('base64'), title };
  if (data.length <= INLINE_MAX_BYTES) return { attachment: { ...described, data: data.toString('base64') } };
  const id = `v2-${createHash('sha256').update(data).digest('hex').slice(0, 40)}`;
  const binary = { resourceType: 'Binary', id, contentType, data: data.toString('base64') };
  return { attachment: { ...described, url: `Binary/${id}` }, binary };
}

const BASE_64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** One OBX's part of a file; null where it is at fault. */
function bytesOf(reading: Reading, segment: Segment): Buffer | null {
  const place = { segment: 'OBX', index: segment.index, field: 5, repetition: 1, component: 5 };
  const text = segment.field(5).component(5).text ?? '';
  const encoding = typeOf(segment) === 'ED' ? segment.field(5).component(4).value?.trim().toUpperCase() : 'BASE64';
  const bare = text.replace(/\s+/g, '');
  switch (encoding) {
    case 'BASE64':
      if (BASE_64.test(bare) && bare.length % 4 !== 1) return Buffer.from(bare, 'base64');
      reading.fault('base64', place);
      return null;
    case 'HEX':
      if (/^(?:[0-9A-Fa-f]{2})*$/.test(bare)) return Buffer.from(bare, 'hex');
      reading.fault('hex', place);
      return null;
    case 'A':
    case '':
    case undefined:
      return Buffer.from(text, 'utf8');
    default:
      reading.fault('encoding', { ...place, component: 4 });
      return null;
  }
}

function typeFor(data: Buffer, segment: Segment): string {
  const start = data.subarray(0, 8).toString('latin1');
  const found = MAGIC.find(([, magic]) => start.startsWith(magic))?.[0];
  const names = [3, 2].map((number) => segment.field(5).component(number).value?.trim().toUpperCase() ?? '');
  const named = names.map((name) => BY_NAME[name] ?? (/^[A-Z]+\/[\w.+-]+$/.test(name) ? name.toLowerCase() : undefined));
  return found ?? named.find((type) => type !== undefined) ?? 'application/octet-stream';
}
