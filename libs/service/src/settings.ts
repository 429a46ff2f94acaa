import { readFileSync, statSync } from 'node:fs';
import { BlockList } from 'node:net';
import { resolve } from 'node:path';
import { readJson } from '@weft/care-events';
import {
  faultOfReleasedCodes,
  ORGANISATION_KINDS,
  type Organisation,
  type OrganisationKind,
  type ReleasedCodes,
} from '@weft/domain';
import { type Tables, tablesIn } from '@weft/hl7v2';
import { type Hl7v2Listener, hl7v2ListenersIn, type ListenerFiles } from './hl7v2-listeners.js';
import { type NationalSettings, nationalIn } from './national-settings.js';
import { addressesOf } from './ip-addresses.js';

/** What an app is told from outside, read once at its start. Secrets are in it: never log it whole. */
export interface Settings {
  /** Absolute path; embedded engines, generated secrets and the local token key live below it. */
  readonly dataDirectory: string;
  /** Absent: the embedded bus. */
  readonly kafka?: KafkaSettings;
  /** Absent: the embedded store. */
  readonly eventStoreUrl?: string;
  /** How long a start waits for Kafka and EventStoreDB. */
  readonly startPatienceMs: number;
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Where the CLI finds a running Weft. */
  readonly url: string;
  /** The address that links carry, without a slash at its end. Absent: what a trusted proxy says, or where a request arrives. */
  readonly publicUrl?: string;
  /** Those whose X-Forwarded-Proto and X-Forwarded-Host are believed. */
  readonly trustedProxies: BlockList;
  /** Absent: generated once, in the data directory. */
  readonly regionSecret?: string;
  readonly researchSecret?: string;
  readonly integritySecret?: string;
  readonly tokens: TokenSettings;
  /** Of an empty region: those of WEFT_ORGANISATIONS, else the shipped ones. */
  readonly organisations: readonly Organisation[];
  /** Whether the settings name any organisations: then a region of other ones differs from them. */
  readonly namesOrganisations: boolean;
  /** The document of an empty region's first policy, parsed and not yet checked; absent: the shipped one. */
  readonly policy?: unknown;
  /** Codes that population health and research are told, by code system; of systems that it does not name the shipped ones. */
  readonly releasedCodes: ReleasedCodes;
  /** Whether the settings name any released codes. */
  readonly namesReleasedCodes: boolean;
  readonly limits: LimitSettings;
  /** Where engines send HL7 v2 to; mostly none. */
  readonly hl7v2Listeners: readonly Hl7v2Listener[];
  /** A site's tables for HL7 v2, laid over Weft's; absent: Weft's alone. */
  readonly hl7v2Tables: Tables;
  /** Where national events come from, and PDS is asked; mostly in one app alone. */
  readonly national?: NationalSettings;
  readonly logLevel: LogLevel;
}

export interface KafkaSettings {
  /** `host:port` each. */
  readonly brokers: readonly string[];
  readonly ssl: boolean | { readonly ca: string };
  readonly sasl?: { readonly mechanism: SaslMechanism; readonly username: string; readonly password: string };
}

export interface TokenSettings {
  /** Absent: the key pair in the data directory signs and verifies. */
  readonly jwksUrl?: string;
  /** Where clients get tokens of the issuer; said to them, and asked by nobody here. */
  readonly tokenUrl?: string;
  readonly issuer: string;
  readonly audience: string;
  /** The longest that a token of the local key lives. */
  readonly localHours: number;
}

const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
export type SaslMechanism = (typeof SASL_MECHANISMS)[number];
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

interface LimitRange {
  readonly is: string;
  readonly by: number;
  readonly from: number;
  readonly to: number;
}

