import { DEFAULT_ORGANISATIONS, loadSettings, readSettings } from './settings.js';

const files = (texts: Record<string, string>) => (path: string) => {
  const text = texts[path];
  if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
  return text;
};
const problemsOf = (env: Record<string, string>, texts: Record<string, string> = {}) =>
  readSettings(env, {}, files(texts)).problems.map(({ setting, message }) => `${setting}: ${message}`);

describe('settings', () => {
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
      tokens: { jwksUrl: undefined, issuer: 'weft', audience: 'weft' },
    });
    expect(settings.dataDirectory).toMatch(/[/\\]\.weft$/);
  });

  it('puts the command line before the environment', () => {
    expect(readSettings({ WEFT_PORT: '9000' }, { WEFT_PORT: '9100', WEFT_HOST: undefined }).settings.port).toBe(9100);
  });

  it('takes an empty value for an absent one', () => {
    expect(readSettings({ WEFT_PORT: '', WEFT_KAFKA_BROKERS: ' ' }).settings).toMatchObject({ port: 8080, kafka: undefined });
  });

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
    const secret = 'x'.repeat(32);
    expect(problemsOf({ WEFT_REGION_SECRET: secret, WEFT_RESEARCH_SECRET: secret })).toEqual([
      'WEFT_RESEARCH_SECRET: is the same as WEFT_REGION_SECRET',
    ]);
    expect(problemsOf({ WEFT_REGION_SECRET: 'hunter2' }).join()).not.toContain('hunter2');
    expect(problemsOf({ WEFT_REGION_SECRET: secret, WEFT_REGION_SECRET_FILE: 'f' }, { f: secret })).toEqual([
      'WEFT_REGION_SECRET: and WEFT_REGION_SECRET_FILE are both there: one is enough',
    ]);
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
    ['[{"ods":"rx901","name":"A","kind":"acute"}]', '[0].ods is no ODS code'],
    ['[{"ods":"RX901","name":"","kind":"acute"}]', '[0].name is missing'],
    ['[{"ods":"RX901","name":"A","kind":"hospital"}]', '[0].kind is none of'],
    ['[{"ods":"RX901","name":"A","kind":"acute"},{"ods":"RX901","name":"B","kind":"gp"}]', '[1].ods is there twice'],
    ['[null]', '[0].ods is no ODS code'],
  ])('refuses %s as organisations', (text, fault) => {
    expect(problemsOf({ WEFT_ORGANISATIONS: 'o.json' }, { 'o.json': text })).toEqual([expect.stringContaining(fault)]);
  });
});
