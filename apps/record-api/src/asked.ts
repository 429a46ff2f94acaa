import { INDIVIDUAL_CARE, isPurpose, nhsNumberProblem, PURPOSES, type Problem, type Purpose } from '@weft/domain';
import { type Caller, HttpProblem, invalid } from '@weft/service';
import type { FastifyRequest } from 'fastify';

/** Purposes that a clinician reads for. Governance looks at any purpose's view. */
export const CLINICAL = INDIVIDUAL_CARE;

/** The NHS number in the path. Throws 400; the number is not repeated. */
export function nhsNumberOf(request: FastifyRequest): string {
  const { nhs } = request.params as { nhs: string };
  const message = nhsNumberProblem(nhs);
  if (message !== null) throw invalid({ field: 'nhs', code: 'invalid-nhs-number', message });
  return nhs;
}

/** FHIR has servers pass over parameters that they do not know; those that would narrow the answer are refused instead. */
export function refuseParameters(request: FastifyRequest, unsupported: readonly string[]): void {
  const query = request.query as object;
  const errors = unsupported
    .filter((name) => name in query)
    .map((field): Problem => ({
      field,
      code: 'unsupported',
      message: 'is not supported here: leave it out to be given everything',
    }));
  if (errors.length > 0) throw invalid(...errors);
}

export function purposeOf(text: string | null, field = 'purpose'): Purpose {
  if (text === null) return 'direct-care';
  if (isPurpose(text)) return text;
  throw invalid({ field, code: 'unknown-purpose', message: `is none of ${PURPOSES.join(', ')}` });
}

/** A whole number from `least` to `most`. */
export function numberOf(text: string | null, field: string, least: number, most: number): number | null {
  if (text === null) return null;
  const number = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (number >= least && number <= most) return number;
  throw invalid({ field, code: 'out-of-range', message: `is no whole number from ${least} to ${most}` });
}

/** A day of the calendar, UTC. */
export function dayOf(text: string, field: string): string {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) {
    const time = Date.parse(text);
    if (!Number.isNaN(time) && new Date(time).toISOString().startsWith(text)) return text;
  }
  throw invalid({ field, code: 'malformed-date', message: 'is no date like 2026-01-31' });
}

/** The first instant of the day after, milliseconds since 1970. */
const endOf = (day: string): number => Date.parse(day) + 86_400_000;

/**
 * The instant asked about, milliseconds since 1970: an RFC 3339 date-time as it says, a date by its last millisecond (UTC),
 * as far as it has gone by.
 */
export function instantOf(text: string, field: string, now: number): number {
  const isInstant = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/.test(text);
  const at = isInstant ? Date.parse(dayOf(text.slice(0, 10), field) && text) : Math.min(endOf(dayOf(text, field)) - 1, now);
  if (Number.isNaN(at))
    throw invalid({ field, code: 'malformed-time', message: 'is no RFC 3339 time like 2026-01-31T09:30:00Z' });
  const begins = isInstant ? at : Date.parse(text);
  if (begins > now) throw invalid({ field, code: 'in-the-future', message: 'is still to come' });
  return at;
}

/** Throws 403, naming the purposes that the caller's roles may read for. */
export function refuseUnlessMayRead(caller: Caller, purpose: Purpose): void {
  const may = caller.roles.includes('governance') ? PURPOSES : CLINICAL;
  if (may.includes(purpose)) return;
  throw new HttpProblem(403, 'wrong-purpose', 'Your roles do not read for this purpose', {
    detail: `You may read for ${may.join(' and ')}.`,
    members: { purposes: may },
  });
}

export const nothingKnown = (detail = 'No care event and no decision about it was ever accepted.'): HttpProblem =>
  new HttpProblem(404, 'nothing-known', 'Nothing is known of this NHS number', { detail });

/** The same for a number never heard of and for one of which everything is withheld without a sign. */
export const nothingToShow = (): HttpProblem => nothingKnown('There is nothing about it that you may be shown.');

/** Throws 403, naming the purposes that the token names. */
export function refuseUnlessNamed({ purposes }: Caller, purpose: Purpose): void {
  if (purposes.includes(purpose)) return;
  throw new HttpProblem(403, 'wrong-purpose', 'Your token is not for this purpose', {
    detail: purposes.length === 0 ? 'It names none (claim purposes).' : `It is for ${purposes.join(' and ')}.`,
    members: { purposes },
  });
}
