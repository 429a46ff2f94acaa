import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';

/** Where the engine of one organisation sends HL7 v2 to. */
export interface Hl7v2Listener {
  /** Its name in metrics, logs and the source of its events. */
  readonly name: string;
  /** ODS code. */
  readonly organisation: string;
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Absent: in the clear, on the loopback address or because the settings say so. */
  readonly tls?: Hl7v2Tls;
  /** What MSH-4 may name. Absent: the organisation and its sites. */
  readonly facilities?: readonly string[];
  /** MSH-11: P, or T and D. */
  readonly production: boolean;
  /** Zone of times that name none. */
  readonly timeZone: string;
  /** Who numbers the patients where PID-3 names nobody. */
  readonly mrnAuthority: string;
  /** The fields of PID in which NHS numbers stand; absent: PID-3. */
  readonly nhsNumberIn?: readonly `PID-${number}`[];
  /** Numbers beyond ten equal digits that stand for nobody. */
  readonly placeholders?: readonly string[];
  /** `snapshot`: a report is resent whole, and what it leaves out is gone. */
  readonly results?: 'incremental' | 'snapshot';
  readonly acknowledge: 'auto' | 'original';
  /** Whether MSA-3 says where a message is. */
  readonly tellsPlace: boolean;
  readonly frameBytesMax: number;
  /** Bytes of frames that are open or not durable yet, of all its connections together. */
  readonly heldBytesMax: number;
  readonly connectionsPerAddress: number;
}

interface Hl7v2Tls {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
  /** Who signs the certificates of senders. */
  readonly authority: string;
  /** Whose certificates may send: subjects such as `O=Acute trust, CN=pas`. */
  readonly subjects: readonly string[];
}

/** What the files are read with that a listener names. */
export interface ListenerFiles {
  /** Null where it cannot be read. */
  textIn(path: string): string | null;
  /** What is wrong with its permissions. */
  loosenessOf(path: string): string | null;
}

export const organisationsByHl7v2 = ({ hl7v2Listeners }: { readonly hl7v2Listeners: readonly Hl7v2Listener[] }): string[] => [
  ...new Set(hl7v2Listeners.map(({ organisation }) => organisation)),
];

const MIB = 1024 * 1024;
const FRAME_MIB = 16;
const HELD_MIB = 64;
type Member = readonly [check: (value: unknown) => boolean, message: string];
const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';
const isTextList = (value: unknown): boolean => Array.isArray(value) && value.length > 0 && value.every(isText);
const isWhole = (from: number, to: number) => (value: unknown) =>
  Number.isInteger(value) && Number(value) >= from && Number(value) <= to;
const isPidField = (value: string): boolean => /^PID-[1-9]\d?$/.test(value);
const isBoolean = (value: unknown): boolean => typeof value === 'boolean';

const MEMBERS: Readonly<Record<string, Member>> = {
  name: [(value) => isText(value) && /^[a-z0-9][a-z0-9-]{0,29}$/.test(value), 'is no name of small letters, digits and hyphens'],
  organisation: [(value) => isText(value) && /^[A-Z0-9]{1,9}$/.test(value), 'is no ODS code'],
  host: [isText, 'is no address to listen on'],
  port: [isWhole(0, 65_535), 'is no port: a number from 0 to 65535'],
  tls: [(value) => typeof value === 'object' && value !== null, 'is no { certificateFile, keyFile, authorityFile, subjects }'],
  plain: [isBoolean, 'is neither true nor false'],
  facilities: [isTextList, 'is no list of what MSH-4 may name'],
  production: [isBoolean, 'is neither true nor false'],
  timeZone: [isZone, 'is no time zone, such as Europe/London'],
  mrnAuthority: [isText, 'is no assigning authority'],
  nhsNumberIn: [(value) => isTextList(value) && (value as string[]).every(isPidField), 'is no list of fields, such as PID-3'],
  placeholders: [
    (value) => isTextList(value) && (value as string[]).every((one) => /^\d{10}$/.test(one)),
    'is no list of ten digits each',
  ],
  results: [(value) => value === 'incremental' || value === 'snapshot', 'is neither incremental nor snapshot'],
  acknowledge: [(value) => value === 'auto' || value === 'original', 'is neither auto nor original'],
  tellsPlace: [isBoolean, 'is neither true nor false'],
  frameMiB: [isWhole(1, 64), 'is no whole number from 1 to 64'],
  heldMiB: [isWhole(2, 4_096), 'is no whole number from 2 to 4096'],
  connectionsPerAddress: [isWhole(1, 100_000), 'is no whole number from 1 to 100000'],
};
const TLS_MEMBERS = ['certificateFile', 'keyFile', 'authorityFile', 'subjects'];
const NEEDED = ['name', 'organisation', 'port'];

