/**
 * Whether a limit of a decision covers an entry. A limit has three answers, never two: a denial covers what it cannot tell, a
 * permission does not, so a limit that could not say "cannot tell" would decide one of the two wrongly.
 */
export type Coverage = 'covers' | 'does-not-cover' | 'cannot-tell';

export const covered = (is: boolean): Coverage => (is ? 'covers' : 'does-not-cover');

/** All of several limits together: one that does not cover is enough to say no. */
export function allOf(parts: readonly Coverage[]): Coverage {
  if (parts.includes('does-not-cover')) return 'does-not-cover';
  return parts.includes('cannot-tell') ? 'cannot-tell' : 'covers';
}

/** Any of several members of one limit: one that covers is enough to say yes. */
export function anyOf(parts: readonly Coverage[]): Coverage {
  if (parts.includes('covers')) return 'covers';
  return parts.includes('cannot-tell') ? 'cannot-tell' : 'does-not-cover';
}

/** The rule of rules: what is unclear narrows no denial and widens no permission. */
export function takesEffect(effect: 'permit' | 'deny', coverage: Coverage): boolean {
  return coverage === 'covers' || (coverage === 'cannot-tell' && effect === 'deny');
}
