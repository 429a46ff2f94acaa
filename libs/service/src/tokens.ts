import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { isPurpose, type Purpose } from '@weft/domain';
import type { Clock } from '@weft/processing';
import { errors, type JWK, type JWTPayload, type ProtectedHeaderParameters, SignJWT } from 'jose';
import type { Actor } from './audit-log.js';
import { keepSecretFile } from './secret-file.js';
import type { Settings } from './settings.js';
import { checkByAddress, checkByKeys } from './token-keys.js';

export const ROLES = ['publisher', 'clinician', 'governance', 'operations', 'subscriber'] as const;
export type Role = (typeof ROLES)[number];

/** Who is calling, as a verified token says. */
export interface Caller extends Actor {
  readonly roles: readonly Role[];
  /** What a subscriber may read for. */
  readonly purposes: readonly Purpose[];
  /** When the token ends, milliseconds since 1970. */
  readonly expiresAt: number;
}

/** The token is missing or not to be trusted: 401. The message says what is wrong with it, never what is in it. */
export class Unauthenticated extends Error {
  constructor(
    readonly reason: 'missing' | 'invalid',
    message: string,
  ) {
    super(message);
    this.name = 'Unauthenticated';
  }
}

/** The issuer's keys cannot be had now, so nobody's token can be judged: 503. */
export class TokenKeysUnavailable extends Error {
  override readonly name = 'TokenKeysUnavailable';
}

/** Judges the value of an Authorization header. Throws Unauthenticated, TokenKeysUnavailable. */
export type TokenVerifier = (authorization: string | undefined) => Promise<Caller>;

export interface TokenRequest {
  readonly roles: readonly Role[];
  readonly organisation?: string;
  readonly purposes?: readonly Purpose[];
  readonly subject?: string;
  /** Seconds; default one hour. */
  readonly expiresIn?: number;
}

/** A verified token is not looked at again for so long, nor beyond its own end: the longest a key withdrawn by the issuer lives on. */
const CACHE_MS = 5 * 60_000;
const CACHED_TOKENS = 10_000;
const CLOCK_TOLERANCE_S = 5;
/** Asymmetric only: with HS256 among them, a public key could be used as a secret. */
const REMOTE_ALGORITHMS = ['ES256', 'ES384', 'EdDSA', 'RS256', 'PS256'];

/** A local token cannot be taken back, so how long it may live is bounded. */
export class TokenTooLong extends Error {
  constructor(hours: number) {
    super(`a token of the local key lives ${hours} hours at most (WEFT_LOCAL_TOKEN_HOURS)`);
    this.name = 'TokenTooLong';
  }
}

/** A token signed with the key pair of the data directory. Throws TokenTooLong; an Error when tokens come from a configured issuer instead. */
export async function issueToken(settings: Settings, clock: Clock, request: TokenRequest): Promise<string> {
  if (settings.tokens.jwksUrl !== undefined) throw new Error('WEFT_JWKS_URL is set: tokens come from its issuer, not from here');
  const { expiresIn = 3600 } = request;
  const { localHours } = settings.tokens;
  if (expiresIn > localHours * 3600) throw new TokenTooLong(localHours);
  const { privateKey, kid } = localKey(settings);
  const now = Math.floor(clock.now() / 1000);
  return new SignJWT({ roles: request.roles, org: request.organisation, purposes: request.purposes })
    .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid })
    .setIssuer(settings.tokens.issuer)
    .setAudience(settings.tokens.audience)
    .setSubject(request.subject ?? 'weft-cli')
    .setIssuedAt(now)
    .setExpirationTime(now + expiresIn)
    .sign(privateKey);
}

/** Tokens of the configured issuer, or of the local key pair, which is made when there is none yet. */
export function createTokenVerifier(settings: Settings, clock: Clock): TokenVerifier {
  const { jwksUrl, issuer, audience, localHours } = settings.tokens;
  const isLocal = jwksUrl === undefined;
  const check = isLocal ? checkByKeys({ keys: [localKey(settings).publicJwk] }) : checkByAddress(jwksUrl, clock);
  const algorithms = isLocal ? ['ES256'] : REMOTE_ALGORITHMS;
  const verified = new Map<string, { readonly caller: Caller; readonly until: number }>();

  return async (authorization) => {
    const token = bearerToken(authorization);
    const digest = createHash('sha256').update(token).digest('base64');
    const now = clock.now();
    const known = verified.get(digest);
    if (known !== undefined && now < known.until) return known.caller;
    verified.delete(digest);
    try {
      const { payload, protectedHeader } = await check(token, {
        algorithms,
        issuer,
        audience,
        requiredClaims: isLocal ? ['exp', 'sub', 'iat'] : ['exp', 'sub'],
        clockTolerance: CLOCK_TOLERANCE_S,
        currentDate: new Date(now),
      });
      refuseOtherTokens(protectedHeader, payload);
      if (isLocal && payload.exp! - payload.iat! > localHours * 3600) {
        throw new Unauthenticated('invalid', `the token lives longer than ${localHours} hours (WEFT_LOCAL_TOKEN_HOURS)`);
      }
      const caller = callerOf(payload);
      // Oldest first: a busy token is verified again every few minutes anyway, so order of arrival serves as well as order of use.
      if (verified.size >= CACHED_TOKENS) verified.delete(verified.keys().next().value!);
      verified.set(digest, { caller, until: Math.min(payload.exp! * 1000, now + CACHE_MS) });
      return caller;
    } catch (error) {
      throw judged(error);
    }
  };
}

