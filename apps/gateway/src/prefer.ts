/** The longest that anybody may want to wait. */
export const LONGEST_WAIT_S = 60;

/** RFC 7240: `wait=<seconds>`, and `respond-async` for none. What cannot be read is passed over. */
export function waitOf(prefer = '', unsaid = 0): number {
  const wait = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})\b/i.exec(prefer)?.[1];
  if (wait !== undefined) return Math.min(Number(wait), LONGEST_WAIT_S);
  return /(?:^|[,;\s])respond-async\b/i.test(prefer) ? 0 : unsaid;
}