/** Reads and checks the list; each fault names its place. */
export function hl7v2ListenersIn(
  list: unknown,
  files: ListenerFiles,
): { readonly listeners: readonly Hl7v2Listener[]; readonly faults: readonly string[] } {
  if (!Array.isArray(list)) return { listeners: [], faults: ['holds no list of listeners'] };
  const read = list.map((entry: unknown, index) => readListener(entry, `[${index}]`, files));
  const listeners = read.flatMap(({ listener }) => listener ?? []);
  const names = listeners.map(({ name }) => name);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  const places = listeners.filter(({ port }) => port !== 0).map(({ host, port }) => `${host}:${port}`);
  const shared = places.filter((place, index) => places.indexOf(place) !== index);
  return {
    listeners,
    faults: [
      ...read.flatMap(({ faults }) => faults),
      ...twice.map((name) => `two listeners are called ${name}`),
      ...shared.map((place) => `two listeners are at ${place}`),
    ],
  };
}

type Entry = Readonly<Record<string, unknown>>;
type ListenerReading = { readonly listener?: Hl7v2Listener; readonly faults: readonly string[] };

function readListener(entry: unknown, at: string, files: ListenerFiles): ListenerReading {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return { faults: [`${at} is no listener`] };
  const given = entry as Entry;
  const faults = faultsOfMembers(given, at);
  if (faults.length > 0) return { faults };
  const host = (given['host'] as string | undefined) ?? '127.0.0.1';
  const tls = given['tls'] === undefined ? { faults: [] } : readTls(given['tls'] as Entry, `${at}.tls`, files);
  const plain = given['tls'] === undefined && given['plain'] !== true && !isLoopback(host);
  const [frameMiB, heldMiB] = [
    (given['frameMiB'] as number | undefined) ?? FRAME_MIB,
    (given['heldMiB'] as number | undefined) ?? HELD_MIB,
  ];
  const wrong = [
    ...tls.faults,
    ...(plain ? [`${at}.tls is missing: in the clear only on the loopback address, or where "plain" is true`] : []),
    ...(heldMiB < 2 * frameMiB ? [`${at}.heldMiB is less than two frames of frameMiB`] : []),
  ];
  if (wrong.length > 0) return { faults: wrong };
  const limits = { frameBytesMax: frameMiB * MIB, heldBytesMax: heldMiB * MIB };
  return {
    listener: { ...usualListener('', given['organisation'] as string), ...given, host, tls: tls.tls, ...limits },
    faults: [],
  };
}

/** A listener of which nothing is said but whose it is: in the clear, on the loopback address, at a port that the system chooses. */
export const usualListener = (name: string, organisation: string): Hl7v2Listener => ({
  ...{ name, organisation, host: '127.0.0.1', port: 0, mrnAuthority: organisation, production: true },
  ...{ timeZone: 'Europe/London', acknowledge: 'auto', tellsPlace: true, connectionsPerAddress: 64 },
  ...{ frameBytesMax: FRAME_MIB * MIB, heldBytesMax: HELD_MIB * MIB },
});

function faultsOfMembers(given: Entry, at: string): string[] {
  return [
    ...NEEDED.filter((name) => given[name] === undefined).map((name) => `${at}.${name} is missing`),
    ...Object.entries(given).flatMap(([name, value]) => {
      const member = Object.hasOwn(MEMBERS, name) ? MEMBERS[name] : undefined;
      if (member === undefined) return [`${at} has a member that no listener has; there are ${Object.keys(MEMBERS).join(', ')}`];
      return member[0](value) ? [] : [`${at}.${name} ${member[1]}`];
    }),
  ];
}

function readTls(
  given: Entry,
  at: string,
  files: ListenerFiles,
): { readonly tls?: Hl7v2Tls; readonly faults: readonly string[] } {
  const unknown = Object.keys(given).some((name) => !TLS_MEMBERS.includes(name));
  if (unknown) return { faults: [`${at} has a member that it cannot have; there are ${TLS_MEMBERS.join(', ')}`] };
  if (!isTextList(given['subjects'])) return { faults: [`${at}.subjects is no list of the subjects of senders’ certificates`] };
  const names = ['certificateFile', 'keyFile', 'authorityFile'];
  const texts = names.map((name) => (isText(given[name]) ? files.textIn(given[name]) : null));
  const faults = names.flatMap((name, index) => (texts[index] === null ? [`${at}.${name} names no file that can be read`] : []));
  if (faults.length > 0) return { faults };
  const loose = files.loosenessOf(given['keyFile'] as string);
  if (loose !== null) return { faults: [`${at}.keyFile ${loose}`] };
  const [certificate, key, authority] = texts as [string, string, string];
  try {
    createSecureContext({ cert: certificate, key, ca: authority });
  } catch (error) {
    // What OpenSSL says names no part of a key.
    return { faults: [`${at} is no certificate with its key and an authority (${(error as Error).message})`] };
  }
  return { tls: { certificate, key, authority, subjects: given['subjects'] as string[] }, faults: [] };
}

function isZone(value: unknown): boolean {
  try {
    return isText(value) && new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