/** What one caller may take of what all share; a caller is the subject of a token, of an organisation where it names one. */
export const LIMITS = {
  WEFT_LIMIT_TOKEN_RATE: { is: 'requests a second of one caller, twice as many at once', by: 500, from: 1, to: 1_000_000 },
  WEFT_LIMIT_ORGANISATION_RATE: { is: 'the same of one organisation', by: 2_000, from: 1, to: 1_000_000 },
  WEFT_LIMIT_TOKEN_REQUESTS: { is: 'requests of one caller under way at a time', by: 200, from: 1, to: 100_000 },
  WEFT_LIMIT_ORGANISATION_REQUESTS: { is: 'the same of one organisation', by: 500, from: 1, to: 100_000 },
  WEFT_LIMIT_TOKEN_FEEDS: { is: 'subscriptions of one caller at a time', by: 10, from: 1, to: 10_000 },
  WEFT_LIMIT_ORGANISATION_FEEDS: { is: 'the same of one organisation', by: 50, from: 1, to: 10_000 },
  WEFT_LIMIT_FEEDS: { is: 'subscriptions at a time', by: 1_000, from: 1, to: 100_000 },
  WEFT_LIMIT_TOKEN_BODIES: { is: 'MiB of request bodies of one caller at a time', by: 80, from: 64, to: 65_536 },
  WEFT_LIMIT_ORGANISATION_BODIES: { is: 'the same of one organisation', by: 128, from: 64, to: 65_536 },
  WEFT_LIMIT_BODIES: { is: 'MiB of request bodies at a time, besides decisions', by: 256, from: 64, to: 65_536 },
  WEFT_LIMIT_JUDGING_SECONDS: { is: 'seconds that judging one Bundle or batch may take', by: 120, from: 1, to: 3_600 },
  WEFT_LIMIT_DECISION_BODIES: {
    is: 'MiB of decisions’ bodies at a time, a quarter for one organisation',
    by: 32,
    from: 8,
    to: 4_096,
  },
} as const satisfies Record<string, LimitRange>;
export type LimitSettings = { readonly [name in keyof typeof LIMITS]: number };

/** Every setting there is, with what it is for. */
export const SETTINGS = {
  WEFT_DATA_DIR: 'directory of the embedded engines, generated secrets and the local token key (default .weft)',
  WEFT_KAFKA_BROKERS: 'host:port of Kafka brokers, comma separated; absent: the embedded bus',
  WEFT_KAFKA_SSL: 'true: TLS to the brokers',
  WEFT_KAFKA_CA_FILE: 'PEM file of the authority that signed the brokers’ certificates; implies TLS',
  WEFT_KAFKA_SASL_MECHANISM: SASL_MECHANISMS.join(', '),
  WEFT_KAFKA_SASL_USERNAME: 'user at the brokers',
  WEFT_KAFKA_SASL_PASSWORD: 'password at the brokers',
  WEFT_KAFKA_SASL_PASSWORD_FILE: 'file that holds the password at the brokers',
  WEFT_EVENTSTORE_URL: 'connection string of EventStoreDB (esdb://…); absent: the embedded store',
  WEFT_START_PATIENCE: 'seconds that a start waits for Kafka and EventStoreDB (default 60)',
  WEFT_HOST: 'address to listen on (default 127.0.0.1)',
  WEFT_PORT: 'port to listen on, 0 for any (default 8080)',
  WEFT_URL: 'where the CLI finds a running Weft (default: WEFT_HOST and WEFT_PORT, http://127.0.0.1:8080)',
  WEFT_PUBLIC_URL: 'address that links carry, as callers outside reach it (https://host/path)',
  WEFT_TRUSTED_PROXIES:
    'IP addresses and networks, comma separated, whose X-Forwarded-Proto and -Host are believed (default none)',
  WEFT_REGION_SECRET: 'secret under which patients’ keys are made, 32 characters or more',
  WEFT_REGION_SECRET_FILE: 'file that holds it',
  WEFT_RESEARCH_SECRET: 'secret under which research’s keys are made, 32 characters or more, another than the region’s',
  WEFT_RESEARCH_SECRET_FILE: 'file that holds it',
  WEFT_INTEGRITY_SECRET:
    'secret under which audit and decisions are chained, 32 characters or more; absent: made of the region’s',
  WEFT_INTEGRITY_SECRET_FILE: 'file that holds it',
  WEFT_JWKS_URL: 'keys of the token issuer; absent: a local key pair',
  WEFT_TOKEN_URL: 'where clients get tokens of the issuer, as /fhir/metadata says it (https://host/path)',
  WEFT_JWT_ISSUER: 'iss that a token must carry',
  WEFT_JWT_AUDIENCE: 'aud that a token must carry',
  WEFT_LOCAL_TOKEN_HOURS: 'the longest that a token of the local key pair lives (default 12)',
  ...(Object.fromEntries(Object.entries(LIMITS).map(([name, { is, by }]) => [name, `${is} (default ${by})`])) as Record<
    keyof typeof LIMITS,
    string
  >),
  WEFT_ORGANISATIONS:
    'JSON file: a list of { ods, name, kind }, the first organisations of an empty region; absent: the shipped ones',
  WEFT_POLICY: 'JSON file: the first policy of an empty region; absent: the shipped one',
  WEFT_RELEASED_CODES:
    'JSON file: lists of the codes that population health and research of an empty region are told, by code system; absent: the shipped ones',
  WEFT_HL7V2_LISTENERS: 'JSON file: a list of the listeners for HL7 v2 over MLLP (docs/operations.md); absent: none',
  WEFT_HL7V2_TABLES: 'JSON file: tables by which HL7 v2 is mapped, laid over Weft’s (docs/hl7v2.md); absent: Weft’s alone',
  WEFT_NATIONAL: 'JSON file: where national events come from, and PDS is asked (docs/national.md); absent: nowhere',
  WEFT_LOG_LEVEL: LOG_LEVELS.join(', '),
  WEFT_TOKEN: 'bearer token that the CLI uses instead of issuing its own',
} as const;
export type SettingName = keyof typeof SETTINGS;

