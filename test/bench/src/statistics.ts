/** NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length === 0) return NaN;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** The smallest value that `percent` of all do not exceed. NaN of nothing. */
export function percentile(values: Float64Array | readonly number[], percent: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted.length === 0 ? NaN : (sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] as number);
}

/** Three significant digits, or all before the point. */
export function rounded(value: number): number {
  if (!Number.isFinite(value)) return value;
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}

/** 2: twice as good as the other. */
export function timesAsGood(better: 'higher' | 'lower', value: number, other: number): number {
  return better === 'higher' ? value / other : other / value;
}