function bearerToken(authorization: string | undefined): string {
  if (authorization === undefined || authorization === '') throw new Unauthenticated('missing', 'a bearer token is needed');
  const token = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization)?.[1];
  if (token === undefined) throw new Unauthenticated('invalid', 'the Authorization header holds no bearer token');
  return token;
}

/** What the issuer signs for other uses, such as to say who logged in or out, gives access to nothing here. */
function refuseOtherTokens({ typ }: ProtectedHeaderParameters, claims: JWTPayload): void {
  const isAccess = typ === undefined || ACCESS_TYPES.includes(typ.toLowerCase().replace(/^application\//, ''));
  const use = claims['typ'];
  if (!isAccess || (use !== undefined && use !== 'Bearer')) {
    throw new Unauthenticated('invalid', 'the token is no access token (typ)');
  }
}

const ACCESS_TYPES = ['jwt', 'at+jwt'];
const SUBJECT_CHARACTERS_MAX = 256;

/** It names somebody in the audit, for good. */
function subjectOf(sub: unknown): string {
  const isName = typeof sub === 'string' && sub.trim() !== '' && sub.length <= SUBJECT_CHARACTERS_MAX && !/\p{Cc}/u.test(sub);
  if (isName) return sub;
  throw new Unauthenticated('invalid', `the claim sub is no text of 1 to ${SUBJECT_CHARACTERS_MAX} characters`);
}

function callerOf(claims: JWTPayload): Caller {
  const { sub, exp, roles, org, purposes = [] } = claims;
  if (!Array.isArray(roles)) throw new Unauthenticated('invalid', 'the claim roles is no list');
  if (org !== undefined && (typeof org !== 'string' || !/^[A-Z0-9]{1,9}$/.test(org))) {
    throw new Unauthenticated('invalid', 'the claim org is no ODS code');
  }
  return {
    subject: subjectOf(sub),
    roles: ROLES.filter((role) => roles.includes(role)),
    organisation: org,
    purposes: purposesOf(purposes),
    expiresAt: exp! * 1000,
  };
}

/** One that is not known refuses the token: who wrote it meant something that would not be done. */
function purposesOf(claim: unknown): Purpose[] {
  if (!Array.isArray(claim)) throw new Unauthenticated('invalid', 'the claim purposes is no list');
  return claim.map((purpose: unknown) => {
    if (typeof purpose === 'string' && isPurpose(purpose)) return purpose;
    throw new Unauthenticated('invalid', 'the claim purposes names a purpose that is not known here');
  });
}

function judged(error: unknown): Error {
  if (error instanceof Unauthenticated) return error;
  if (error instanceof errors.JWTExpired) return new Unauthenticated('invalid', 'the token has expired');
  if (error instanceof errors.JWTClaimValidationFailed)
    return new Unauthenticated('invalid', `the claim ${error.claim} is not as expected`);
  if (error instanceof errors.JOSEAlgNotAllowed)
    return new Unauthenticated('invalid', 'the token is signed by an algorithm that is not accepted');
  if (error instanceof errors.JWKSNoMatchingKey)
    return new Unauthenticated('invalid', 'the token is signed by a key that is not the issuer’s');
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return new Unauthenticated('invalid', 'the token’s signature is wrong');
  // What is left of jose's own errors is about the token, unless the key set itself could not be had.
  const aboutToken =
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported;
  return aboutToken
    ? new Unauthenticated('invalid', 'the token is malformed')
    : new TokenKeysUnavailable('the keys of the token issuer cannot be had now', { cause: error });
}

function localKey(settings: Settings): { readonly privateKey: KeyObject; readonly publicJwk: JWK; readonly kid: string } {
  const make = (): string =>
    JSON.stringify(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }));
  const { kty, crv, x, y, d } = JSON.parse(keepSecretFile(join(settings.dataDirectory, 'keys', 'token-key.json'), make)) as JWK;
  const kid = createHash('sha256').update(`${x}.${y}`).digest('hex').slice(0, 16);
  const privateKey = createPrivateKey({ key: { kty, crv, x, y, d }, format: 'jwk' });
  return { privateKey, publicJwk: { kty, crv, x, y, kid, alg: 'ES256', use: 'sig' }, kid };
}
