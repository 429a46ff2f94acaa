import { BadManifest, itemsOf, type ManifestSource, readManifest } from './manifest.js';

const HEAD = { manifest: 1, kind: 'events', organisation: 'RX901', from: '2026-03-04T00:00:00Z', until: '2026-03-05T00:00:00Z' };
const lines = (...parts: readonly unknown[]): string =>
  parts.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join('\n');

/** In pieces of so many bytes. */
const given = (text: string, bytes = 1 << 16): ManifestSource =>
  function* () {
    const whole = Buffer.from(text);
    for (let at = 0; at < whole.length; at += bytes) yield whole.subarray(at, at + bytes);
  };

async function read(text: string, bytes?: number) {
  const source = given(text, bytes);
  const manifest = await readManifest(source);
  const items = [];
  for await (const item of itemsOf(source, manifest)) items.push(item);
  return { manifest, items };
}

async function faultsOf(text: string): Promise<string[]> {
  const error = await readManifest(given(text)).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(BadManifest);
  return (error as BadManifest).problems.map(({ field, code }) => `${field}: ${code}`);
}

describe('a manifest', () => {
  const csv = `manifest,kind,organisation,from,until\n1,events,RX901,${HEAD.from},${HEAD.until}\nsource,id\n,e1\n"urn:ods:RX901:lab","e,""2"""\n`;
  const items = [
    { source: 'urn:ods:RX901', id: 'e1' },
    { source: 'urn:ods:RX901:lab', id: 'e,"2"' },
  ];

  it.each([
    ['JSON lines', lines(HEAD, { id: 'e1' }, '', items[1]), [2, 4]],
    ['JSON lines of another system', `\uFEFF${lines(HEAD, { id: 'e1' }, items[1]).replaceAll('\n', '\r\n')}\r\n`, [2, 3]],
    ['CSV', csv, [4, 5]],
    ['a JSON document', JSON.stringify({ ...HEAD, items: [{ id: 'e1' }, items[1]] }, null, 2), [0, 1]],
    ['a JSON document in one line', JSON.stringify({ ...HEAD, items: [{ id: 'e1' }, items[1]] }), [0, 1]],
  ])('says the same as %s, however it comes in pieces', async (_, text, at) => {
    for (const bytes of [1, 7, 1 << 16]) {
      const found = await read(text, bytes);
      expect(found.items).toEqual(items.map((item, index) => ({ ...item, at: at[index] })));
      expect(found.manifest).toMatchObject({ kind: 'events', organisation: 'RX901', items: 2 });
      expect(found.manifest.digest).toMatch(/^[0-9a-f]{64}$/);
    }
  });

  it('counts by type and hour, whatever offset the hour is written with', async () => {
    const { items: hours } = await read(
      lines({ ...HEAD, kind: 'hl7v2-counts', listener: 'pas' }, { type: 'ADT^A01', hour: '2026-03-04T10:00:00+01:00', count: 3 }),
    );
    expect(hours).toEqual([{ at: 2, type: 'ADT^A01', hour: '2026-03-04T09:00:00.000Z', count: 3 }]);
  });

  it.each([
    ['nothing', '', [': empty']],
    ['another version', lines({ ...HEAD, manifest: 2 }), ['line 1, manifest: unsupported']],
    ['no such kind', lines({ ...HEAD, kind: 'messages' }), ['line 1, kind: unknown']],
    ['no ODS code', lines({ ...HEAD, organisation: 'rx901' }), ['line 1, organisation: malformed']],
    ['a day that is none', lines({ ...HEAD, from: '2026-02-30T00:00:00Z' }), ['line 1, from: malformed']],
    ['times the wrong way round', lines({ ...HEAD, from: HEAD.until }), ['line 1, until: too-early']],
    ['a listener for events', lines({ ...HEAD, listener: 'pas' }), ['line 1, listener: malformed']],
    ['something unknown in the head', lines({ ...HEAD, note: 'x' }), ['line 1: unknown-member']],
    ['an hour that is cut', lines({ ...HEAD, kind: 'event-counts', from: '2026-03-04T00:30:00Z' }), ['line 1, from: malformed']],
    ['a line that is not JSON', lines(HEAD, { id: 'e1' }, '{"id":'), ['line 3: malformed']],
    ['a list for an item', lines(HEAD, '["e1"]'), ['line 2: malformed']],
    ['no id', lines(HEAD, { source: 'urn:ods:RX901' }), ['line 2, id: required']],
    ['another organisation’s event', lines(HEAD, { source: 'urn:ods:RX902', id: 'e1' }), ['line 2, source: not-the-sender']],
    ['something unknown in an item', lines(HEAD, { id: 'e1', nhs: '9990000018' }), ['line 2: unknown-member']],
    ['a surplus column', `${csv}a,b,c\n`, ['line 6: malformed']],
    ['a quotation mark that nothing closes', `${csv}"a,b\n`, ['line 6: malformed']],
    ['a document without items', '{\n"manifest": 1\n}', [': malformed']],
    [
      'wrong counts, all at once',
      lines(
        { ...HEAD, kind: 'event-counts' },
        { type: 'ADT^A01', hour: '2026-03-04T09:30:00Z', count: -1 },
        { type: 'patient-died-1', hour: '2026-03-05T00:00:00Z', count: 1 },
        { type: 'patient-died-1', hour: '2026-03-04T00:00:00Z', count: 1 },
        { type: 'patient-died-1', hour: '2026-03-04T00:00:00Z', count: 2 },
      ),
      [
        'line 2, type: malformed',
        'line 2, hour: malformed',
        'line 2, count: malformed',
        'line 3, hour: malformed',
        'line 5, hour: repeated',
      ],
    ],
  ])('with %s is refused by line and field', async (_, text, faults) => {
    expect(await faultsOf(text)).toEqual(faults);
  });

  it('tells no more faults than somebody reads, and never what stands there', async () => {
    const faults = await readManifest(given(lines(HEAD, ...Array(50).fill({ source: 'urn:ods:9990000018', id: 'x' })))).catch(
      (error: unknown) => error as BadManifest,
    );
    expect((faults as BadManifest).problems).toHaveLength(20);
    expect((faults as BadManifest).message).not.toContain('9990000018');
  });

  it('that changes while it is read is refused, not compared by halves', async () => {
    const manifest = await readManifest(given(lines(HEAD, { id: 'e1' })));
    const again = async () => {
      for await (const _ of itemsOf(given(lines(HEAD, { id: 'e2' })), manifest));
    };
    await expect(again()).rejects.toThrow('was changed while it was read');
  });

  it('has no line longer than memory is to hold', async () => {
    expect(await faultsOf(lines(HEAD, `{"id":"${'x'.repeat(70_000)}"}`))).toEqual(['line 2: malformed']);
  });
});
