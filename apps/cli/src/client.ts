import { parseWithDigits, type Problem, type Purpose } from '@weft/domain';
import { issueToken, REGION_HEADER, type Role, type Settings, systemClock } from '@weft/service';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, Failure } from './failure.js';
import { isOutcome, problemsIn, titleOf } from './operation-outcome.js';
import { isRegionHere } from './region-here.js';
import { shownInLine } from './shown.js';
import { adviceOnSystem, systemCode } from './system-advice.js';

/** What a token issued for one command is good for. */
const TOKEN_SECONDS = 15 * 60;
/** After so long without an answer a command that was under way gives up. */
const PATIENCE_MS = 60_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 8_000;

export interface Asked {
  readonly method?: 'GET' | 'HEAD' | 'POST';
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
    advice?: string,
  ) {
    super(EXIT.finding, sentence(problem, status), advice);
  }
}

function sentence({ title = 'the request was refused', detail, errors = [] }: ProblemAnswer, status: number): string {
  const fields = errors
    .slice(0, 20)
    .map(({ field, message }) => `\n  ${shownInLine(field === '' ? message : `${field}: ${message}`)}`);
  const more = errors.length > 20 ? `\n  and ${errors.length - 20} more` : '';
  const said = detail === undefined ? `${title} (${status})` : `${title} (${status}): ${detail}`;
  return shownInLine(said) + fields.join('') + more;
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
  /** Told once which region answers. */
  readonly onRegion?: (region: string) => Promise<void>;
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
    return this.read<T>(await this.ask(path, asked));
  }

  /** Throws Failure where the answer is no JSON: then it is none of Weft's. */
  async read<T>(response: Response): Promise<T> {
    const text = await response.text();
    try {
      return parseWithDigits(text) as T;
    } catch (error) {
      throw new Failure(EXIT.unreachable, notWeft(this.settings.url, response.status), OTHER_PROGRAM, { cause: error });
    }
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
      const region = response.headers.get(REGION_HEADER);
      if (!this.hasAnswered && region !== null) await this.as.onRegion?.(region);
      this.hasAnswered = true;
      return response;
    } catch (error) {
      if (signal?.aborted === true) throw error;
      return error as Error;
    }
  }

  private async failure(outcome: Response | Error): Promise<Failure> {
    const { url } = this.settings;
    if (!(outcome instanceof Response)) {
      const code = systemCode(outcome);
      const why = code === undefined ? '' : ` (${code})`;
      const advice = code === undefined || code === 'ECONNREFUSED' ? START_IT : adviceOnSystem(outcome);
      return new Failure(EXIT.unreachable, `Weft does not answer at ${url}${why}`, advice, { cause: outcome });
    }
    const problem = await problemOf(outcome);
    if (problem === null) return new Failure(EXIT.unreachable, notWeft(url, outcome.status), OTHER_PROGRAM);
    if (outcome.status < 500) return new Refused(outcome.status, problem, this.adviceOn(outcome));
    const said = `Weft at ${url} cannot do this now: ${sentence(problem, outcome.status)}`;
    return new Failure(EXIT.unreachable, said, this.adviceOn(outcome));
  }

  private adviceOn({ status, headers }: Response): string | undefined {
    const { roles, organisation, givenToken } = this.as;
    const { dataDirectory } = this.settings;
    const after = headers.get('retry-after');
    switch (status) {
      case 401:
        if (givenToken !== undefined)
          return 'put a token that is good into WEFT_TOKEN, or unset it where the data directory is here';
        return isRegionHere(dataDirectory)
          ? 'is WEFT_DATA_DIR the data directory of the Weft that answers? Its key signs the token'
          : `there is no data directory at ${dataDirectory} whose key could sign a token: name it with --data-dir, or put a token into WEFT_TOKEN`;
      case 403:
        if (givenToken !== undefined) return `WEFT_TOKEN says who asks: this needs one with the role ${roles.join(' or ')}`;
        return organisation === undefined ? undefined : `it was asked for ${organisation}: --org names another organisation`;
      case 429:
        return `wait ${after === null ? 'a little' : `${after} s`}, then run it again; the limits are WEFT_LIMIT_… of the Weft that answers`;
      case 503:
        return `wait ${after === null ? 'a little' : `${after} s`}, then run it again; \`weft status\` says what is not ready`;
      default:
        return status >= 500 ? 'the log of the Weft that answers says why' : undefined;
    }
  }

  private async bearer(): Promise<string | undefined> {
    const { roles, organisation, subject, purposes, expiresIn = TOKEN_SECONDS, givenToken } = this.as;
    if (givenToken !== undefined) return givenToken;
    if (this.settings.tokens.jwksUrl !== undefined) {
      throw new Failure(EXIT.usage, 'tokens come from the issuer of WEFT_JWKS_URL', 'put one into WEFT_TOKEN');
    }
    // Where no Weft ever was there is no key to sign with, and none must be left behind by asking.
    if (!isRegionHere(this.settings.dataDirectory)) return undefined;
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

const START_IT = 'start it with `weft up`, or say where it is with --url or WEFT_URL';
const notWeft = (url: string, status: number): string => `what answers at ${url} is not Weft (${status}, and no JSON)`;
const OTHER_PROGRAM = 'another program, or a proxy, has this address: say where Weft is with --url or WEFT_URL';

/** Null for what Weft never answers. */
async function problemOf(response: Response): Promise<ProblemAnswer | null> {
  const text = await response.text();
  if (text === '') return {};
  try {
    const body = JSON.parse(text) as unknown;
    if (body === null || typeof body !== 'object') return null;
    return isOutcome(body) ? { title: titleOf(body), errors: problemsIn(body) } : (body as ProblemAnswer);
  } catch {
    return null;
  }
}
