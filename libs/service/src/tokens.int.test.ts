import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, type JWTPayload, SignJWT } from 'jose';
import { readSettings, type Settings } from './settings.js';
import { createTokenVerifier, issueToken, TokenKeysUnavailable, Unauthenticated } from './tokens.js';

const start = Date.UTC(2026, 0, 1);
let now = start;
const clock = { now: () => now };
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
      await issueToken({ ...settings, tokens: { issuer: 'other', audience: 'weft' } }, clock, request),
      await issueToken({ ...settings, tokens: { issuer: 'weft', audience: 'other' } }, clock, request),
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
  beforeEach(async () => {
    status = 200;
    asked = 0;
    const keys = JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }] });
    server = createServer((_, response) => {
      asked += 1;
      response.writeHead(status, { 'content-type': 'application/json' }).end(keys);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
    const env = { WEFT_DATA_DIR: directory, WEFT_JWKS_URL: url, WEFT_JWT_ISSUER: 'https://id', WEFT_JWT_AUDIENCE: 'weft-region' };
    settings = readSettings(env).settings;
  });
  afterEach(() => new Promise((closed) => server.close(closed)));

  const sign = (
    claims: JWTPayload,
    header = { alg: 'ES256', kid: 'k1' },
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

  it('cannot be judged, rather than are refused, while its keys cannot be had', async () => {
    status = 503;
    await expect(createTokenVerifier(settings, clock)(bearer(await sign({})))).rejects.toBeInstanceOf(TokenKeysUnavailable);
  });

  it('are not made here', async () => {
    await expect(issue()).rejects.toThrow('WEFT_JWKS_URL');
  });
});
