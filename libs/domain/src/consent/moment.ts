/**
 * What time it may be, in milliseconds since 1970. Clocks go wrong, and nobody's is believed where another one says that less may be shared: the
 * later time closes, the earlier opens.
 */
export interface Moment {
  readonly earliest: number;
  readonly latest: number;
}

/** The moment of which nobody doubts what time it is. */
export const momentAt = (at: number): Moment => ({ earliest: at, latest: at });
