import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose';
import { readSettings, type Settings } from './settings.js';
import { createTokenVerifier, issueToken, TokenKeysUnavailable, TokenTooLong, Unauthenticated } from './tokens.js';

const start = Date.UTC(2026, 0, 1);
let now = start;
const clock = { now: () => now, steady: () => now };
let directory: string;
let settings: Settings;

beforeEach(() => {
  now = start;
  directory = mkdtempSync(join(tmpdir(), 'weft-tokens-'));
  settings = readSettings({ WEFT_DATA_DIR: directory }).settings;
});
afterEach(() => rmSync(directory, { recursive: true }));

const bearer = (token: string) => `Bearer ${token}`;
const issue = (request: Partial<Parameters<typeof issueToken>[2]> = {}) =>
  issueToken(settings, clock, { roles: ['publisher'], organisation: 'RX901', subject: 'engine', ...request });

describe('local tokens', () => {
  it('say who calls, as what, and for whom', async () => {
    expect(await createTokenVerifier(settings, clock)(bearer(await issue()))).toEqual({
      subject: 'engine',
      roles: ['publisher'],
      organisation: 'RX901',
      purposes: [],
      expiresAt: start + 3_600_000,
    });
  });

  it('say what a subscriber may read for, and when they end', async () => {
    const token = await issue({ roles: ['subscriber'], purposes: ['research', 'population-health'], expiresIn: 60 });
    expect(await createTokenVerifier(settings, clock)(bearer(token))).toMatchObject({
      purposes: ['research', 'population-health'],
      expiresAt: start + 60_000,
    });
  });

  it('are signed by one key, kept where only its owner reads, by whichever process came first', async () => {
    const verifiers = [createTokenVerifier(settings, clock), createTokenVerifier(settings, clock)];
    const token = bearer(await issue());
    for (const verify of verifiers) await expect(verify(token)).resolves.toMatchObject({ subject: 'engine' });
    const kept = readdirSync(join(directory, 'keys'));
    expect(kept).toEqual(['token-key.json']);
    expect(statSync(join(directory, 'keys', kept[0]!)).mode & 0o777).toBe(0o600);
  });

  it('end when they say, even after they were found sound', async () => {
    const verify = createTokenVerifier(settings, clock);
    const token = bearer(await issue({ expiresIn: 60 }));
    await verify(token);
    now = start + 59_999;
    await expect(verify(token)).resolves.toBeDefined();
    now = start + 66_000;
    await expect(verify(token)).rejects.toThrow('the token has expired');
  });

  it('live no longer than the settings say: longer ones are not made, and those made elsewhere not taken', async () => {
    const verify = createTokenVerifier(settings, clock);
    await expect(verify(bearer(await issue({ expiresIn: 12 * 3_600 })))).resolves.toBeDefined();
    await expect(issue({ expiresIn: 12 * 3_600 + 1 })).rejects.toThrow(TokenTooLong);
    const longer = { ...settings, tokens: { ...settings.tokens, localHours: 24 } };
    const token = bearer(await issueToken(longer, clock, { roles: ['operations'], expiresIn: 86_400 }));
    await expect(verify(token)).rejects.toThrow('the token lives longer than 12 hours (WEFT_LOCAL_TOKEN_HOURS)');
    await expect(createTokenVerifier(longer, clock)(token)).resolves.toBeDefined();
  });

  it('carry no role that there is not', async () => {
    const token = await issue({ roles: ['publisher', 'root' as 'publisher'] });
    expect((await createTokenVerifier(settings, clock)(bearer(token))).roles).toEqual(['publisher']);
  });

  it.each([
    ['', 'missing'],
    ['Basic dXNlcjpwYXNz', 'invalid'],
    ['Bearer', 'invalid'],
    ['Bearer not.a.token', 'invalid'],
    ['Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4IiwiZXhwIjo5OTk5OTk5OTk5LCJyb2xlcyI6WyJnb3Zlcm5hbmNlIl19.', 'invalid'],
  ])('are wanted, not %j', async (authorization, reason) => {
    const refusal = await createTokenVerifier(settings, clock)(authorization).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(Unauthenticated);
    expect(refusal).toMatchObject({ reason });
  });

  it('of another data directory, another issuer, another audience or a changed text are refused', async () => {
    const verify = createTokenVerifier(settings, clock);
    const elsewhere = { ...settings, dataDirectory: join(directory, 'elsewhere') };
    const request = { roles: ['governance'] as const };
    const foreign = [
      await issueToken(elsewhere, clock, request),
      await issueToken({ ...settings, tokens: { ...settings.tokens, issuer: 'other' } }, clock, request),
      await issueToken({ ...settings, tokens: { ...settings.tokens, audience: 'other' } }, clock, request),
    ];
    const [head, , signature] = (await issue()).split('.');
    const claims = Buffer.from(
      JSON.stringify({ iss: 'weft', aud: 'weft', sub: 'x', exp: start, roles: ['governance'] }),
    ).toString('base64url');
    foreign.push(`${head}.${claims}.${signature}`);
    for (const token of foreign) await expect(verify(bearer(token))).rejects.toBeInstanceOf(Unauthenticated);
  });
});

