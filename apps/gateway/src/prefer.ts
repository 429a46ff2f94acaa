/** The longest that anybody may want to wait. */
export const LONGEST_WAIT_S = 60;

/** RFC 7240: `wait=<seconds>`, and `respond-async` for none. What cannot be read is passed over. */
export function waitOf(prefer = '', unsaid = 0): number {
  const wait = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})\b/i.exec(prefer)?.[1];
  if (wait !== undefined) return Math.min(Number(wait), LONGEST_WAIT_S);
  return /(?:^|[,;\s])respond-async\b/i.test(prefer) ? 0 : unsaid;
}

export type Returns = 'minimal' | 'representation' | 'OperationOutcome';

/** FHIR R4: `return=…`, how much of what was done an answer repeats; undefined where it is not said. */
export function returnsOf(prefer = ''): Returns | undefined {
  return /(?:^|[,;\s])return\s*=\s*"?(minimal|representation|OperationOutcome)\b/.exec(prefer)?.[1] as Returns | undefined;
}