/** One setting that is wrong. The message never repeats a secret. */
export interface SettingProblem {
  readonly setting: string;
  readonly message: string;
}

/** The environment cannot be used: the message has one line for each setting that is wrong. */
export class SettingsError extends Error {
  constructor(
    readonly problems: readonly SettingProblem[],
    options?: { readonly cause: unknown },
  ) {
    super(problems.map(({ setting, message }) => `${setting}: ${message}`).join('\n'), options);
    this.name = 'SettingsError';
  }
}

/** The region that is shipped, so that a fresh machine has one to publish as. */
export const DEFAULT_ORGANISATIONS: readonly Organisation[] = [
  { ods: 'Y90001', name: 'GP practice', kind: 'gp' },
  { ods: 'RX901', name: 'Acute trust', kind: 'acute' },
  { ods: 'RX902', name: 'Mental health trust', kind: 'mental-health' },
  { ods: 'RX903', name: 'Community trust', kind: 'community' },
];

export type Environment = Readonly<Record<string, string | undefined>>;
type ReadText = (path: string) => string;
type ModeOf = (path: string) => number | null;

/** The permissions of a file; null where there is none, or where the system has no such permissions. */
export function modeOfFile(path: string): number | null {
  if (process.platform === 'win32') return null;
  return statSync(path, { throwIfNoEntry: false })?.mode ?? null;
}

/** What is wrong with the permissions of a file that holds a secret. A group may read it: processes of one service often share one. */
export function whyLoose(mode: number, mayBeRead = false): string | null {
  if ((mode & 0o022) !== 0) return 'may be written by others than its owner: chmod 600, and make a new secret if one did';
  if (!mayBeRead && (mode & 0o004) !== 0) return 'may be read by everybody: chmod 600, and make a new secret if somebody did';
  return null;
}

/** Reads and checks every setting; `overrides` (from the command line) stand before `env`. Throws SettingsError with all that is wrong. */
export function loadSettings(env: Environment, overrides: Environment = {}): Settings {
  const { settings, problems } = readSettings(env, overrides);
  if (problems.length > 0) throw new SettingsError(problems);
  return settings;
}

