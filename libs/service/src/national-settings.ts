import { createPrivateKey } from 'node:crypto';
import type { ClientTls, MeshMailbox, PdsAccess, SqsQueue } from '@weft/national';
import type { ListenerFiles } from './hl7v2-listeners.js';

/** Where national events come from, as whose word they are told, and where PDS is asked. Secrets are in it. */
export interface NationalSettings {
  /** ODS code of the region's demographics service, an organisation of the region. */
  readonly organisation: string;
  /** `urn:ods:<organisation>:<system>` */
  readonly source: string;
  readonly pds: PdsAccess;
  readonly inbox: { readonly sqs: SqsQueue } | { readonly mesh: MeshMailbox };
}

/** What the files are read with that it names. */
type Files = ListenerFiles;
type Members = Readonly<Record<string, unknown>>;

const SYSTEM = 'mns';
const MESH_POLL_SECONDS = 60;
const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';
const isObject = (value: unknown): value is Members => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads and checks the document; each fault names its place, and repeats no secret. */
export function nationalIn(
  given: unknown,
  files: Files,
): { readonly national?: NationalSettings; readonly faults: readonly string[] } {
  const reader = new Reader(files);
  const root = reader.object(given, '', ['organisation', 'system', 'pds', 'inbox']);
  const organisation = reader.text(root, 'organisation', '', /^[A-Z0-9]{1,9}$/, 'is no ODS code');
  const system =
    root['system'] === undefined ? SYSTEM : reader.text(root, 'system', '', /^[a-z0-9-]{1,30}$/, 'is no name of a system');
  const pds = readPds(reader, root['pds']);
  const inbox = readInbox(reader, root['inbox']);
  if (reader.faults.length > 0 || inbox === null) return { faults: reader.faults };
  return { national: { organisation, source: `urn:ods:${organisation}:${system}`, pds, inbox }, faults: [] };
}

function readPds(reader: Reader, given: unknown): PdsAccess {
  const pds = reader.object(given, 'pds', ['url', 'token', 'tls']);
  const url = reader.address(pds, 'url', 'pds');
  const tls = reader.tls(pds['tls'], 'pds.tls');
  const shown = { url, ...(tls !== undefined && { tls }) };
  if (pds['token'] === undefined) {
    // Who stands between would learn whom the region asks for.
    if (!isHere(url)) reader.faults.push('pds.token is missing: only a stand-in on this machine is asked without');
    return shown;
  }
  const token = reader.object(pds['token'], 'pds.token', ['url', 'clientId', 'keyId', 'keyFile']);
  const privateKey = reader.secret(token, 'keyFile', 'pds.token', true);
  try {
    if (privateKey !== '') createPrivateKey(privateKey);
  } catch {
    reader.faults.push('pds.token.keyFile holds no private key in PEM');
  }
  return {
    ...shown,
    token: {
      url: reader.address(token, 'url', 'pds.token'),
      clientId: reader.text(token, 'clientId', 'pds.token'),
      keyId: reader.text(token, 'keyId', 'pds.token'),
      privateKey,
    },
  };
}

function readInbox(reader: Reader, given: unknown): NationalSettings['inbox'] | null {
  const inbox = reader.object(given, 'inbox', ['sqs', 'mesh']);
  if ((inbox['sqs'] === undefined) === (inbox['mesh'] === undefined)) {
    reader.faults.push('inbox is neither { "sqs": … } nor { "mesh": … }');
    return null;
  }
  return inbox['sqs'] === undefined ? { mesh: readMesh(reader, inbox['mesh']) } : { sqs: readSqs(reader, inbox['sqs']) };
}

function readSqs(reader: Reader, given: unknown): SqsQueue {
  const at = 'inbox.sqs';
  const sqs = reader.object(given, at, ['url', 'region', 'accessKeyId', 'secretAccessKeyFile', 'waitSeconds']);
  return {
    url: reader.address(sqs, 'url', at),
    region: sqs['region'] === undefined ? 'eu-west-2' : reader.text(sqs, 'region', at, /^[a-z0-9-]+$/, 'is no region of AWS'),
    credentials: {
      accessKeyId: reader.text(sqs, 'accessKeyId', at),
      secretAccessKey: reader.secret(sqs, 'secretAccessKeyFile', at),
    },
    waitSeconds: reader.whole(sqs, 'waitSeconds', at, { by: 20, from: 0, to: 20 }),
  };
}

