import { readFileSync } from 'node:fs';
import { InvalidCall } from '@weft/processing';

/** What a connection string says, checked. Holds a password and keys: never log it whole. */
export interface Connection {
  /** `host:port` of each, as written; for messages. */
  readonly hosts: readonly string[];
  /** Ask the name server for the cluster's members. */
  readonly discover: boolean;
  readonly user?: { readonly username: string; readonly password: string };
  /** Absent: no TLS. */
  readonly tls?: { readonly rootCertificate?: Buffer; readonly userCertFile?: Buffer; readonly userKeyFile?: Buffer };
  /** By the client's own names for them. */
  readonly options: Readonly<Record<string, number | string>>;
}

export const SETTING = 'WEFT_EVENTSTORE_URL';
const SCHEME = /^(?:esdb|kurrentdb|kdb)(\+discover)?:\/\//;
const HOST = /^(?:[^\s:@[\]%?#/]+|\[[0-9a-fA-F:.]+\])(?::(\d{1,5}))?$/;
const DEFAULT_PORT = 2113;
const NUMBERS = [
  'maxDiscoverAttempts',
  'discoveryInterval',
  'gossipTimeout',
  'defaultDeadline',
  'keepAliveInterval',
  'keepAliveTimeout',
];
const TEXTS = ['connectionName'];
const FLAGS = ['tls', 'tlsVerifyCert', 'throwOnAppendFailure'];
const FILES = ['tlsCAFile', 'userCertFile', 'userKeyFile'];
const KNOWN = [...NUMBERS, ...TEXTS, ...FLAGS, ...FILES, 'nodePreference'];

type ReadFile = (path: string) => Buffer;

/**
 * Reads `esdb://[user:password@]host[:port][,host…][?key=value&…]`. The client's own reader is not used: it prints the whole
 * string, password and all, with what it does not understand, cuts a password at a colon, and takes settings that it ignores.
 * Throws InvalidCall, which names the setting and what is wrong and never quotes a user or a password.
 */
export function parseConnectionString(text: string, readFile: ReadFile = (path) => readFileSync(path)): Connection {
  const trimmed = text.trim();
  const scheme = SCHEME.exec(trimmed);
  if (scheme === null) throw refusal('begins with none of esdb://, esdb+discover://');
  const [, authority = '', query = ''] = /^([^/?#]*)\/*(?:\?(.*))?$/.exec(trimmed.slice(scheme[0].length)) ?? [];
  // Else a password with a / or a ? in it would be taken for options, and quoted.
  if (trimmed.includes('@', scheme[0].length + authority.length)) throw refusal('has a character that must be percent-encoded');
  const at = authority.lastIndexOf('@');
  const hosts = authority
    .slice(at + 1)
    .split(',')
    .map(readHost);
  const discover = scheme[1] !== undefined;
  if (discover && hosts.length > 1) throw refusal('with +discover there is one name to ask for, not several hosts');
  const values = readQuery(query);
  return {
    hosts,
    discover,
    user: readUser(authority.slice(0, Math.max(at, 0))),
    tls: readTls(values, readFile),
    options: readOptions(values),
  };
}

function refusal(what: string): InvalidCall {
  return new InvalidCall(`${SETTING}: ${what}`);
}

function readHost(host: string): string {
  const match = HOST.exec(host);
  if (match === null) throw refusal('has no host:port, or a user or password with a character that must be percent-encoded');
  const port = Number(match[1] ?? DEFAULT_PORT);
  if (port < 1 || port > 65_535) throw refusal(`${port} is no port: a number from 1 to 65535`);
  return match[1] === undefined ? `${host}:${port}` : host;
}

function readUser(text: string): Connection['user'] {
  if (text === '') return undefined;
  const parts = text.split(':');
  const [username, password] = parts.map((part) => decoded(part, 'user or password'));
  if (parts.length !== 2 || !username || !password) throw refusal('needs user:password before the @, percent-encoded');
  return { username, password };
}

function decoded(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refusal(`the ${what} has a % that begins no percent-encoded character`);
  }
}

function readQuery(query: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const pair of query.split('&').filter((part) => part !== '')) {
    const [key = '', ...rest] = pair.split('=');
    const name = KNOWN.find((known) => flat(known) === flat(key));
    if (name === undefined) throw refusal(`${JSON.stringify(key)} is no option: ${KNOWN.join(', ')} are`);
    if (values.has(name)) throw refusal(`${name} is there twice`);
    values.set(name, decoded(rest.join('='), name).trim());
  }
  return values;
}

const flat = (text: string): string => text.trim().toLowerCase().replace(/[_-]/g, '');

function readTls(values: ReadonlyMap<string, string>, readFile: ReadFile): Connection['tls'] {
  for (const flag of FLAGS) {
    const value = values.get(flag) ?? 'true';
    if (value !== 'true' && value !== 'false') throw refusal(`${flag} is neither true nor false`);
  }
  if (values.get('tlsVerifyCert') === 'false')
    throw refusal('tlsVerifyCert=false has no effect here: name the authority in tlsCAFile');
  if (values.get('throwOnAppendFailure') === 'false') throw refusal('throwOnAppendFailure=false would hide refused appends');
  const [rootCertificate, userCertFile, userKeyFile] = FILES.map((name) => readPem(name, values.get(name), readFile));
  if ((userCertFile === undefined) !== (userKeyFile === undefined)) throw refusal('userCertFile and userKeyFile need each other');
  if (values.get('tls') !== 'false') return { rootCertificate, userCertFile, userKeyFile };
  if (rootCertificate !== undefined || userCertFile !== undefined) throw refusal('names certificates, though tls=false');
  return undefined;
}

function readPem(name: string, path: string | undefined, readFile: ReadFile): Buffer | undefined {
  if (path === undefined) return undefined;
  try {
    return readFile(path);
  } catch (error) {
    throw refusal(`${name} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
  }
}

function readOptions(values: ReadonlyMap<string, string>): Connection['options'] {
  // A follower may answer with what stood a moment ago: a consent head read there would show what is withheld by now.
  if (flat(values.get('nodePreference') ?? 'leader') !== 'leader') throw refusal('nodePreference must be leader');
  const options: Record<string, number | string> = {};
  for (const name of TEXTS.filter((text) => values.has(text))) options[name] = values.get(name) ?? '';
  for (const name of NUMBERS.filter((number) => values.has(number))) options[name] = readNumber(name, values.get(name) ?? '');
  return options;
}

function readNumber(name: string, text: string): number {
  const isKeepAlive = name.startsWith('keepAlive');
  if (isKeepAlive && text === '-1') throw refusal(`${name}=-1 would leave a dead connection unnoticed`);
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (Number.isNaN(value) || value === 0) throw refusal(`${name} is no whole number above 0`);
  return value;
}