/** As loadSettings, but answers instead of throwing; `settings` is only sound when `problems` is empty. */
export function readSettings(
  env: Environment,
  overrides: Environment = {},
  readText: ReadText = (path) => readFileSync(path, 'utf8'),
  modeOf: ModeOf = modeOfFile,
): { readonly settings: Settings; readonly problems: readonly SettingProblem[] } {
  const given = { ...env, ...Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined)) };
  const source = new Source(given, readText, modeOf);
  source.refuseMisspelt();
  const [regionSecret, researchSecret, integritySecret] = readKeySecrets(source);
  const host = source.text('WEFT_HOST') ?? '127.0.0.1';
  const port = readPort(source);
  const named = readOrganisations(source);
  const organisations = named ?? DEFAULT_ORGANISATIONS;
  const settings: Settings = {
    dataDirectory: resolve(source.text('WEFT_DATA_DIR') ?? '.weft'),
    kafka: readKafka(source),
    eventStoreUrl: source.url('WEFT_EVENTSTORE_URL', /^(esdb|kurrentdb|kdb)(\+discover)?:$/, 'esdb://host:port'),
    startPatienceMs: source.whole('WEFT_START_PATIENCE', { is: '', by: 60, from: 0, to: 86_400 }) * 1_000,
    host,
    port,
    url: source.url('WEFT_URL', /^https?:$/, 'http://host:port')?.replace(/\/+$/, '') ?? addressOf(host, port),
    publicUrl: readPublicUrl(source),
    trustedProxies: readProxies(source),
    regionSecret,
    researchSecret,
    integritySecret,
    tokens: readTokens(source),
    organisations,
    namesOrganisations: named !== undefined,
    policy: source.json('WEFT_POLICY'),
    releasedCodes: readReleasedCodes(source),
    namesReleasedCodes: source.text('WEFT_RELEASED_CODES') !== undefined,
    limits: readLimits(source),
    hl7v2Listeners: readListeners(source),
    hl7v2Tables: readTables(source),
    national: readNational(source),
    logLevel: source.oneOf('WEFT_LOG_LEVEL', LOG_LEVELS) ?? 'info',
  };
  return { settings, problems: source.problems };
}

