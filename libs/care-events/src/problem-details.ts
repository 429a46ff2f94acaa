import type { Problem } from '@weft/domain';

export const PROBLEM_JSON = 'application/problem+json';

/** RFC 9457, with one `errors` item a field. */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly errors?: readonly Problem[];
}

/** Without a `type` it is `about:blank`: nothing more is to be known than the status says. */
export function problemDetails(of: Omit<ProblemDetails, 'type'> & { readonly type?: string }): ProblemDetails {
  const { type = 'about:blank', title, status, detail, errors } = of;
  return { type, title, status, ...(detail !== undefined && { detail }), ...(errors !== undefined && { errors }) };
}
