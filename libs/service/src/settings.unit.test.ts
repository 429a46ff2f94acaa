import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_ORGANISATIONS, LIMITS, loadSettings, readSettings } from './settings.js';

const files = (texts: Record<string, string>) => (path: string) => {
  const text = texts[path];
  if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
  return text;
};
const problemsOf = (env: Record<string, string>, texts: Record<string, string> = {}) =>
  readSettings(env, {}, files(texts)).problems.map(({ setting, message }) => `${setting}: ${message}`);

describe('settings', () => {
  it('has each in the documentation, with what it is when it is not set', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/operations.md'), 'utf8');
    for (const [name, { by }] of Object.entries(LIMITS)) expect(page).toMatch(new RegExp(`\\| \`${name}\` +\\| +${by} `));
    expect(page).toContain('WEFT_LOCAL_TOKEN_HOURS');
  });

  it.each([
    [{ WEFT_LIMIT_TOKEN_RATE: '0' }, 'WEFT_LIMIT_TOKEN_RATE: is no whole number from 1 to 1000000'],
    [{ WEFT_LIMIT_TOKEN_FEEDS: 'many' }, 'WEFT_LIMIT_TOKEN_FEEDS: is no whole number from 1 to 10000'],
    [{ WEFT_LIMIT_BODIES: '63' }, 'WEFT_LIMIT_BODIES: is no whole number from 64 to 65536'],
    [
      { WEFT_LIMIT_TOKEN_REQUESTS: '600' },
      'WEFT_LIMIT_ORGANISATION_REQUESTS: is 500, less than WEFT_LIMIT_TOKEN_REQUESTS, which could never be reached',
    ],
    [
      { WEFT_LIMIT_BODIES: '100' },
      'WEFT_LIMIT_BODIES: is 100, less than WEFT_LIMIT_ORGANISATION_BODIES, which could never be reached',
    ],
    [{ WEFT_LOCAL_TOKEN_HOURS: '0' }, 'WEFT_LOCAL_TOKEN_HOURS: is no whole number from 1 to 8784'],
  ])('refuses limits that cannot be, or that another makes useless: %j', (env, problem) => {
    expect(problemsOf(env)).toEqual([problem]);
  });

  it('needs nothing on a fresh machine', () => {
    const { settings, problems } = readSettings({});
    expect(problems).toEqual([]);
    expect(settings).toMatchObject({
      kafka: undefined,
      eventStoreUrl: undefined,
      host: '127.0.0.1',
      port: 8080,
      url: 'http://127.0.0.1:8080',
      organisations: DEFAULT_ORGANISATIONS,
      logLevel: 'info',
      tokens: { jwksUrl: undefined, issuer: 'weft', audience: 'weft', localHours: 12 },
      limits: { WEFT_LIMIT_TOKEN_RATE: 500, WEFT_LIMIT_BODIES: 256 },
    });
    expect(settings.dataDirectory).toMatch(/[/\\]\.weft$/);
  });

  it('puts the command line before the environment', () => {
    expect(readSettings({ WEFT_PORT: '9000' }, { WEFT_PORT: '9100', WEFT_HOST: undefined }).settings.port).toBe(9100);
  });

  it('takes an empty value for an absent one', () => {
    expect(readSettings({ WEFT_PORT: '', WEFT_KAFKA_BROKERS: ' ' }).settings).toMatchObject({ port: 8080, kafka: undefined });
  });

  it.each([
    [{}, 'http://127.0.0.1:8080'],
    [{ WEFT_PORT: '9000' }, 'http://127.0.0.1:9000'],
    [{ WEFT_PORT: '9000', WEFT_HOST: '0.0.0.0' }, 'http://127.0.0.1:9000'],
    [{ WEFT_HOST: 'fd00::1' }, 'http://[fd00::1]:8080'],
    [{ WEFT_PORT: '0' }, 'http://127.0.0.1:8080'],
    [{ WEFT_PORT: '9000', WEFT_URL: 'https://weft.example/' }, 'https://weft.example'],
  ])('finds a running Weft where these settings have it listen: %j', (env, url) =>
    expect(readSettings(env).settings.url).toBe(url),
  );

  it('names every setting that is wrong, at once', () => {
    const wrong = {
      WEFT_PORT: '80a',
      WEFT_KAFKA_BROKERS: 'http://broker',
      WEFT_EVENTSTORE_URL: 'http://store:2113',
      WEFT_URL: 'localhost:8080',
      WEFT_LOG_LEVEL: 'loud',
      WEFT_REGION_SECRET: 'short',
      WEFT_ORGANISATIONS: 'missing.json',
    };
    expect(
      readSettings(wrong, {}, files({}))
        .problems.map(({ setting }) => setting)
        .sort(),
    ).toEqual(Object.keys(wrong).sort());
    expect(() => loadSettings({ WEFT_PORT: '65536' })).toThrow('WEFT_PORT: is no port');
  });

  it('does not let a misspelt name mean the embedded engines', () => {
    expect(problemsOf({ WEFT_KAFKA_BROKER: 'broker:9092' })).toEqual(['WEFT_KAFKA_BROKER: is no setting; WEFT_KAFKA_BROKERS is']);
    expect(problemsOf({ WEFT_SOMETHING_ELSE: 'x' })).toEqual([]);
  });

  it('reads brokers with TLS and a user, whose password is a mounted file', () => {
    const env = {
      WEFT_KAFKA_BROKERS: 'a:9092, b:9092,[::1]:9092',
      WEFT_KAFKA_CA_FILE: 'ca.pem',
      WEFT_KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
      WEFT_KAFKA_SASL_USERNAME: 'RX901',
      WEFT_KAFKA_SASL_PASSWORD_FILE: 'password',
    };
    const { settings, problems } = readSettings(env, {}, files({ 'ca.pem': 'PEM', password: 'secret\n' }));
    expect(problems).toEqual([]);
    expect(settings.kafka).toEqual({
      brokers: ['a:9092', 'b:9092', '[::1]:9092'],
      ssl: { ca: 'PEM' },
      sasl: { mechanism: 'scram-sha-512', username: 'RX901', password: 'secret' },
    });
  });

  it('refuses Kafka settings that would be left unused, and half a user', () => {
    expect(problemsOf({ WEFT_KAFKA_SSL: 'true' })).toEqual([expect.stringContaining('WEFT_KAFKA_BROKERS: is missing')]);
    expect(problemsOf({ WEFT_KAFKA_BROKERS: 'a:1', WEFT_KAFKA_SASL_USERNAME: 'u' })).toEqual([
      expect.stringContaining('WEFT_KAFKA_SASL_MECHANISM: is missing'),
      expect.stringContaining('WEFT_KAFKA_SASL_PASSWORD: is missing'),
    ]);
    expect(problemsOf({ WEFT_KAFKA_BROKERS: 'a:1', WEFT_KAFKA_SSL: 'maybe' })).toEqual([
      'WEFT_KAFKA_SSL: is neither true nor false',
    ]);
  });

  it('reads a store of several hosts', () => {
    const url = 'esdb://admin:changeit@a:2113,b:2113,c:2113?tls=true';
    expect(readSettings({ WEFT_EVENTSTORE_URL: url })).toMatchObject({ problems: [], settings: { eventStoreUrl: url } });
  });

  it('refuses one secret for the region and for research, and never repeats one', () => {
    const secret = '0f1e2d3c4b5a69788796a5b4c3d2e1f0a';
    expect(problemsOf({ WEFT_REGION_SECRET: secret, WEFT_RESEARCH_SECRET: secret })).toEqual([
      'WEFT_RESEARCH_SECRET: is the same as WEFT_REGION_SECRET',
    ]);
    expect(problemsOf({ WEFT_REGION_SECRET: 'hunter2' }).join()).not.toContain('hunter2');
    expect(problemsOf({ WEFT_REGION_SECRET: secret, WEFT_REGION_SECRET_FILE: 'f' }, { f: secret })).toEqual([
      'WEFT_REGION_SECRET: and WEFT_REGION_SECRET_FILE are both there: one is enough',
    ]);
  });

  it.each([
    ['a'.repeat(64), 'has fewer than 8 different characters'],
    ['pass-w0rd4'.repeat(4), 'is a short text, repeated'],
    ['0f1e2d3c4b5a69788796a5b4c3d2e1f', 'is shorter than 32 characters'],
  ])('refuses a secret that can be guessed, and says how to make one', (secret, fault) => {
    const problem = `WEFT_REGION_SECRET: ${fault}: make one with \`openssl rand -hex 32\``;
    expect(problemsOf({ WEFT_REGION_SECRET: secret })).toEqual([problem]);
  });

  it.each([
    ['/etc/weft/region', 0o100644, ['may be read by everybody: chmod 600, and make a new secret if somebody did']],
    ['/etc/weft/region', 0o100620, ['may be written by others than its owner: chmod 600, and make a new secret if one did']],
    ['/etc/weft/region', 0o100640, []],
    ['/etc/weft/region', 0o100600, []],
    ['/run/secrets/region', 0o100444, []],
    ['/run/secrets/region', 0o100666, ['may be written by others than its owner: chmod 600, and make a new secret if one did']],
    ['/run/../etc/region', 0o100444, ['may be read by everybody: chmod 600, and make a new secret if somebody did']],
  ])('refuses a file of a secret that others may read or change: %s %o', (path, mode, faults) => {
    const texts = { [path]: '0f1e2d3c4b5a69788796a5b4c3d2e1f0a' };
    const { problems } = readSettings({ WEFT_REGION_SECRET_FILE: path }, {}, files(texts), () => mode);
    expect(problems).toEqual(faults.map((message) => ({ setting: 'WEFT_REGION_SECRET_FILE', message })));
  });

  it.each([
    ['http://issuer.example/keys', 'is not https: somebody between could answer with keys of their own'],
    ['https://user:secret@issuer.example/keys', 'holds a user or password: the keys of an issuer are public'],
    ['https://', 'is no address like https://host/path'],
    ['https://issuer.example/keys', undefined],
    ['http://127.0.0.1:8000/keys', undefined],
    ['http://localhost/keys', undefined],
    ['http://localhost.evil.example/keys', 'is not https: somebody between could answer with keys of their own'],
  ])('takes keys of an issuer only from where nobody else can answer: %s', (WEFT_JWKS_URL, fault) => {
    const found = problemsOf({ WEFT_JWKS_URL, WEFT_JWT_ISSUER: 'i', WEFT_JWT_AUDIENCE: 'a' });
    expect(new Set(found)).toEqual(new Set(fault === undefined ? [] : [`WEFT_JWKS_URL: ${fault}`]));
  });

  it('wants issuer and audience beside a key set, which signs for others too', () => {
    expect(problemsOf({ WEFT_JWKS_URL: 'https://issuer/keys' })).toEqual([
      'WEFT_JWT_ISSUER: is missing: WEFT_JWKS_URL needs it',
      'WEFT_JWT_AUDIENCE: is missing: WEFT_JWKS_URL needs it',
    ]);
  });

  it.each([
    ['{}', 'holds no list'],
    ['nonsense', 'holds no JSON'],
    ['[{"ods":"RX901","ods":"RX902"}]', 'holds a member that stands twice in one JSON object'],
    ['[{"ods":"rx901","name":"A","kind":"acute"}]', '[0].ods is no ODS code'],
    ['[{"ods":"RX901","name":"","kind":"acute"}]', '[0].name is missing'],
    ['[{"ods":"RX901","name":"A","kind":"hospital"}]', '[0].kind is none of'],
    ['[{"ods":"RX901","name":"A","kind":"acute"},{"ods":"RX901","name":"B","kind":"gp"}]', '[1].ods is there twice'],
    ['[null]', '[0].ods is no ODS code'],
  ])('refuses %s as organisations', (text, fault) => {
    expect(problemsOf({ WEFT_ORGANISATIONS: 'o.json' }, { 'o.json': text })).toEqual([expect.stringContaining(fault)]);
  });
});
