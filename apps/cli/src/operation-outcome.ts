import type { Problem } from '@weft/domain';
import type { OperationOutcome } from '@weft/service';

export const isOutcome = (body: object): body is OperationOutcome =>
  (body as { readonly resourceType?: unknown }).resourceType === 'OperationOutcome';

/** What Weft refuses, one problem a field; none in one that says only what was done, or that names no field. */
export function problemsIn({ issue }: OperationOutcome): Problem[] {
  return issue
    .filter(({ severity, expression }) => isRefusal(severity) && expression !== undefined)
    .map(({ details, diagnostics, expression = [''] }) => ({
      field: expression[0] as string,
      code: details?.coding[0]?.code ?? 'refused',
      message: details?.text ?? diagnostics,
    }));
}

/** What is refused as a whole. */
export const titleOf = ({ issue }: OperationOutcome): string =>
  issue.find(({ severity, expression }) => isRefusal(severity) && expression === undefined)?.diagnostics ??
  'the request was refused';

export const isRefusal = (severity: string): boolean => severity === 'error' || severity === 'fatal';
