import { createPublicKey, verify } from 'node:crypto';
import { type Statement, statementKey, verifyStatement } from './statement.js';

/** RFC 8037, appendix A. */
const key = statementKey(Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex'));
const other = statementKey(Buffer.alloc(32, 7));
const statement: Statement = {
  ...{ statement: 1, id: 'i', region: 'r', kind: 'events', organisation: 'RX901', from: 'f', until: 'u', comparedAt: 'c' },
  manifest: { digest: 'd', items: 1 },
  counts: { sent: 1, arrived: 1, missing: 0, doubled: 0, refused: 0, waiting: 0, unlisted: 0 },
  digests: { missing: 'm', doubled: 'd', refused: 'r', waiting: 'w' },
};
const signed = key.sign(statement);
const keys = [other.publicJwk, key.publicJwk];

describe('a statement', () => {
  it('is signed by a key that is named as the standard has it', () => {
    expect(key.publicJwk).toMatchObject({
      x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
      kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
    });
  });

  it('is genuine however its members are ordered and spaced', () => {
    const reordered = Object.fromEntries(Object.entries(statement).reverse());
    expect(
      verifyStatement(JSON.parse(JSON.stringify({ signature: signed.signature, statement: reordered }, null, 2)), keys),
    ).toBe('genuine');
  });

  it('is a detached JWS, so that any library verifies it', () => {
    const [header, , value] = signed.signature.split('.') as [string, string, string];
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({ alg: 'EdDSA', kid: key.publicJwk.kid });
    const sorted =
      '{"comparedAt":"c","counts":{"arrived":1,"doubled":0,"missing":0,"refused":0,"sent":1,"unlisted":0,"waiting":0},"digests":{"doubled":"d","missing":"m","refused":"r","waiting":"w"},"from":"f","id":"i","kind":"events","manifest":{"digest":"d","items":1},"organisation":"RX901","region":"r","statement":1,"until":"u"}';
    const text = `${header}.${Buffer.from(sorted).toString('base64url')}`;
    const { kty, crv, x } = key.publicJwk;
    const publicKey = createPublicKey({ key: { kty, crv, x }, format: 'jwk' });
    expect(verify(null, Buffer.from(text), publicKey, Buffer.from(value, 'base64url'))).toBe(true);
  });

  it.each<[what: string, given: unknown, keys: readonly unknown[], verdict: string]>([
    [
      'a count that was changed',
      { ...signed, statement: { ...statement, counts: { ...statement.counts, missing: 9 } } },
      keys,
      'forged',
    ],
    ['a member that was added', { ...signed, statement: { ...statement, note: 'x' } }, keys, 'forged'],
    [
      'another’s signature under this key’s name',
      { ...signed, signature: signed.signature.replace(/\.\..*/, `..${other.sign(statement).signature.split('.')[2]}`) },
      keys,
      'forged',
    ],
    ['a key that is not given', signed, [other.publicJwk], 'unknown-key'],
    ['another key that calls itself this one', signed, [{ ...other.publicJwk, kid: key.publicJwk.kid }], 'unknown-key'],
    ['no key at all', signed, [null, {}, { kty: 'OKP', crv: 'Ed25519', x: '?' }], 'unknown-key'],
    [
      'another algorithm',
      { ...signed, signature: `${Buffer.from('{"alg":"none","kid":"x"}').toString('base64url')}..eA` },
      keys,
      'malformed',
    ],
    ['no signature', { statement }, keys, 'malformed'],
    ['nothing', null, keys, 'malformed'],
  ])('with %s is not the region’s', (_, given, by, verdict) => expect(verifyStatement(given, by)).toBe(verdict));
});
