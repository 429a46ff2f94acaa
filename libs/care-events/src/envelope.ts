import 'reflect-metadata';
import { Expose, plainToInstance } from 'class-transformer';
import { ValidateBy, validateSync } from 'class-validator';
import { CARE_EVENT_TYPES, DECISION_TYPE, hasSecond, isCalendarDay, nhsNumberProblem, parseInstant } from '@weft/domain';
import type { CareEventType, Problem } from '@weft/domain';
import { problem } from './problems.js';

export const FHIR_JSON = 'application/fhir+json';
const EVENT_TYPES = [...CARE_EVENT_TYPES, DECISION_TYPE] as const;
export type EventType = CareEventType | typeof DECISION_TYPE;

/** Clocks of publishers may run ahead of ours by this much. */
export const AHEAD_MAX_MS = 24 * 60 * 60 * 1000;
/** No event was made before: a clock that lost its time starts at 1970 or 1980. */
const EARLIEST = Date.UTC(1990, 0, 1);

const SOURCE = /^urn:ods:([A-Za-z0-9]{1,9})(?::[\x21-\x7e]{1,128})?$/;
/** The source of decisions that governance records: no organisation's, so that none can void them. */
export const GOVERNANCE_SOURCE = 'urn:weft:governance';
const EVENT_ID = /^[^\p{Cc}\p{Cs}]{1,256}$/u;
const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** A rule of one attribute: the sentence that says what is wrong, or null where nothing is. An absent value is Required's. */
function Rule(code: string, wrong: (text: string, now: number) => string | null): PropertyDecorator {
  const judge = (value: unknown, object: object | undefined): string | null => {
    if (isAbsent(value)) return null;
    return typeof value === 'string' ? wrong(value, (object as Envelope).now) : 'must be a string';
  };
  return ValidateBy({
    name: code,
    validator: {
      validate: (value, args) => judge(value, args?.object) === null,
      defaultMessage: (args) => judge(args?.value, args?.object) ?? '',
    },
  });
}

function Required(): PropertyDecorator {
  return ValidateBy({
    name: 'required',
    validator: { validate: (value) => !isAbsent(value), defaultMessage: () => 'is required' },
  });
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

const MALFORMED_TIME = 'must be an RFC 3339 date and time with its offset';

function isTooLate(text: string, now: number): string | null {
  return (instantOf(text) ?? now) > now + AHEAD_MAX_MS ? 'is more than 24 hours ahead' : null;
}

function isTooEarly(text: string, now: number): string | null {
  return (instantOf(text) ?? now) < EARLIEST ? 'is before 1990: the clock has lost its time' : null;
}

/** What is wrong with a time at which something is said to have been sent or stored. One rule, wherever it stands. */
export function timeProblems(field: string, text: string, now: number): Problem[] {
  if (instantOf(text) === null) return [problem(field, 'malformed', MALFORMED_TIME)];
  const [late, early] = [isTooLate(text, now), isTooEarly(text, now)];
  if (late !== null) return [problem(field, 'too-late', late)];
  return early === null ? [] : [problem(field, 'too-early', early)];
}

/** The CloudEvents 1.0 attributes that Weft looks at, with the rules they must obey; others are let pass unread. */
export class Envelope {
  @Expose()
  @Required()
  @Rule('unsupported', (text) => (text === '1.0' ? null : 'must be 1.0'))
  specversion!: string;

  @Expose()
  @Required()
  @Rule('malformed', (text) => (EVENT_ID.test(text) ? null : 'must be 1 to 256 characters without control characters'))
  id!: string;

  @Expose()
  @Required()
  @Rule('malformed', (text) =>
    SOURCE.test(text) || text === GOVERNANCE_SOURCE ? null : 'must be urn:ods:<ODS code> or urn:ods:<ODS code>:<system>',
  )
  source!: string;

  @Expose()
  @Required()
  @Rule('unknown-type', (text) => (isEventType(text) ? null : `must be one of ${EVENT_TYPES.join(', ')}`))
  type!: EventType;

  @Expose()
  @Required()
  @Rule('nhs-number', nhsNumberProblem)
  subject!: string;

  @Expose()
  @Required()
  @Rule('malformed', (text) => (instantOf(text) === null ? MALFORMED_TIME : null))
  @Rule('too-late', isTooLate)
  @Rule('too-early', isTooEarly)
  time!: string;

  @Expose()
  @Required()
  @Rule('unsupported', (text) => (isFhirJson(text) ? null : `must be ${FHIR_JSON}, in UTF-8`))
  datacontenttype!: string;

  /** Not an attribute: the instant the rules of `time` are judged at, milliseconds since 1970. */
  now!: number;
}

/** Every rule of the envelope that its attributes break, in the order of the attributes. */
export function readEnvelope(
  attributes: Readonly<Record<string, unknown>>,
  now: number,
): { envelope: Envelope; problems: Problem[] } {
  const envelope = plainToInstance(Envelope, attributes, { excludeExtraneousValues: true });
  envelope.now = now;
  const problems = validateSync(envelope, { validationError: { target: false, value: false } }).flatMap((error) =>
    Object.entries(error.constraints ?? {}).map(([code, message]) => problem(error.property, code, message)),
  );
  return { envelope, problems };
}

export function isEventType(text: unknown): text is EventType {
  return (EVENT_TYPES as readonly unknown[]).includes(text);
}

/** The ODS code within a source that obeys its rule, else null. */
export function organisationOf(source: unknown): string | null {
  return typeof source === 'string' ? (SOURCE.exec(source)?.[1] ?? null) : null;
}

/** Milliseconds since 1970 of an RFC 3339 date and time with offset; null for anything else, February 30th included. */
export function instantOf(text: string): number | null {
  const parts = RFC_3339.exec(text);
  if (parts === null || !isCalendarDay(Number(parts[1]), Number(parts[2]), Number(parts[3]))) return null;
  const instant = parseInstant(text);
  return Number.isNaN(instant) || !hasSecond(text) ? null : instant;
}

function isFhirJson(contentType: string): boolean {
  const [mediaType, ...parameters] = contentType
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  if (mediaType !== FHIR_JSON) return false;
  const charset = parameters.find((parameter) => parameter.startsWith('charset='));
  return charset === undefined || /^charset="?utf-?8"?$/.test(charset);
}
