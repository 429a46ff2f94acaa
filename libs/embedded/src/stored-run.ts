import { crc32 } from 'node:zlib';
import { EngineDamaged, metaOf, type Meta, type StoredEvent } from '@weft/processing';
import { blobOf } from './checksum.js';
import type { Packing } from './packing.js';

/*
 * Events of a stream lie side by side as runs. The body of a run is a head, its events' ids, what stands beside their data packed
 * (how their positions go on, types, metas), and their data packed: whoever needs no data does not unpack it. What is packed
 * begins with text, which a packing relies on.
 */

/** A row of the events table. Its id is the stream's id and the first revision in one number. */
export interface RunRow {
  readonly id: number;
  readonly body: Uint8Array;
}

/** One number for stream and revision keeps a stream's runs side by side in one tree, without an index to keep up. */
export const REVISIONS = 2 ** 24;
export const runId = (streamId: number, revision: number): number => streamId * REVISIONS + revision;

/** One event as a run holds it. */
export interface RunEvent {
  readonly id: string;
  readonly type: string;
  /** As JSON, empty for {}. */
  readonly meta: string;
  readonly data: Uint8Array;
}

/** A run as it is read: its data is unpacked when it is first asked for. */
export interface Run {
  readonly first: number;
  readonly count: number;
  position(index: number): number;
  event(index: number): RunEvent;
  stored(index: number, withoutData?: boolean): StoredEvent;
}

const [CRC, POSITION, COUNT, BESIDE, HEAD_BYTES] = [0, 4, 12, 16, 20];
const UUID_AS_USUAL = /^[0-9a-f-]{36}$/;
const EMPTY = new Uint8Array();
const ID_BYTES = 16;

/** Without checksum and position, which its place decides; `steps` are those from each event's position to the next, none where all are 1. */
export function runBody(packing: Packing, events: readonly RunEvent[], steps: readonly number[] = []): Buffer {
  // Neither types nor JSON hold a NUL.
  const beside = packing.pack(`${steps.join()}\0${events.map(({ type, meta }) => `${type}\0${meta}\0`).join('')}`);
  const lengths = Buffer.from(`${events.map(({ data }) => data.byteLength).join()}\0`);
  const data = packing.pack(Buffer.concat([lengths, ...events.map((event) => event.data)]));
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(events.length, COUNT);
  head.writeUInt32LE(beside.length, BESIDE);
  return Buffer.concat([head, ...events.map(({ id }) => storedId(id)), beside, data]);
}

/** One byte that says how long it is; the id, as bytes where that gives back its letters. */
function storedId(id: string): Buffer {
  const bytes = UUID_AS_USUAL.test(id) ? Buffer.from(id.replaceAll('-', ''), 'hex') : Buffer.from(id);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

/** Writes its position and checksum into a body, once it is known where it will stand. */
export function placeRun(body: Buffer, position: number, stream: string, first: number): Buffer {
  body.writeDoubleLE(position, POSITION);
  body.writeUInt32LE(checksum(body, stream, first), CRC);
  return body;
}

/** Over all that makes the run what and where it is: see checksum.ts. */
const checksum = (body: Uint8Array, stream: string, first: number): number =>
  crc32(body.subarray(CRC + 4), crc32(`${stream}\n${first}\n`));

/** Throws EngineDamaged where it is not what was written. */
export function readRun({ id, body: bytes }: RunRow, stream: string, packing: Packing, engine: string): Run {
  const first = id % REVISIONS;
  const what = `the run at revision ${first} of stream ${stream}`;
  const body = blobOf(bytes);
  if (body.length <= HEAD_BYTES || checksum(body, stream, first) !== body.readUInt32LE(CRC)) {
    throw new EngineDamaged(engine, `${what} is not what was written`);
  }
  const count = body.readUInt32LE(COUNT);
  const start = body.readDoubleLE(POSITION);
  const ids = idsOf(body, count);
  const endOfBeside = ids.end + body.readUInt32LE(BESIDE);
  const [steps = '', ...beside] = packing.unpack(body.subarray(ids.end, endOfBeside), what).toString().split('\0');
  const positions = steps === '' ? undefined : positionsFrom(start, steps);
  let parts: readonly Buffer[] | undefined;
  const dataOf = (index: number): Buffer => {
    parts ??= partsOf(packing.unpack(body.subarray(endOfBeside), what));
    return parts[index] as Buffer;
  };
  const position = (index: number): number => positions?.[index] ?? start + index;
  return {
    first,
    count,
    position,
    event: (index) => ({
      id: ids.of(index),
      type: beside[2 * index] as string,
      meta: beside[2 * index + 1] as string,
      data: dataOf(index),
    }),
    stored: (index, withoutData = false) => {
      const text = beside[2 * index + 1] as string;
      const data = withoutData ? EMPTY : dataOf(index);
      const [revision, type, id] = [first + index, beside[2 * index] as string, ids.of(index)];
      if (text === '') return { stream, revision, position: String(position(index)), id, type, meta: metaOf(text), data };
      let meta: Meta | undefined;
      return {
        stream,
        revision,
        position: String(position(index)),
        id,
        type,
        // Many are read for their data alone.
        get meta() {
          return (meta ??= metaOf(text));
        },
        data,
      };
    },
  };
}

/** Where ids are kept as bytes, all of them are turned into letters together. */
function idsOf(body: Buffer, count: number): { readonly end: number; of(index: number): string } {
  const starts: number[] = [];
  let end = HEAD_BYTES;
  for (let index = 0; index < count; index += 1) {
    starts.push(end + 1);
    end += 1 + (body[end] as number);
  }
  let hex: string | undefined;
  const of = (index: number): string => {
    const start = starts[index] as number;
    const length = body[start - 1] as number;
    if (length !== ID_BYTES) return body.toString('utf8', start, start + length);
    hex ??= body.toString('hex', HEAD_BYTES, end);
    const at = 2 * (start - HEAD_BYTES);
    return `${hex.slice(at, at + 8)}-${hex.slice(at + 8, at + 12)}-${hex.slice(at + 12, at + 16)}-${hex.slice(at + 16, at + 20)}-${hex.slice(at + 20, at + 32)}`;
  };
  return { end, of };
}

function positionsFrom(start: number, steps: string): number[] {
  let position = start;
  return [start, ...steps.split(',').map((step) => (position += Number(step)))];
}

/** What lies behind a list of lengths and a NUL, by those lengths. */
export function partsOf(content: Buffer): Buffer[] {
  let at = content.indexOf(0);
  const lengths = content.toString('latin1', 0, at).split(',');
  at += 1;
  return lengths.map((length) => content.subarray(at, (at += Math.abs(Number(length)))));
}
