import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import type { Clock, Random } from '@weft/processing';
import { NoAnswer } from '../ports.js';
import { call } from './call.js';

/** Application-restricted access by a signed JWT, as NHS England's API platform has it. */
export interface TokenClient {
  /** Of the token endpoint, and so the audience of the assertion. */
  readonly url: string;
  /** The application's API key: `iss` and `sub`. */
  readonly clientId: string;
  /** Under which the public key is registered. */
  readonly keyId: string;
  /** PEM, RSA. */
  readonly privateKey: string;
}

/** The platform takes no assertion that lives longer than five minutes. */
const ASSERTION_SECONDS = 240;
/** A token is renewed before it ends, lest it ends on its way. */
const EARLY_SECONDS = 30;

/** Gives access tokens, each for as long as it lives. */
export class AccessTokens {
  private readonly key: KeyObject;
  private token: Promise<string> | null = null;
  private endsAt = 0;

  /** Throws what node:crypto throws for a key that is none. */
  constructor(
    private readonly client: TokenClient,
    private readonly clock: Clock,
    private readonly random: Random,
  ) {
    this.key = createPrivateKey(client.privateKey);
  }

  /** Throws NoAnswer. */
  async current(): Promise<string> {
    if (this.token === null || this.clock.steady() >= this.endsAt) {
      this.endsAt = Infinity;
      this.token = this.ask();
      this.token.catch(() => this.drop());
    }
    return this.token;
  }

  /** Of one that is not accepted: the next one is asked for anew. */
  drop(): void {
    this.token = null;
  }

  private async ask(): Promise<string> {
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: this.assertion(),
    }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
    const answer = await call('pds', this.client.url, { method: 'POST', headers, body }).catch((cause: unknown) => {
      throw new NoAnswer('gives no access token: its token endpoint does not answer', false, 0, { cause });
    });
    const { access_token: token, expires_in: seconds } = membersOf(answer.body);
    if (answer.status !== 200 || typeof token !== 'string') {
      throw new NoAnswer(`gives no access token (HTTP ${answer.status})`, false);
    }
    this.endsAt = this.clock.steady() + (Number(seconds) > EARLY_SECONDS ? Number(seconds) - EARLY_SECONDS : 1) * 1_000;
    return token;
  }

  /** RS512 alone is accepted. */
  private assertion(): string {
    const { url, clientId, keyId } = this.client;
    const exp = Math.floor(this.clock.now() / 1_000) + ASSERTION_SECONDS;
    const claims = { iss: clientId, sub: clientId, aud: url, jti: this.random.uuid(), exp };
    const signed = [{ alg: 'RS512', typ: 'JWT', kid: keyId }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    return `${signed}.${sign('sha512', Buffer.from(signed), this.key).toString('base64url')}`;
  }
}

function membersOf(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(new TextDecoder().decode(body))) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}
