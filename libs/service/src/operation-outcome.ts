import type { Problem } from '@weft/domain';
import { withoutNumbers } from './log.js';

/** FHIR R4, value set issue-type. */
const ISSUES: Readonly<Record<number, string>> = {
  400: 'invalid',
  401: 'login',
  403: 'forbidden',
  404: 'not-found',
  405: 'not-supported',
  406: 'not-supported',
  409: 'conflict',
  410: 'conflict',
  413: 'too-long',
  414: 'too-long',
  415: 'not-supported',
  429: 'throttled',
  503: 'transient',
};

export interface Issue {
  readonly severity: 'fatal' | 'error' | 'warning' | 'information';
  readonly code: string;
  /** For machines in `coding`, for people in `text`. */
  readonly details?: {
    readonly coding: readonly { readonly system: string; readonly code: string }[];
    readonly text: string;
  };
  readonly diagnostics: string;
  /** Path of the field. */
  readonly expression?: readonly string[];
}

export interface OperationOutcome {
  readonly resourceType: 'OperationOutcome';
  readonly issue: readonly Issue[];
}

/** The codes of a problem's `errors[]`, as they stand in `issue.details`. */
const PROBLEM_SYSTEM = 'urn:weft:problem';

/** One problem of a field. Whoever wrote the message should have thought of numbers; this is for the one who did not. */
export function issueOf({ field, code, message }: Problem, severity: Issue['severity'], type: string): Issue {
  const [path, text] = [withoutNumbers(field), withoutNumbers(message)];
  return {
    ...{ severity, code: type, details: { coding: [{ system: PROBLEM_SYSTEM, code }], text } },
    diagnostics: path === '' ? text : `${path}: ${text}`,
    ...(path !== '' && { expression: [path] }),
  };
}

/** What of a problem is said. */
interface Said {
  readonly statusCode: number;
  readonly code: string;
  readonly title: string;
  readonly more: { readonly detail?: string; readonly errors?: readonly Problem[] };
}

/** A problem as FHIR has it, with one issue a field. */
export function outcomeOf({ statusCode, code, title, more }: Said): OperationOutcome {
  const severity = statusCode >= 500 ? 'fatal' : 'error';
  const type = ISSUES[statusCode] ?? (statusCode >= 500 ? 'exception' : 'processing');
  const issues = more.errors?.map((error) => issueOf(error, severity, type));
  const message = [title, more.detail].filter((text) => text !== undefined).join('. ');
  return { resourceType: 'OperationOutcome', issue: issues ?? [issueOf({ field: '', code, message }, severity, type)] };
}
