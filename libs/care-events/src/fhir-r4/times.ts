import { parseInstant } from '@weft/domain';

/** How far from UTC a day without its time zone may begin or end. */
const ZONE_MS = 14 * 3_600_000;

/** Whether one FHIR date or time is certainly after another. Of what is none, or only perhaps after, it is not. */
export function isAfter(one: unknown, other: unknown): boolean {
  if (typeof one !== 'string' || typeof other !== 'string') return false;
  if (!one.includes('T') && !other.includes('T')) {
    const length = Math.min(one.length, other.length);
    return one.slice(0, length) > other.slice(0, length);
  }
  return earliest(one) > latest(other);
}

function earliest(text: string): number {
  return text.includes('T') ? parseInstant(text) : Date.parse(text) - ZONE_MS;
}

function latest(text: string): number {
  if (text.includes('T')) return parseInstant(text);
  const [year, month = '12', day] = text.split('-') as [string, string?, string?];
  return (day === undefined ? Date.UTC(+year, +month, 1) : Date.UTC(+year, +month - 1, +day + 1)) + ZONE_MS;
}