function readMesh(reader: Reader, given: unknown): MeshMailbox {
  const at = 'inbox.mesh';
  const mesh = reader.object(given, at, ['url', 'mailbox', 'passwordFile', 'sharedKeyFile', 'pollSeconds', 'tls']);
  const tls = reader.tls(mesh['tls'], `${at}.tls`);
  return {
    url: reader.address(mesh, 'url', at),
    mailbox: reader.text(mesh, 'mailbox', at, /^[A-Z0-9]{1,20}$/, 'is no id of a mailbox'),
    password: reader.secret(mesh, 'passwordFile', at),
    sharedKey: reader.secret(mesh, 'sharedKeyFile', at),
    pollSeconds: reader.whole(mesh, 'pollSeconds', at, { by: MESH_POLL_SECONDS, from: 1, to: 3_600 }),
    ...(tls !== undefined && { tls }),
  };
}

const isHere = (url: string): boolean => URL.canParse(url) && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(url).hostname);

/** In place of an object that is none: of its members nothing more is said. */
const NONE: Members = {};

/** Takes members out of the document and collects what is wrong with them. */
class Reader {
  readonly faults: string[] = [];
  constructor(private readonly files: Files) {}

  object(value: unknown, at: string, members: readonly string[]): Members {
    const shown = at === '' ? 'the document' : at;
    if (!isObject(value)) {
      this.faults.push(`${shown} is no object with ${members.join(', ')}`);
      return NONE;
    }
    const others = Object.keys(value).some((name) => !members.includes(name));
    if (others) this.faults.push(`${shown} has a member that it cannot have; there are ${members.join(', ')}`);
    return value;
  }

  text(from: Members, name: string, at: string, form = /./, message = 'is no text'): string {
    const value = from[name];
    if (isText(value) && form.test(value)) return value;
    if (from !== NONE) this.faults.push(`${placeIn(at, name)} ${value === undefined ? 'is missing' : message}`);
    return '';
  }

  /** Of a service that is told, and tells, of whom the region asks: over TLS, but on this machine. */
  address(from: Members, name: string, at: string): string {
    const text = this.text(from, name, at, /^https?:\/\/[^/]/, 'is no address like https://host/path').replace(/\/+$/, '');
    if (text.startsWith('http:') && !isHere(text)) this.faults.push(`${placeIn(at, name)} is not https`);
    return text;
  }

  whole(from: Members, name: string, at: string, { by, from: least, to }: { by: number; from: number; to: number }): number {
    const value = from[name] ?? by;
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= to) return value;
    this.faults.push(`${placeIn(at, name)} is no whole number from ${least} to ${to}`);
    return by;
  }

  /** What a file holds that others must not read: its first line, or all of it. */
  secret(from: Members, name: string, at: string, whole = false): string {
    const found = this.file(from, name, at);
    const loose = found === '' ? null : this.files.loosenessOf(from[name] as string);
    if (loose !== null) this.faults.push(`${placeIn(at, name)} ${loose}`);
    return whole ? found : found.split(/\r?\n/, 1)[0]!;
  }

  private file(from: Members, name: string, at: string): string {
    const path = this.text(from, name, at, /./, 'names no file');
    const found = path === '' ? null : this.files.textIn(path);
    if (path !== '' && !isText(found)) this.faults.push(`${placeIn(at, name)} names no file that can be read`);
    return found ?? '';
  }

  tls(given: unknown, at: string): ClientTls | undefined {
    if (given === undefined) return undefined;
    const tls = this.object(given, at, ['certificateFile', 'keyFile', 'authorityFile']);
    const open = (name: string): string | undefined => (tls[name] === undefined ? undefined : this.file(tls, name, at));
    const [certificate, authority] = [open('certificateFile'), open('authorityFile')];
    const key = tls['keyFile'] === undefined ? undefined : this.secret(tls, 'keyFile', at, true);
    if ((certificate === undefined) !== (key === undefined))
      this.faults.push(`${at} has a certificate without its key, or a key alone`);
    return {
      ...(certificate !== undefined && { certificate }),
      ...(key !== undefined && { key }),
      ...(authority !== undefined && { authority }),
    };
  }
}

const placeIn = (at: string, name: string): string => (at === '' ? name : `${at}.${name}`);
