import { FHIR_JSON } from '@weft/care-events';
import { open, type FileHandle } from 'node:fs/promises';
import { JsonSplitter } from './json-splitter.js';
import { byEntry, listOf, type LocalRefusal, type PublishRequest, refusal } from './requests.js';

/** One entry of a Bundle, or one of its other members. */
const PART_LIMIT_BYTES = 32 * 1024 * 1024;
const ENTRIES_MAX = 500;
const BYTES_MAX = 4 * 1024 * 1024;

/** Where a Patient stands in the file. */
interface Place {
  readonly offset: number;
  readonly length: number;
}

/**
 * A Bundle too large for one request, as several smaller ones. An entry names its patient by another entry, which may stand
 * anywhere; so the file is read twice, first for the Patients, and each part takes those along that its entries refer to. To
 * send a Patient again does no harm: what says the same changes nothing.
 */
export async function* requestsOfLargeBundle(
  path: string,
  file: string,
  onBytes: (bytes: number) => void,
): AsyncGenerator<PublishRequest | LocalRefusal> {
  const { resourceType, type, patients } = await survey(path);
  if (resourceType !== 'Bundle')
    return yield refusal({ file }, 'too-large', 'one event takes 1 MiB at most; only a Bundle may be larger');
  const handle = await open(path);
  try {
    let part = new BundlePart(file, type, patients, handle);
    for await (const { index, bytes, offset } of entriesOf(path)) {
      onBytes(offset);
      const parsed = parse(bytes);
      if (parsed === undefined) {
        yield refusal({ file, entry: index }, 'not-json', 'the entry is not JSON');
        continue;
      }
      if (part.isFullFor(bytes)) {
        yield await part.request();
        part = new BundlePart(file, type, patients, handle);
      }
      part.add(index, bytes, parsed);
    }
    if (!part.isEmpty) yield await part.request();
  } finally {
    await handle.close();
  }
}

class BundlePart {
  private readonly entries: { readonly index: number; readonly bytes: Buffer }[] = [];
  private readonly own = new Set<string>();
  private readonly named = new Set<string>();
  private bytes = 0;

  constructor(
    private readonly file: string,
    private readonly type: string,
    private readonly patients: ReadonlyMap<string, Place>,
    private readonly handle: FileHandle,
  ) {}

  get isEmpty(): boolean {
    return this.entries.length === 0;
  }

  isFullFor(bytes: Buffer): boolean {
    return this.entries.length === ENTRIES_MAX || (!this.isEmpty && this.bytes + bytes.length > BYTES_MAX);
  }

  add(index: number, bytes: Buffer, parsed: unknown): void {
    this.entries.push({ index, bytes });
    this.bytes += bytes.length;
    for (const name of namesOfPatient(parsed)) this.own.add(name);
    for (const name of referencesIn(parsed)) if (this.patients.has(name)) this.named.add(name);
  }

  async request(): Promise<PublishRequest> {
    const places = new Map<number, Place>();
    for (const name of this.named) {
      const place = this.own.has(name) ? undefined : this.patients.get(name);
      if (place !== undefined) places.set(place.offset, place);
    }
    const along = await Promise.all([...places.values()].map((place) => this.read(place)));
    const { file, entries } = this;
    const head = `{"resourceType":"Bundle","type":${JSON.stringify(byEntry(this.type))},"entry":`;
    return {
      kind: 'request',
      path: '/fhir',
      contentType: FHIR_JSON,
      body: Buffer.concat([Buffer.from(head), listOf([...entries.map(({ bytes }) => bytes), ...along]), Buffer.from('}')]),
      whereOf: (entry) => (entry < entries.length ? { file, entry: entries[entry]!.index } : null),
      wheres: entries.map(({ index }) => ({ file, entry: index })),
    };
  }

  private async read({ offset, length }: Place): Promise<Buffer> {
    const { buffer } = await this.handle.read(Buffer.alloc(length), 0, length, offset);
    return buffer;
  }
}

/** What the Bundle says about itself, and where its Patients stand. */
async function survey(path: string) {
  const patients = new Map<string, Place>();
  const about: Record<string, string> = {};
  for await (const part of partsOf(path)) {
    if (part.kind === 'member') {
      if (part.name === 'type' || part.name === 'resourceType') about[part.name] = String(parse(part.bytes));
      continue;
    }
    // Most entries are no Patients, and need not be parsed to know it.
    if (!part.bytes.includes('"Patient"')) continue;
    for (const name of namesOfPatient(parse(part.bytes))) patients.set(name, { offset: part.offset, length: part.bytes.length });
  }
  return { resourceType: about['resourceType'], type: about['type'] ?? '', patients };
}

async function* partsOf(path: string) {
  const splitter = new JsonSplitter('entry', PART_LIMIT_BYTES);
  const handle = await open(path);
  for await (const chunk of handle.createReadStream({ highWaterMark: 256 * 1024 })) yield* splitter.push(chunk as Buffer);
  splitter.finish();
}

async function* entriesOf(path: string) {
  for await (const part of partsOf(path)) if (part.kind === 'element') yield part;
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

type Loose = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Loose => value !== null && typeof value === 'object' && !Array.isArray(value);

/** By what others may refer to the Patient of an entry. */
function namesOfPatient(entry: unknown): string[] {
  const resource = isObject(entry) ? entry['resource'] : undefined;
  if (!isObject(entry) || !isObject(resource) || resource['resourceType'] !== 'Patient') return [];
  const { id } = resource;
  const byId = typeof id === 'string' ? [`Patient/${id}`, `urn:uuid:${id}`] : [];
  return typeof entry['fullUrl'] === 'string' ? [entry['fullUrl'], ...byId] : byId;
}

function* referencesIn(value: unknown): Generator<string> {
  if (Array.isArray(value)) for (const item of value) yield* referencesIn(item);
  else if (isObject(value)) {
    for (const [name, member] of Object.entries(value)) {
      if (name === 'reference' && typeof member === 'string') yield member;
      else yield* referencesIn(member);
    }
  }
}