/** Where a Weft with these settings answers on this machine. Listening everywhere is no address to ask at, nor is any port one. */
function addressOf(host: string, port: number): string {
  const asked = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${asked.includes(':') ? `[${asked}]` : asked}:${port === 0 ? DEFAULT_PORT : port}`;
}

const DEFAULT_PORT = 8080;

function readPort(source: Source): number {
  const text = source.text('WEFT_PORT');
  if (text === undefined) return DEFAULT_PORT;
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  source.refuse('WEFT_PORT', 'is no port: a number from 0 to 65535');
  return 0;
}

function readPublicUrl(source: Source): string | undefined {
  const text = source.url('WEFT_PUBLIC_URL', /^https?:$/, 'https://host/path');
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) {
    if (source.problems.at(-1)?.setting !== 'WEFT_PUBLIC_URL')
      source.refuse('WEFT_PUBLIC_URL', 'is no address like https://host/path');
    return undefined;
  }
  if (url.username + url.password + url.search + url.hash !== '')
    source.refuse('WEFT_PUBLIC_URL', 'holds more than a host and a path');
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

function readProxies(source: Source): BlockList {
  const text = source.text('WEFT_TRUSTED_PROXIES');
  const proxies = text === undefined ? new BlockList() : addressesOf(text);
  if (proxies === null) source.refuse('WEFT_TRUSTED_PROXIES', 'is no comma separated list of IP addresses and networks');
  return proxies ?? new BlockList();
}

function readLimits(source: Source): LimitSettings {
  const names = Object.keys(LIMITS) as (keyof typeof LIMITS)[];
  const limits = Object.fromEntries(names.map((name) => [name, source.whole(name, LIMITS[name])])) as LimitSettings;
  for (const what of ['RATE', 'REQUESTS', 'FEEDS', 'BODIES']) {
    const of = names.filter((name) => new RegExp(`^WEFT_LIMIT_((TOKEN|ORGANISATION)_)?${what}$`).test(name));
    for (const [index, name] of of.entries()) {
      const narrower = of[index - 1];
      if (narrower !== undefined && limits[name] < limits[narrower]) {
        source.refuse(name, `is ${limits[name]}, less than ${narrower}, which could never be reached`);
      }
    }
  }
  return limits;
}

function readKafka(source: Source): KafkaSettings | undefined {
  const brokers = source
    .text('WEFT_KAFKA_BROKERS')
    ?.split(',')
    .map((broker) => broker.trim());
  const ca = source.file('WEFT_KAFKA_CA_FILE');
  const ssl = ca === undefined ? source.flag('WEFT_KAFKA_SSL') : { ca };
  const sasl = readSasl(source);
  if (brokers === undefined) {
    if (ssl !== false || sasl !== undefined)
      source.refuse('WEFT_KAFKA_BROKERS', 'is missing, though other Kafka settings are there');
    return undefined;
  }
  if (!brokers.every((broker) => /^[^\s:/]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/.test(broker))) {
    source.refuse('WEFT_KAFKA_BROKERS', 'is no comma separated list of host:port');
  }
  return { brokers, ssl, sasl };
}

function readSasl(source: Source): KafkaSettings['sasl'] {
  const mechanism = source.oneOf('WEFT_KAFKA_SASL_MECHANISM', SASL_MECHANISMS);
  const username = source.text('WEFT_KAFKA_SASL_USERNAME');
  const password = source.secret('WEFT_KAFKA_SASL_PASSWORD');
  if (mechanism === undefined && username === undefined && password === undefined) return undefined;
  if (mechanism === undefined) source.refuse('WEFT_KAFKA_SASL_MECHANISM', `is missing: one of ${SASL_MECHANISMS.join(', ')}`);
  if (username === undefined) source.refuse('WEFT_KAFKA_SASL_USERNAME', 'is missing');
  if (password === undefined) source.refuse('WEFT_KAFKA_SASL_PASSWORD', 'is missing (or WEFT_KAFKA_SASL_PASSWORD_FILE)');
  return { mechanism: mechanism ?? 'plain', username: username ?? '', password: password ?? '' };
}

/** A short secret can be guessed, and with it every key turned back into an NHS number: there are only so many of those. */
function readKeySecrets(source: Source): [region?: string, research?: string, integrity?: string] {
  const names = ['WEFT_REGION_SECRET', 'WEFT_RESEARCH_SECRET', 'WEFT_INTEGRITY_SECRET'] as const;
  const [region, research, integrity] = names.map((name) => {
    const secret = source.secret(name);
    const weak = secret === undefined ? null : whyWeak(secret);
    if (weak !== null) source.refuse(name, `${weak}: make one with \`openssl rand -hex 32\``);
    return secret;
  });
  if (region !== undefined && region === research) source.refuse('WEFT_RESEARCH_SECRET', 'is the same as WEFT_REGION_SECRET');
  if (integrity !== undefined && [region, research].includes(integrity)) {
    source.refuse('WEFT_INTEGRITY_SECRET', 'is the same as another secret');
  }
  return [region, research, integrity];
}

const SECRET_CHARACTERS_MIN = 32;
const DIFFERENT_MIN = 8;

function whyWeak(secret: string): string | null {
  if (secret.length < SECRET_CHARACTERS_MIN) return `is shorter than ${SECRET_CHARACTERS_MIN} characters`;
  if (new Set(secret).size < DIFFERENT_MIN) return `has fewer than ${DIFFERENT_MIN} different characters`;
  return /^(.{1,16}?)\1+$/s.test(secret) ? 'is a short text, repeated' : null;
}

