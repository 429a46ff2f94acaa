const HOUR_MS = 3_600_000;

/** The first and the last millisecond that a FHIR date may mean in England; null where it is none. */
export function meantBy(text: string | null | undefined): { readonly first: number; readonly last: number } | null {
  const parts = /^(\d{4})(-\d\d)?(-\d\d)?(T.+)?$/.exec(text ?? '');
  if (parts === null) return null;
  const [year, month, day] = [Number(parts[1]), Number(parts[2] ?? -1) * -1, Number(parts[3] ?? -1) * -1];
  if (parts[4] !== undefined) return { first: Date.parse(text as string), last: Date.parse(text as string) };
  if (new Date(Date.UTC(year, month - 1, day)).getUTCDate() !== day) return null;
  const next = parts[3] !== undefined ? [year, month, day + 1] : parts[2] !== undefined ? [year, month + 1, 1] : [year + 1, 1, 1];
  return { first: midnight(year, month, day), last: midnight(...(next as [number, number, number])) - 1 };
}

/** When a day begins in England: an hour before it does by UTC, after the last Sunday of March and up to the last of October. */
function midnight(year: number, month: number, day: number): number {
  const utc = Date.UTC(year, month - 1, day);
  const isSummer = utc > lastSunday(year, 3) && utc <= lastSunday(year, 10);
  return isSummer ? utc - HOUR_MS : utc;
}

function lastSunday(year: number, month: number): number {
  const last = new Date(Date.UTC(year, month, 0));
  return Date.UTC(year, month - 1, last.getUTCDate() - last.getUTCDay());
}