describe('tokens of a configured issuer', () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  let server: Server;
  let status: number;
  let asked: number;
  /** What the issuer answers. */
  let keys: readonly object[];
  const publicKeyOf = async (of: typeof pair, kid?: string) => ({
    ...(await exportJWK(of.publicKey)),
    ...(kid !== undefined && { kid }),
    ...{ alg: 'ES256', use: 'sig' },
  });
  beforeEach(async () => {
    status = 200;
    asked = 0;
    keys = [await publicKeyOf(pair, 'k1')];
    server = createServer((_, response) => {
      asked += 1;
      response.writeHead(status, { 'content-type': 'application/json', location: '/keys' }).end(JSON.stringify({ keys }));
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
    const env = { WEFT_DATA_DIR: directory, WEFT_JWKS_URL: url, WEFT_JWT_ISSUER: 'https://id', WEFT_JWT_AUDIENCE: 'weft-region' };
    settings = readSettings(env).settings;
  });
  afterEach(() => new Promise((closed) => server.close(closed)));

  const sign = (
    claims: JWTPayload,
    header: JWTHeaderParameters = { alg: 'ES256', kid: 'k1' },
    key: Parameters<SignJWT['sign']>[0] = pair.privateKey,
  ) =>
    new SignJWT({ iss: 'https://id', aud: 'weft-region', sub: 'dr', exp: start / 1000 + 60, roles: ['clinician'], ...claims })
      .setProtectedHeader(header)
      .sign(key);

  it('are judged by its keys, which are asked for once', async () => {
    const verify = createTokenVerifier(settings, clock);
    for (const org of ['RX901', 'RX902'])
      await expect(verify(bearer(await sign({ org })))).resolves.toMatchObject({ organisation: org });
    expect(asked).toBe(1);
  });

  it.each<[string, JWTPayload]>([
    ['for somebody else', { aud: 'other' }],
    ['from somebody else', { iss: 'https://evil' }],
    ['without an end', { exp: undefined }],
    ['without a subject', { sub: undefined }],
    ['with a subject that is no text', { sub: 7 as unknown as string }],
    ['with a blank subject', { sub: ' ' }],
    ['with an endless subject', { sub: 'x'.repeat(257) }],
    ['with a subject that would move a cursor', { sub: 'dr\u001b[2J' }],
    ['that say who somebody is, and give no access', { typ: 'ID' }],
    ['that fetch other tokens', { typ: 'Refresh' }],
    ['of an organisation that is no code', { org: "RX901'; --" }],
    ['with roles that are no list', { roles: 'governance' }],
    ['with purposes that are no list', { purposes: 'research' }],
    ['with a purpose that there is not', { purposes: ['research', 'marketing'] }],
    ['with a purpose that is no text', { purposes: [{ code: 'research' }] }],
    ['with no purposes where null is said', { purposes: null }],
  ])('are refused when %s', async (_, claims) => {
    await expect(createTokenVerifier(settings, clock)(bearer(await sign(claims)))).rejects.toBeInstanceOf(Unauthenticated);
  });

  it('are refused when signed with a shared secret or an unknown key', async () => {
    const verify = createTokenVerifier(settings, clock);
    const secret = createSecretKey(Buffer.from(JSON.stringify(await exportJWK(pair.publicKey))));
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    for (const token of [
      await sign({}, { alg: 'HS256', kid: 'k1' }, secret),
      await sign({}, { alg: 'ES256', kid: 'k1' }, other),
    ]) {
      await expect(verify(bearer(token))).rejects.toBeInstanceOf(Unauthenticated);
    }
  });

  it.each(['JWT', 'at+jwt', 'application/at+jwt', undefined])('are taken of type %s', async (typ) => {
    const header = { alg: 'ES256', kid: 'k1', ...(typ !== undefined && { typ }) };
    await expect(createTokenVerifier(settings, clock)(bearer(await sign({ typ: 'Bearer' }, header)))).resolves.toBeDefined();
  });

  it.each(['logout+jwt', 'dpop+jwt', 'secevent+jwt'])('are refused of type %s', async (typ) => {
    const token = await sign({}, { alg: 'ES256', kid: 'k1', typ });
    await expect(createTokenVerifier(settings, clock)(bearer(token))).rejects.toThrow('the token is no access token (typ)');
  });

  it('are good by a key that was made just now: the issuer is asked at once, and not for every token of nobody’s', async () => {
    const verify = createTokenVerifier(settings, clock);
    await verify(bearer(await sign({})));
    const next = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    keys = [await publicKeyOf(next, 'k2')];
    await expect(verify(bearer(await sign({}, { alg: 'ES256', kid: 'k2' }, next.privateKey)))).resolves.toBeDefined();
    expect(asked).toBe(2);
    for (let index = 0; index < 100; index += 1) {
      const token = await sign({}, { alg: 'ES256', kid: `none${index}` }, pair.privateKey);
      await expect(verify(bearer(token))).rejects.toThrow('a key that is not the issuer’s');
    }
    expect(asked).toBe(6);
    now += 30_000;
    await expect(verify(bearer(await sign({}, { alg: 'ES256', kid: 'late' })))).rejects.toBeInstanceOf(Unauthenticated);
    expect(asked).toBe(7);
  });

  it('are good by any of its keys that fits, where they do not say by which', async () => {
    const others = [1, 2].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }));
    keys = [...(await Promise.all(others.map((one) => publicKeyOf(one)))), await publicKeyOf(pair, 'k1')];
    const verify = createTokenVerifier(settings, clock);
    for (const { privateKey } of [pair, ...others]) {
      await expect(verify(bearer(await sign({}, { alg: 'ES256' }, privateKey)))).resolves.toBeDefined();
    }
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    await expect(verify(bearer(await sign({}, { alg: 'ES256' }, stranger)))).rejects.toThrow('signature is wrong');
  });

  it('are not judged by keys of another address, to which the issuer’s sends on', async () => {
    status = 302;
    await expect(createTokenVerifier(settings, clock)(bearer(await sign({})))).rejects.toBeInstanceOf(TokenKeysUnavailable);
    expect(asked).toBe(1);
  });

  it('of a key that was withdrawn are refused within ten minutes', async () => {
    const verify = createTokenVerifier(settings, clock);
    await verify(bearer(await sign({ sub: 'first' })));
    keys = [];
    now += 10 * 60_000;
    const token = await sign({ sub: 'second', exp: now / 1000 + 60 });
    await expect(verify(bearer(token))).rejects.toBeInstanceOf(Unauthenticated);
  });

  it('cannot be judged, rather than are refused, while its keys cannot be had', async () => {
    status = 503;
    await expect(createTokenVerifier(settings, clock)(bearer(await sign({})))).rejects.toBeInstanceOf(TokenKeysUnavailable);
  });

  it('are not made here', async () => {
    await expect(issue()).rejects.toThrow('WEFT_JWKS_URL');
  });
});
