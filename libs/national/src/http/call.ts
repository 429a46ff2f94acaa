import { type IncomingHttpHeaders, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { EngineUnavailable } from '@weft/processing';

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Of the answer, whole (default 15 s). */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly tls?: ClientTls;
}

/** PEM. */
export interface ClientTls {
  readonly certificate?: string;
  readonly key?: string;
  /** Who signs the server's certificate; absent: those whom Node trusts. */
  readonly authority?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

const TIMEOUT_MS = 15_000;
/** A longer answer is none of those that are asked for here. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/**
 * One request over HTTP/1.1, and its whole answer, whatever its status. No redirect is followed, and no proxy of the environment is used. Throws
 * EngineUnavailable where there is no answer; its message repeats no address, which may hold an NHS number.
 */
export function call(engine: string, url: string, options: Call = {}): Promise<HttpAnswer> {
  const { method = 'GET', headers, body, timeoutMs = TIMEOUT_MS, signal, tls = {} } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const request = url.startsWith('https:') ? tlsRequest : plainRequest;
  return new Promise((resolve, reject) => {
    const fail = (cause: Error & { readonly code?: string }): void =>
      reject(new EngineUnavailable(engine, `no answer (${timeout.aborted ? 'timed out' : (cause.code ?? cause.name)})`));
    const { certificate: cert, key, authority: ca } = tls;
    const sent = request(url, {
      method,
      headers: { ...headers, ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }) },
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(ca !== undefined && { ca }),
    });
    sent.on('error', fail);
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('error', fail);
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES_MAX) response.destroy(new Error('the answer is too long'));
        else chunks.push(chunk);
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    sent.end(body);
  });
}

/** Seconds or a date (RFC 9110), as milliseconds from now; 0 where it says neither. */
export function retryAfterMs({ 'retry-after': text }: IncomingHttpHeaders, now: number): number {
  if (text === undefined) return 0;
  if (/^\d{1,6}$/.test(text)) return Number(text) * 1_000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? 0 : Math.max(0, at - now);
}
