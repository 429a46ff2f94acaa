import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { filesOf } from './files.js';
import { type Outgoing, requestsOf } from './inputs.js';

const directory = mkdtempSync(join(tmpdir(), 'weft-inputs-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(name: string, content: string | Buffer): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

async function read(path: string, stdin: NodeJS.ReadableStream = Readable.from([])): Promise<Outgoing[]> {
  const found: Outgoing[] = [];
  for await (const outgoing of requestsOf(path, stdin, { onBytes: () => {} })) found.push(outgoing);
  return found;
}

const event = (id: string) => ({ specversion: '1.0', id, data: { resourceType: 'Basic' } });
const bodyOf = (outgoing: Outgoing | undefined): unknown =>
  outgoing?.kind === 'request' ? JSON.parse(outgoing.body.toString('utf8')) : outgoing;
const placesOf = (outgoing: Outgoing | undefined) => (outgoing?.kind === 'request' ? outgoing.wheres : outgoing?.where);
const messageOf = (outgoing: Outgoing | undefined): string | undefined =>
  outgoing?.kind === 'refusal' ? outgoing.errors[0]?.message : undefined;

describe('what a file holds to be published', () => {
  it('gathers events of JSON lines into batches and knows the line of each', async () => {
    const path = file('events.ndjson', `${JSON.stringify(event('a'))}\r\n\n${JSON.stringify(event('b'))}`);
    const [batch, ...more] = await read(path);
    expect(more).toEqual([]);
    expect(bodyOf(batch)).toEqual([event('a'), event('b')]);
    expect(placesOf(batch)).toEqual([
      { file: path, line: 1 },
      { file: path, line: 3 },
    ]);
  });

  it('splits many events into batches of at most 500, in their order', async () => {
    const lines = Array.from({ length: 1_201 }, (_, index) => JSON.stringify(event(String(index))));
    const batches = await read(file('many.jsonl', lines.join('\n')));
    expect(batches.map((batch) => (bodyOf(batch) as unknown[]).length)).toEqual([500, 500, 201]);
    expect(batches.flatMap((batch) => (bodyOf(batch) as { id: string }[]).map(({ id }) => Number(id)))).toEqual(
      lines.map((_, index) => index),
    );
  });

  it('refuses a broken line by itself, and sends those around it', async () => {
    const path = file('broken.ndjson', `${JSON.stringify(event('a'))}\n{"specversion": \n7\n${JSON.stringify(event('b'))}\n`);
    const found = await read(path);
    expect(found.map(messageOf)).toEqual([
      'this is not JSON: it ends too early, at character 15',
      expect.stringContaining('neither a CloudEvent'),
      undefined,
    ]);
    expect(found.slice(0, 2).map(placesOf)).toEqual([
      { file: path, line: 2 },
      { file: path, line: 3 },
    ]);
    expect(bodyOf(found[2])).toEqual([event('a'), event('b')]);
  });

  it('sends a Bundle that stands on a line as FHIR, behind the events before it', async () => {
    const bundle = { resourceType: 'Bundle', type: 'collection', entry: [{}] };
    const path = file('mixed.ndjson', `${JSON.stringify(event('a'))}\n${JSON.stringify(bundle)}\n`);
    const found = await read(path);
    expect(found.map((one) => one.kind === 'request' && one.path)).toEqual(['/events', '/fhir']);
    const [, fhir] = found;
    expect(fhir?.kind === 'request' && fhir.whereOf(4)).toEqual({ file: path, line: 2, entry: 4 });
  });

  it('takes a document for one, however its lines are broken, and lists of events too', async () => {
    const bundle = { resourceType: 'Bundle', type: 'collection', entry: [{ resource: { resourceType: 'Basic' } }] };
    const [fhir] = await read(file('bundle.json', JSON.stringify(bundle, undefined, 2)));
    expect(bodyOf(fhir)).toEqual(bundle);
    const path = file('list.json', `\n${JSON.stringify([event('a'), event('b')], undefined, 2)}`);
    const [batch] = await read(path);
    expect(bodyOf(batch)).toEqual([event('a'), event('b')]);
    expect(placesOf(batch)).toEqual([
      { file: path, entry: 0 },
      { file: path, entry: 1 },
    ]);
  });

  it('passes over a byte order mark', async () => {
    const [batch] = await read(file('marked.json', `\uFEFF${JSON.stringify(event('a'))}`));
    expect(bodyOf(batch)).toEqual([event('a')]);
  });

  it('reads standard input, a document as well as lines', async () => {
    const bundle = { resourceType: 'Bundle', type: 'collection', entry: [{}] };
    const [fhir] = await read('-', Readable.from([Buffer.from(JSON.stringify(bundle, undefined, 2))]));
    expect(bodyOf(fhir)).toEqual(bundle);
    const [batch] = await read(
      '-',
      Readable.from([Buffer.from(`${JSON.stringify(event('a'))}\n{"specv`), Buffer.from('ersion":"1.0"}')]),
    );
    expect(bodyOf(batch)).toEqual([event('a'), { specversion: '1.0' }]);
    expect(placesOf(batch)).toEqual([
      { file: 'standard input', line: 1 },
      { file: 'standard input', line: 2 },
    ]);
  });

  it('says what is no document, and in which line', async () => {
    expect((await read(file('half.json', '[\n{"specversion": "1.0"},\n'))).map(messageOf)).toContainEqual(
      expect.stringContaining('ends too early'),
    );
    expect((await read(file('comma.json', '\n{\n "resourceType": "Basic",\n}'))).map(messageOf)).toEqual([
      'this is not JSON at character 29, in line 4',
    ]);
  });

  it.each([
    ['nothing.json', '', 'the file is empty'],
    ['nothing.ndjson', '', 'the file is empty'],
    ['space.jsonl', '\uFEFF \n\n', 'the file is empty'],
    ['bundle.json', '{"resourceType":"Bundle","type":"collection","entry":[]}', 'the Bundle has no entry'],
    ['bare.json', '{"resourceType":"Bundle","type":"collection"}', 'the Bundle has no entry'],
    ['list.json', ' [ ] ', 'the list is empty'],
    ['message.hl7', 'MSH|^~\\&|A|B\rPID|1||9990000018\r', 'this is an HL7 v2 message (MSH|…); Weft takes FHIR R4 JSON'],
    ['document.ndjson', '<?xml version="1.0"?>\n<ClinicalDocument xmlns="urn:hl7-org:v3">', 'this is a CDA document in XML'],
  ])('refuses %s for what it is, in words, and repeats nothing of it', async (name, content, message) => {
    const found = await read(file(`what-${name}`, content));
    expect(found.map(messageOf)).toEqual([expect.stringContaining(message)]);
    expect(JSON.stringify(found)).not.toContain('9990000018');
  });

  it('says that nothing came on standard input', async () => {
    expect((await read('-')).map(messageOf)).toEqual(['nothing came']);
  });
});

describe('which files are published', () => {
  const root = mkdtempSync(join(directory, 'tree-'));
  mkdirSync(join(root, 'b', 'deep'), { recursive: true });
  mkdirSync(join(root, '.git'));
  mkdirSync(join(root, 'none'));
  const put = (...path: string[]): string => {
    writeFileSync(join(root, ...path), '{}');
    return join(root, ...path);
  };
  const wanted = [put('a.json'), put('b', 'c.ndjson'), put('b', 'deep', 'd.JSONL'), put('z.json')];
  const others = [put('.hidden.json'), put('b', 'readme.md')];
  symlinkSync(join(root, 'a.json'), join(root, 'link.json'));
  put('.git', 'config.json');

  it('are all JSON below a directory, in their order, and what is left out is said', async () => {
    const { found, skipped } = await filesOf([root]);
    expect(found).toEqual(wanted.map((path) => ({ file: path, bytes: 2 })));
    expect(skipped).toEqual([join(root, '.git'), others[0], others[1], join(root, 'link.json')]);
  });

  it('are those that are named, whatever their names, with standard input among them', async () => {
    const { found } = await filesOf(['-', others[1] as string]);
    expect(found.map((one) => one.file)).toEqual(['-', others[1]]);
  });

  it.each([
    ['nowhere.json', /there is no file .*nowhere.json/],
    ['none', /none holds no \*\.json/],
    [join('a.json', 'x'), /a.json\/x cannot be used \(ENOTDIR\)/],
  ])('are refused all where one of them is not there (%s)', async (name, message) => {
    await expect(filesOf([root, join(root, name)])).rejects.toThrow(message);
  });
});

describe('a Bundle too large for one request', () => {
  const note = 'x'.repeat(40_000);
  const patient = (id: string) => ({ fullUrl: `urn:uuid:${id}`, resource: { resourceType: 'Patient', id, note } });
  const basic = (id: string, about: string) => ({ resource: { resourceType: 'Basic', id, subject: { reference: about }, note } });
  const patients = Array.from({ length: 20 }, (_, index) => patient(`p${index}`));
  const others = Array.from({ length: 300 }, (_, index) => basic(`b${index}`, `urn:uuid:p${index % 20}`));
  const entry = [...others, ...patients];
  const path = file('large.json', JSON.stringify({ entry, type: 'transaction', resourceType: 'Bundle' }));

  type Body = { readonly resourceType: string; readonly type: string; readonly entry: typeof entry };

  it('goes in several that are answered by entry, each entry once and in its order', async () => {
    const parts = await read(path);
    expect(parts.length).toBeGreaterThan(2);
    const sent = parts.flatMap((part) => {
      const { entry: entries, ...head } = bodyOf(part) as Body;
      expect(head).toEqual({ resourceType: 'Bundle', type: 'batch' });
      return entries.filter((_, index) => part.kind === 'request' && part.whereOf(index) !== null);
    });
    expect(sent).toEqual(entry);
  });

  it('takes along the Patients that the entries of a part refer to', async () => {
    for (const part of await read(path)) {
      const entries = (bodyOf(part) as Body).entry;
      const here = new Set(entries.map((one) => ('fullUrl' in one ? one.fullUrl : '')));
      const missing = entries.filter((one) => 'subject' in one.resource && !here.has(one.resource.subject.reference));
      expect(missing).toEqual([]);
    }
  });

  it('knows where each entry of a part stands in the file', async () => {
    const places = (await read(path)).flatMap((part) => (part.kind === 'request' ? part.wheres : []));
    expect(places.map((place) => place.entry)).toEqual(entry.map((_, index) => index));
  });

  it('is no way to send a large something else', async () => {
    const large = file('something.json', JSON.stringify({ resourceType: 'Binary', data: 'x'.repeat(9_000_000) }, undefined, 1));
    expect((await read(large)).map(messageOf)).toEqual([expect.stringContaining('1 MiB')]);
  });
});
