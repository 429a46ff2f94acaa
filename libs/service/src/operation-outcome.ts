import type { Problem } from '@weft/domain';

/** FHIR R4, value set issue-type. */
const ISSUES: Readonly<Record<number, string>> = {
  400: 'invalid',
  401: 'login',
  403: 'forbidden',
  404: 'not-found',
  405: 'not-supported',
  406: 'not-supported',
  410: 'conflict',
  413: 'too-long',
  415: 'not-supported',
  503: 'transient',
};

interface OperationOutcome {
  readonly resourceType: 'OperationOutcome';
  readonly issue: readonly { readonly severity: string; readonly code: string; readonly diagnostics: string }[];
}

/** What of a problem is said. */
interface Said {
  readonly statusCode: number;
  readonly title: string;
  readonly more: { readonly detail?: string; readonly errors?: readonly Problem[] };
}

/** A problem as FHIR has it, with one issue a field. */
export function outcomeOf({ statusCode, title, more }: Said): OperationOutcome {
  const severity = statusCode >= 500 ? 'fatal' : 'error';
  const code = ISSUES[statusCode] ?? (statusCode >= 500 ? 'exception' : 'processing');
  const issues = more.errors?.map(({ field, message }) => ({ severity, code, diagnostics: `${field}: ${message}` }));
  const whole = [title, more.detail].filter((text) => text !== undefined).join('. ');
  return { resourceType: 'OperationOutcome', issue: issues ?? [{ severity, code, diagnostics: whole }] };
}
