import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose';
import type { Clock } from '@weft/processing';

/** The longest that a key withdrawn by the issuer lives on here. */
const FRESH_MS = 10 * 60_000;
const FETCH_TIMEOUT_MS = 5_000;
const KEY_SET_LIMIT_CHARACTERS = 1_000_000;
/** Tokens of unknown keys make nobody ask the issuer more often than so, however many come. */
const ASKS_AT_ONCE = 5;
const ASK_EVERY_MS = 30_000;

type Verified = Awaited<ReturnType<typeof jwtVerify>>;

/** Checks a token against the keys of its issuer. Throws what jose throws. */
export type TokenCheck = (token: string, options: JWTVerifyOptions) => Promise<Verified>;

export function checkByKeys(keys: JSONWebKeySet): TokenCheck {
  const keySet = createLocalJWKSet(keys);
  return (token, options) => checked(token, keySet, options);
}

/** By every key that fits, where the token does not say which. */
async function checked(token: string, keySet: JWTVerifyGetKey, options: JWTVerifyOptions): Promise<Verified> {
  try {
    return await jwtVerify(token, keySet, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const key of error) {
      try {
        return await jwtVerify(token, key, options);
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/**
 * The keys at an address, asked for when a token first needs them, again after a while, and at once when a token is signed by a
 * key that is not among them: it may have just been made. That is done a few times in a row, then twice a minute.
 */
export function checkByAddress(address: string, clock: Clock): TokenCheck {
  let keySet: ReturnType<typeof createLocalJWKSet> | undefined;
  let until = 0;
  let asking: Promise<void> | undefined;
  let askedUpTo = 0;

  const ask = (): Promise<void> =>
    (asking ??= fetchKeys(address)
      .then((keys) => {
        keySet = createLocalJWKSet(keys);
        until = clock.steady() + FRESH_MS;
      })
      .finally(() => (asking = undefined)));

  /** Whether the keys were asked for anew. */
  const askAgain = async (): Promise<boolean> => {
    const now = clock.steady();
    const next = Math.max(askedUpTo, now) + ASK_EVERY_MS;
    if (asking === undefined && next > now + ASKS_AT_ONCE * ASK_EVERY_MS) return false;
    if (asking === undefined) askedUpTo = next;
    await ask();
    return true;
  };

  return async (token, options) => {
    if (keySet === undefined || clock.steady() >= until) await ask();
    try {
      return await checked(token, keySet!, options);
    } catch (error) {
      if (!mayBeOfANewKey(error) || !(await askAgain())) throw error;
      return checked(token, keySet!, options);
    }
  };
}

/** A wrong signature may be one by a new key where the token does not say which, or the issuer uses a name again. */
const mayBeOfANewKey = (error: unknown): boolean =>
  error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed;

async function fetchKeys(address: string): Promise<JSONWebKeySet> {
  const response = await fetch(address, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    // Another address than the one that was checked is not asked.
    redirect: 'error',
    signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`the address of the keys answers ${response.status}`);
  const text = await response.text();
  if (text.length > KEY_SET_LIMIT_CHARACTERS) throw new Error('the address of the keys answers too much');
  return JSON.parse(text) as JSONWebKeySet;
}