function readTokens(source: Source): TokenSettings {
  const jwksUrl = source.url('WEFT_JWKS_URL', /^https?:$/, 'https://host/path');
  const wrong = jwksUrl === undefined ? null : whyNotTrusted(jwksUrl);
  if (wrong !== null) source.refuse('WEFT_JWKS_URL', wrong);
  const issuer = source.text('WEFT_JWT_ISSUER');
  const audience = source.text('WEFT_JWT_AUDIENCE');
  if (jwksUrl !== undefined) {
    // An issuer signs for many audiences with the same keys: without these two any of its tokens would do.
    if (issuer === undefined) source.refuse('WEFT_JWT_ISSUER', 'is missing: WEFT_JWKS_URL needs it');
    if (audience === undefined) source.refuse('WEFT_JWT_AUDIENCE', 'is missing: WEFT_JWKS_URL needs it');
  }
  const localHours = source.whole('WEFT_LOCAL_TOKEN_HOURS', { is: '', by: 12, from: 1, to: 24 * 366 });
  const tokenUrl = source.url('WEFT_TOKEN_URL', /^https?:$/, 'https://host/path');
  return { jwksUrl, tokenUrl, issuer: issuer ?? 'weft', audience: audience ?? 'weft', localHours };
}

/** Whoever stands between and may answer in the issuer's place may be anybody. */
function whyNotTrusted(address: string): string | null {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null) return 'is no address like https://host/path';
  if (url.username !== '' || url.password !== '') return 'holds a user or password: the keys of an issuer are public';
  const isHere = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  return url.protocol === 'https:' || isHere ? null : 'is not https: somebody between could answer with keys of their own';
}

function readOrganisations(source: Source): readonly Organisation[] | undefined {
  const list = source.json('WEFT_ORGANISATIONS');
  if (list === undefined) return undefined;
  const fault = faultOfOrganisations(list);
  if (fault === undefined) return list as Organisation[];
  source.refuse('WEFT_ORGANISATIONS', fault);
  return undefined;
}

function readListeners(source: Source): readonly Hl7v2Listener[] {
  const { listeners, faults } = hl7v2ListenersIn(source.json('WEFT_HL7V2_LISTENERS') ?? [], source);
  for (const fault of faults) source.refuse('WEFT_HL7V2_LISTENERS', fault);
  return listeners;
}

function readTables(source: Source): Tables {
  const { tables, faults } = tablesIn(source.json('WEFT_HL7V2_TABLES') ?? {});
  for (const fault of faults) source.refuse('WEFT_HL7V2_TABLES', fault);
  return tables;
}

function readNational(source: Source): NationalSettings | undefined {
  const given = source.json('WEFT_NATIONAL');
  if (given === undefined) return undefined;
  const { national, faults } = nationalIn(given, source);
  for (const fault of faults) source.refuse('WEFT_NATIONAL', fault);
  return national;
}

function readReleasedCodes(source: Source): ReleasedCodes {
  const list = source.json('WEFT_RELEASED_CODES') ?? {};
  const fault = faultOfReleasedCodes(list);
  if (fault === undefined) return list as ReleasedCodes;
  source.refuse('WEFT_RELEASED_CODES', fault);
  return {};
}

function faultOfOrganisations(list: unknown): string | undefined {
  if (!Array.isArray(list) || list.length === 0) return 'holds no list of organisations';
  const seen = new Set<string>();
  for (const [index, entry] of list.entries()) {
    const { ods, name, kind } = (entry ?? {}) as Partial<Organisation>;
    if (typeof ods !== 'string' || !/^[A-Z0-9]{1,9}$/.test(ods))
      return `[${index}].ods is no ODS code: 1 to 9 capital letters and digits`;
    if (typeof name !== 'string' || name === '') return `[${index}].name is missing`;
    if (!ORGANISATION_KINDS.includes(kind as OrganisationKind))
      return `[${index}].kind is none of ${ORGANISATION_KINDS.join(', ')}`;
    if (seen.has(ods)) return `[${index}].ods is there twice`;
    seen.add(ods);
  }
  return undefined;
}

/** Takes single settings out of the environment and collects what is wrong with them. An empty value is an absent one. */
class Source implements ListenerFiles {
  readonly problems: SettingProblem[] = [];
  constructor(
    private readonly env: Environment,
    private readonly readText: ReadText,
    private readonly modeOf: ModeOf,
  ) {}

