import type { Problem, Purpose } from '@weft/domain';
import { issueToken, type Role, type Settings, systemClock } from '@weft/service';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, Failure } from './failure.js';

/** What a token issued for one command is good for. */
const TOKEN_SECONDS = 15 * 60;
/** After so long without an answer a command that was under way gives up. */
const PATIENCE_MS = 60_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 8_000;

export interface Asked {
  readonly method?: 'GET' | 'POST';
  readonly body?: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent again with pauses while Weft is busy or away, for a minute. Only for what may be sent twice. */
  readonly patient?: boolean;
}

/** RFC 9457. */
interface ProblemAnswer {
  readonly title?: string;
  readonly detail?: string;
  readonly errors?: readonly Problem[];
  readonly [member: string]: unknown;
}

/** Weft answered that it will not. */
export class Refused extends Failure {
  constructor(
    readonly status: number,
    readonly problem: ProblemAnswer,
  ) {
    super(EXIT.finding, sentence(problem, status), adviceOn(status));
  }
}

function sentence({ title = 'the request was refused', detail, errors = [] }: ProblemAnswer, status: number): string {
  const fields = errors.slice(0, 20).map(({ field, message }) => `\n  ${field === '' ? '' : `${field}: `}${message}`);
  const more = errors.length > 20 ? `\n  and ${errors.length - 20} more` : '';
  return `${title} (${status})${detail === undefined ? '' : `: ${detail}`}${fields.join('')}${more}`;
}

function adviceOn(status: number): string | undefined {
  if (status === 401) return 'is WEFT_DATA_DIR the data directory of the Weft that answers? Its key signs the token';
  return undefined;
}

interface Caller {
  readonly roles: readonly Role[];
  readonly organisation?: string;
  /** Who speaks, as the audit will name them. */
  readonly subject?: string;
  readonly purposes?: readonly Purpose[];
  /** Seconds that its token is good for. */
  readonly expiresIn?: number;
  readonly givenToken?: string;
  /** Ends every request and every wait. */
  readonly signal?: AbortSignal;
}

/** A request that sends JSON. */
export const posted = (body: object) =>
  ({ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }) as const;

/** A running Weft, spoken to as somebody with these roles. */
export class Client {
  private token: Promise<string> | undefined;
  private hasAnswered = false;

  constructor(
    private readonly settings: Settings,
    private readonly as: Caller,
  ) {}

  /** Resolves for 2xx. Throws Refused for other answers, Failure (unreachable) when there is none. */
  async ask(path: string, asked: Asked = {}): Promise<Response> {
    const deadline = Date.now() + PATIENCE_MS;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      const outcome = await this.once(path, asked);
      if (outcome instanceof Response && outcome.ok) return outcome;
      const isAway = !(outcome instanceof Response) || outcome.status === 503 || outcome.status === 429;
      // A Weft that never answered is not there; one that did is likely to come back.
      const mayComeBack = outcome instanceof Response || this.hasAnswered;
      if (!isAway || !mayComeBack || asked.patient !== true || Date.now() + pause > deadline) throw await this.failure(outcome);
      const wanted = outcome instanceof Response ? Number(outcome.headers.get('retry-after') ?? 0) * 1_000 : 0;
      const wait = Math.max(pause, Math.min(wanted, LONGEST_PAUSE_MS)) * (0.75 + Math.random() / 2);
      if (outcome instanceof Response) await outcome.body?.cancel();
      await sleep(wait, undefined, { signal: this.as.signal });
    }
  }

  async json<T>(path: string, asked: Asked = {}): Promise<T> {
    return (await (await this.ask(path, asked)).json()) as T;
  }

  private async once(path: string, { method = 'GET', body, headers }: Asked): Promise<Response | Error> {
    const { signal } = this.as;
    const token = await this.bearer();
    const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    try {
      const response = await fetch(`${this.settings.url}${path}`, {
        method,
        headers: { accept: 'application/json, application/problem+json;q=0.9, */*;q=0.1', ...headers, ...authorization },
        ...(body !== undefined && { body: body as string | Uint8Array<ArrayBuffer> }),
        ...(signal !== undefined && { signal }),
      });
      this.hasAnswered = true;
      return response;
    } catch (error) {
      if (signal?.aborted === true) throw error;
      return error as Error;
    }
  }

  private async failure(outcome: Response | Error): Promise<Failure> {
    const { url } = this.settings;
    if (outcome instanceof Error) {
      const code = (outcome.cause as { code?: unknown } | undefined)?.code;
      const why = typeof code === 'string' ? ` (${code})` : '';
      return new Failure(
        EXIT.unreachable,
        `Weft does not answer at ${url}${why}`,
        'start it with `weft up`, or say where it is with --url or WEFT_URL',
        { cause: outcome },
      );
    }
    const problem = await problemOf(outcome);
    if (outcome.status < 500) return new Refused(outcome.status, problem);
    return new Failure(EXIT.unreachable, `Weft at ${url} cannot do this now: ${sentence(problem, outcome.status)}`);
  }

  private async bearer(): Promise<string | undefined> {
    const { roles, organisation, subject, purposes, expiresIn = TOKEN_SECONDS, givenToken } = this.as;
    if (givenToken !== undefined) return givenToken;
    if (this.settings.tokens.jwksUrl !== undefined) {
      throw new Failure(EXIT.usage, 'tokens come from the issuer of WEFT_JWKS_URL', 'put one into WEFT_TOKEN');
    }
    // Where no Weft ever was there is no key to sign with, and none must be left behind by asking.
    if (!existsSync(this.settings.dataDirectory)) return undefined;
    this.token ??= issueToken(this.settings, systemClock, {
      roles,
      expiresIn,
      ...(organisation !== undefined && { organisation }),
      ...(subject !== undefined && { subject }),
      ...(purposes !== undefined && { purposes }),
    });
    return this.token;
  }
}

async function problemOf(response: Response): Promise<ProblemAnswer> {
  try {
    const body = (await response.json()) as unknown;
    return body !== null && typeof body === 'object' ? (body as ProblemAnswer) : {};
  } catch {
    return {};
  }
}
