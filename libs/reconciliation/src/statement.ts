import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { canonicalJson } from '@weft/domain';
import type { Compared } from './compare.js';
import type { Manifest, ManifestHead } from './manifest.js';

/** What the region states about a manifest: counts and digests, and nobody's id. */
export interface Statement extends ManifestHead, Compared {
  /** The version of this form. */
  readonly statement: 1;
  readonly id: string;
  /** Id of the region. */
  readonly region: string;
  readonly manifest: Pick<Manifest, 'digest' | 'items'>;
  /** RFC 3339: what came later is not in it. */
  readonly comparedAt: string;
}

export interface SignedStatement {
  readonly statement: Statement;
  /** A detached JWS (RFC 7515, appendix F) by Ed25519 over the statement's canonical JSON (RFC 8785). */
  readonly signature: string;
}

/** A public key as JWK (RFC 8037). */
export interface StatementJwk {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
  readonly kid: string;
  readonly use: 'sig';
  readonly alg: 'EdDSA';
}

export interface StatementKey {
  readonly publicJwk: StatementJwk;
  sign(statement: Statement): SignedStatement;
}

/** An Ed25519 private key in DER is this, and its 32 bytes (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The region's key: always the same of the same 32 bytes. */
export function statementKey(seed: Uint8Array): StatementKey {
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' }) as { readonly x: string };
  const kid = thumbprintOf(x);
  return {
    publicJwk: { kty: 'OKP', crv: 'Ed25519', x, kid, use: 'sig', alg: 'EdDSA' },
    sign(statement) {
      const header = base64url(canonicalJson({ alg: 'EdDSA', kid }));
      const value = sign(null, signed(header, statement), privateKey);
      return { statement, signature: `${header}..${value.toString('base64url')}` };
    },
  };
}

/** RFC 7638. */
const thumbprintOf = (x: string): string =>
  createHash('sha256')
    .update(canonicalJson({ crv: 'Ed25519', kty: 'OKP', x }))
    .digest('base64url');

const base64url = (text: string): string => Buffer.from(text, 'utf8').toString('base64url');
const signed = (header: string, statement: unknown): Buffer =>
  Buffer.from(`${header}.${base64url(canonicalJson(statement))}`, 'ascii');

/** What becomes of a signature: `unknown-key` is by none of the keys that were given. */
export type Verdict = 'genuine' | 'forged' | 'unknown-key' | 'malformed';

/** Judges a statement by a region's public keys. Never throws. */
export function verifyStatement(given: unknown, keys: readonly unknown[]): Verdict {
  const { statement, signature } = (typeof given === 'object' && given !== null ? given : {}) as Partial<Record<string, unknown>>;
  if (typeof statement !== 'object' || statement === null || typeof signature !== 'string') return 'malformed';
  const [, header, value] = /^([\w-]+)\.\.([\w-]+)$/.exec(signature) ?? [];
  const { alg, kid } = jsonIn(header) ?? {};
  if (header === undefined || value === undefined || alg !== 'EdDSA' || typeof kid !== 'string') return 'malformed';
  const key = keys.map(keyOf).find((one) => one?.kid === kid);
  if (key === undefined || key === null) return 'unknown-key';
  return verify(null, signed(header, statement), key.publicKey, Buffer.from(value, 'base64url')) ? 'genuine' : 'forged';
}

function jsonIn(part: string | undefined): Record<string, unknown> | null {
  try {
    return JSON.parse(Buffer.from(part ?? '', 'base64url').toString('utf8')) as Record<string, unknown>;
  } catch {
    return null;
  }
}

/** A key goes by its thumbprint, whatever it calls itself. */
function keyOf(jwk: unknown): { readonly kid: string; readonly publicKey: KeyObject } | null {
  const { kty, crv, x } = (typeof jwk === 'object' && jwk !== null ? jwk : {}) as Partial<StatementJwk>;
  if (kty !== 'OKP' || crv !== 'Ed25519' || typeof x !== 'string') return null;
  try {
    return { kid: thumbprintOf(x), publicKey: createPublicKey({ key: { kty, crv, x }, format: 'jwk' }) };
  } catch {
    return null;
  }
}