  refuse(setting: string, message: string): void {
    this.problems.push({ setting, message });
  }

  text(name: SettingName): string | undefined {
    return this.env[name]?.trim() || undefined;
  }

  flag(name: SettingName): boolean {
    const text = this.text(name)?.toLowerCase();
    if (text !== undefined && !['true', 'false', '1', '0'].includes(text)) this.refuse(name, 'is neither true nor false');
    return text === 'true' || text === '1';
  }

  whole(name: SettingName, { by, from, to }: LimitRange): number {
    const text = this.text(name);
    if (text === undefined) return by;
    const value = Number(text);
    if (/^\d{1,9}$/.test(text) && value >= from && value <= to) return value;
    this.refuse(name, `is no whole number from ${from} to ${to}`);
    return by;
  }

  oneOf<T extends string>(name: SettingName, values: readonly T[]): T | undefined {
    const text = this.text(name)?.toLowerCase();
    if (text === undefined) return undefined;
    const value = values.find((candidate) => candidate === text);
    if (value === undefined) this.refuse(name, `is none of ${values.join(', ')}`);
    return value;
  }

  url(name: SettingName, protocol: RegExp, example: string): string | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    // A connection string may name several hosts, which the URL class cannot read: its scheme is all that is checked here.
    if (!protocol.test(text.slice(0, text.indexOf('://') + 1)) || text.endsWith('://'))
      this.refuse(name, `is no address like ${example}`);
    return text;
  }

  file(name: SettingName): string | undefined {
    const path = this.text(name);
    if (path === undefined) return undefined;
    try {
      return this.readText(path);
    } catch (error) {
      this.refuse(name, `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
      return undefined;
    }
  }

  json(name: SettingName): unknown {
    const text = this.file(name);
    if (text === undefined) return undefined;
    const bytes = Buffer.from(text);
    const reading = readJson(bytes, name, bytes.length);
    if (reading.ok) return reading.event;
    const repeated = reading.problems.find(({ code }) => code === 'repeated-member');
    this.refuse(name, repeated === undefined ? 'holds no JSON' : `holds a member that ${repeated.message} (${repeated.field})`);
    return undefined;
  }

  /** A secret, or the first line of the file that `<name>_FILE` names, as container platforms mount them. */
  secret(
    name: 'WEFT_KAFKA_SASL_PASSWORD' | 'WEFT_REGION_SECRET' | 'WEFT_RESEARCH_SECRET' | 'WEFT_INTEGRITY_SECRET',
  ): string | undefined {
    const inline = this.text(name);
    const file = `${name}_FILE` as const;
    const loose = this.loosenessOf(this.text(file));
    if (loose !== null) this.refuse(file, loose);
    if (inline !== undefined && this.text(file) !== undefined) this.refuse(name, `and ${file} are both there: one is enough`);
    return inline ?? (this.file(file)?.split(/\r?\n/, 1)[0] || undefined);
  }

  textIn(path: string): string | null {
    try {
      return this.readText(path);
    } catch {
      return null;
    }
  }

  loosenessOf(path: string | undefined): string | null {
    const mode = path === undefined ? null : this.modeOf(path);
    if (path === undefined || mode === null) return null;
    // Container platforms mount secrets there, each container's own, readable by whatever user it runs as.
    return whyLoose(mode, resolve(path).startsWith('/run/'));
  }

  /** WEFT_KAFKA_BROKER must not quietly mean the embedded bus. */
  refuseMisspelt(): void {
    const known = Object.keys(SETTINGS);
    for (const name of Object.keys(this.env).filter((candidate) => candidate.startsWith('WEFT_') && !known.includes(candidate))) {
      const meant = known.find((candidate) => distance(name, candidate) <= 2);
      if (meant !== undefined) this.refuse(name, `is no setting; ${meant} is`);
    }
  }
}

/** Levenshtein: how many letters must be added, left out or changed to make `b` of `a`. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
