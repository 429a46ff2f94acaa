import { createHash } from 'node:crypto';
import type { Arrived } from './arrivals.js';
import { compare, type Finding } from './compare.js';
import { type ManifestSource, readManifest } from './manifest.js';
import { digestOfName } from './tally.js';

const HEAD = { manifest: 1, organisation: 'RX901', from: '2026-03-04T00:00:00Z', until: '2026-03-05T00:00:00Z' };
const NOON = Date.parse('2026-03-04T12:00:00Z');
const sourceOf = (...parts: readonly object[]): ManifestSource => {
  const bytes = Buffer.from(parts.map((part) => JSON.stringify(part)).join('\n'));
  return () => [bytes];
};

type Came = Partial<Omit<Arrived, 'name' | 'identity'>> & { readonly bytes?: string };
const came = (name: readonly string[], { bytes, ...more }: Came = {}): Arrived => ({
  ...{ name, identity: bytes === undefined ? name : [bytes], type: 'care-event-recorded-1', time: NOON },
  ...{ refused: null, waits: false, isRedriven: false },
  ...more,
});
const event = (id: string, more?: Came): Arrived => came(['urn:ods:RX901', id], more);
const message = (id: string, bytes: string, more?: Came): Arrived => came([id], { bytes, type: 'ADT^A01', ...more });

async function compared(source: ManifestSource, arrived: readonly Arrived[], namesMax?: number) {
  const findings: Finding[] = [];
  const arrivals = {
    messages: arrived.length,
    async *read(onRead: (messages: number) => void) {
      yield* arrived;
      onRead(arrived.length);
    },
  };
  const manifest = await readManifest(source);
  const found = await compare(source, manifest, arrivals, {
    onFinding: (finding) => void findings.push(finding),
    ...(namesMax !== undefined && { namesMax }),
  });
  return { ...found, findings };
}

const NONE = { sent: 0, arrived: 0, missing: 0, doubled: 0, refused: 0, waiting: 0, unlisted: 0 };
const CONFLICT = [{ field: 'id', code: 'conflict', message: 'x' }];

describe('events by their ids', () => {
  const listed = sourceOf({ ...HEAD, kind: 'events' }, { id: 'a' }, { id: 'b' });

  it.each<[what: string, arrived: readonly Arrived[], counts: Partial<typeof NONE>, findings: readonly Partial<Finding>[]]>([
    ['all arrived', [event('a'), event('b')], { arrived: 2 }, []],
    ['one is missing', [event('a')], { arrived: 1, missing: 1 }, [{ what: 'missing', at: 3, times: 1, id: 'b' }]],
    ['one came twice', [event('a'), event('b'), event('a')], { arrived: 2, doubled: 1 }, [{ what: 'doubled', at: 2, times: 1 }]],
    [
      'one was refused, and says why',
      [event('a'), event('b', { refused: CONFLICT })],
      { arrived: 2, refused: 1 },
      [{ what: 'refused', at: 3, problems: [{ field: 'id', code: 'conflict' }] }],
    ],
    [
      'one was sent back from quarantine, which doubles nothing',
      [event('a'), event('a', { isRedriven: true }), event('b')],
      { arrived: 2 },
      [],
    ],
    ['one waits', [event('a', { waits: true }), event('b')], { arrived: 2, waiting: 1 }, [{ what: 'waiting', at: 2 }]],
    ['one came that is not listed', [event('a'), event('b'), event('c')], { arrived: 2, unlisted: 1 }, []],
    ['one came before, and is no news', [event('a'), event('b'), event('c', { time: NOON - 86_400_000 })], { arrived: 2 }, []],
    ['a listed one counts whatever its clock said', [event('a', { time: 0 }), event('b')], { arrived: 2 }, []],
    [
      'the same id of another system is another event',
      [event('a'), came(['urn:ods:RX901:lab', 'b'])],
      { arrived: 1, missing: 1, unlisted: 1 },
      [{ id: 'b' }],
    ],
  ])('%s', async (_, arrived, counts, findings) => {
    const found = await compared(listed, arrived);
    expect(found.counts).toEqual({ ...NONE, sent: 2, ...counts });
    expect(found.findings).toEqual(findings.map((one) => expect.objectContaining(one)));
  });

  it('are read once more only where there is something to be told of them', async () => {
    const timesRead = async (arrived: readonly Arrived[]): Promise<number> => {
      let times = 0;
      await compared(() => ((times += 1), listed()), arrived);
      return times;
    };
    expect([await timesRead([event('a'), event('b')]), await timesRead([event('a')])]).toEqual([2, 3]);
  });

  it('listed twice are one event', async () => {
    const found = await compared(sourceOf({ ...HEAD, kind: 'events' }, { id: 'a' }, { id: 'a' }), [event('a')]);
    expect(found.counts).toEqual({ ...NONE, sent: 1, arrived: 1 });
  });

  it('state what is missing by a digest that its sender can make', async () => {
    const { digests } = await compared(listed, []);
    const names = ['a', 'b'].map((id) => digestOfName(['urn:ods:RX901', id])).sort(Buffer.compare);
    expect(digests.missing).toBe(createHash('sha256').update(Buffer.concat(names)).digest('hex'));
    expect(digests.doubled).toBe(createHash('sha256').digest('hex'));
  });

  it('come to the same in as many passes as memory asks for', async () => {
    const ids = Array.from({ length: 700 }, (_, index) => `event-${index}`);
    const source = sourceOf({ ...HEAD, kind: 'events' }, ...ids.map((id) => ({ id })));
    const arrived = ids.flatMap((id, index) => {
      if (index % 7 === 0) return [];
      const one = event(id, index % 11 === 0 ? { waits: true } : index % 13 === 0 ? { refused: CONFLICT } : {});
      return index % 5 === 0 ? [one, one] : [one];
    });
    const whole = await compared(source, [...arrived, event('other')]);
    expect(whole.counts).toMatchObject({ sent: 700, missing: 100, unlisted: 1 });
    for (const namesMax of [50, 333, 699]) {
      const parts = await compared(source, [...arrived, event('other')], namesMax);
      expect(parts).toMatchObject({ counts: whole.counts, digests: whole.digests });
      const inOrder = (findings: readonly Finding[]): string[] => findings.map((one) => JSON.stringify(one)).sort();
      expect(inOrder(parts.findings)).toEqual(inOrder(whole.findings));
    }
  });
});

