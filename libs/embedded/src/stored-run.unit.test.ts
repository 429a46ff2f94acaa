import { EngineDamaged } from '@weft/processing';
import type { Packing } from './packing.js';
import { placeRun, readRun, runBody, runId, type RunEvent } from './stored-run.js';

const STREAM = 'careRecord-1';
const event = (n: number): RunEvent => ({
  id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
  type: 'numbered-1',
  meta: n === 0 ? '' : `{"n":${n}}`,
  data: Uint8Array.from([255, n, 0]),
});

describe('a run of events', () => {
  let unpacked: number;
  const packing = {
    pack: (content: string | Buffer) => Buffer.from(content),
    unpack: (bytes: Uint8Array) => {
      unpacked += 1;
      return Buffer.from(bytes);
    },
  } as unknown as Packing;
  const read = (body: Uint8Array, stream = STREAM, first = 5) =>
    readRun({ id: runId(9, first), body }, stream, packing, 'weft.db');

  beforeEach(() => (unpacked = 0));

  it('gives back what was written, at the positions that it was given', () => {
    const run = read(placeRun(runBody(packing, [0, 1, 2].map(event), [10, 1]), 100, STREAM, 5));
    expect([0, 1, 2].map((index) => run.event(index)).map(({ data, ...rest }) => ({ ...rest, data: [...data] }))).toEqual(
      [0, 1, 2].map(event).map(({ data, ...rest }) => ({ ...rest, data: [...data] })),
    );
    expect([0, 1, 2].map((index) => run.position(index))).toEqual([100, 110, 111]);
    expect(run.stored(2)).toMatchObject({ stream: STREAM, revision: 7, position: '111', meta: { n: 2 } });
    expect(run.stored(0).meta).toEqual({});
  });

  it('unpacks no data for who needs none', () => {
    const run = read(placeRun(runBody(packing, [0, 1].map(event)), 1, STREAM, 5));
    expect([0, 1].map((index) => run.stored(index, true)).map(({ meta, data }) => [meta, data.length])).toEqual([
      [{}, 0],
      [{ n: 1 }, 0],
    ]);
    expect(unpacked).toBe(1);
    run.stored(1);
    run.stored(0);
    expect(unpacked).toBe(2);
  });

  it('parses a meta when it is first asked for, and once', () => {
    const stored = read(placeRun(runBody(packing, [event(1)]), 1, STREAM, 5)).stored(0);
    expect(stored.meta).toBe(stored.meta);
    expect({ ...stored }.meta).toEqual({ n: 1 });
  });

  it('is named where it is not what was written, or where it was written', () => {
    const body = placeRun(runBody(packing, [0, 1].map(event)), 1, STREAM, 5);
    for (let at = 0; at < body.length; at += 1) {
      const flipped = Uint8Array.from(body);
      flipped[at]! ^= 1;
      expect(() => read(flipped)).toThrow(EngineDamaged);
    }
    expect(() => read(body, 'careRecord-2')).toThrow('the run at revision 5 of stream careRecord-2 is not what was written');
    expect(() => read(body, STREAM, 6)).toThrow(EngineDamaged);
    expect(() => read('text' as never)).toThrow(EngineDamaged);
    expect(() => read(new Uint8Array(3))).toThrow(EngineDamaged);
  });
});