describe('HL7 v2 by message control id', () => {
  const listed = sourceOf({ ...HEAD, kind: 'hl7v2' }, { id: 'M1' }, { id: 'M1' }, { id: 'M2' });

  it.each<[what: string, arrived: readonly Arrived[], counts: Partial<typeof NONE>]>([
    ['an id that was used twice is two messages', [message('M1', 'x'), message('M1', 'y'), message('M2', 'z')], { arrived: 3 }],
    ['of which one may be missing', [message('M1', 'x'), message('M2', 'z')], { arrived: 2, missing: 1 }],
    [
      'the same bytes again are one',
      [message('M1', 'x'), message('M1', 'x'), message('M2', 'z')],
      { arrived: 2, missing: 1, doubled: 1 },
    ],
    [
      'one of nobody who is known waits',
      [message('M1', 'x'), message('M1', 'y', { waits: true }), message('M2', 'z')],
      { arrived: 3, waiting: 1 },
    ],
  ])('%s', async (_, arrived, counts) => {
    expect((await compared(listed, arrived)).counts).toEqual({ ...NONE, sent: 3, ...counts });
  });
});

describe('counts by type and hour', () => {
  const listed = sourceOf(
    { ...HEAD, kind: 'hl7v2-counts' },
    { type: 'ADT^A01', hour: '2026-03-04T12:00:00Z', count: 2 },
    { type: 'ORU^R01', hour: '2026-03-04T12:00:00Z', count: 1 },
  );
  const result = (bytes: string, more?: Came): Arrived => message('', bytes, { type: 'ORU^R01', ...more });

  it.each<[what: string, arrived: readonly Arrived[], counts: Partial<typeof NONE>, findings: readonly Partial<Finding>[]]>([
    ['fit', [message('', 'a'), message('', 'b'), result('c')], { arrived: 3 }, []],
    [
      'miss one of an hour',
      [message('', 'a'), result('c')],
      { arrived: 2, missing: 1 },
      [{ what: 'missing', at: 2, times: 1, type: 'ADT^A01' }],
    ],
    [
      'count a message once',
      [message('', 'a'), message('', 'a'), result('c')],
      { arrived: 2, missing: 1, doubled: 1 },
      [{ what: 'missing' }, { what: 'doubled' }],
    ],
    [
      'find one of another hour there, and not here',
      [message('', 'a'), message('', 'b', { time: NOON + 3_600_000 }), result('c')],
      { arrived: 2, missing: 1, unlisted: 1 },
      [
        { what: 'missing', at: 2 },
        { what: 'unlisted', at: null, hour: '2026-03-04T13:00:00.000Z' },
      ],
    ],
    [
      'count what was sent back from quarantine once',
      [message('', 'a'), message('', 'a', { isRedriven: true }), message('', 'b'), result('c')],
      { arrived: 3 },
      [],
    ],
    [
      'leave out what is of another day',
      [message('', 'a'), message('', 'b'), result('c'), result('d', { time: 0 })],
      { arrived: 3 },
      [],
    ],
    [
      'say what waits and what was refused of an hour',
      [message('', 'a', { waits: true }), message('', 'b', { refused: CONFLICT }), result('c')],
      { arrived: 3, waiting: 1, refused: 1 },
      [
        { what: 'refused', problems: [{ field: 'id', code: 'conflict' }] },
        { what: 'waiting', times: 1 },
      ],
    ],
  ])('%s', async (_, arrived, counts, findings) => {
    for (const namesMax of [1_000, 2]) {
      const found = await compared(listed, arrived, namesMax);
      expect(found.counts).toEqual({ ...NONE, sent: 3, ...counts });
      expect(found.findings).toEqual(findings.map((one) => expect.objectContaining(one)));
    }
  });
});
