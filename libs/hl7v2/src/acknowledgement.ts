import type { Segment } from './message.js';

/** Why a message is refused: code of HL7 table 0357 with its name, the place in MSH where there is one, and what is said to a person. */
const REASONS = {
  'not-hl7': ['100', 'Segment sequence error', null, 'the frame does not begin with MSH, FHS or BHS'],
  'too-large': ['207', 'Application internal error', null, 'the message is larger than this listener takes'],
  truncated: ['100', 'Segment sequence error', null, 'the frame has no end'],
  'no-control-id': ['101', 'Required field missing', 10, 'the message has no control id'],
  'processing-id': ['202', 'Unsupported processing id', 11, 'this listener takes messages of another processing id'],
  'not-the-sender': ['103', 'Table value not found', 4, 'the sending facility is not the organisation of this listener'],
  suspended: ['207', 'Application internal error', null, 'the organisation of this listener is suspended, and may not send'],
  unavailable: ['207', 'Application internal error', null, 'the message could not be stored and is to be sent again'],
} as const satisfies Record<string, readonly [string, string, number | null, string]>;
export type RefusalReason = keyof typeof REASONS;

/** Stored durably (with the place of it, if it is to be told), or not. `unavailable` alone is AE: the sender repeats. */
export type Outcome =
  { readonly stored: true; readonly place?: string } | { readonly stored: false; readonly reason: RefusalReason };

export interface Acknowledging {
  /** `original` where the sender's engine asks for enhanced mode and does not mean it. */
  readonly mode: 'auto' | 'original';
  /** MSH-7 and MSH-10 of the acknowledgement. */
  readonly at: number;
  readonly id: string;
}

/** The acknowledgement of a message by its MSH, segments ended by CR; null where the sender wants none. It names nobody. */
export function acknowledgement(header: Segment | null, outcome: Outcome, { mode, at, id }: Acknowledging): string | null {
  const code = codeOf(header, outcome, mode);
  if (code === null) return null;
  const raw = (number: number): string => header?.field(number).raw ?? '';
  const separator = header === null ? '|' : raw(1);
  const version = raw(12) === '' ? '2.4' : raw(12);
  const segments = [
    [
      'MSH',
      header === null ? '^~\\&' : raw(2),
      raw(5),
      raw(6),
      raw(3),
      raw(4),
      stamp(at),
      '',
      typeOf(header),
      id,
      raw(11) || 'P',
      version,
    ],
    ['MSA', code, raw(10), ...(Number.parseFloat(version) <= 2.6 ? textOf(outcome) : [])],
    ...(!outcome.stored && Number.parseFloat(version) >= 2.5 ? [errorOf(outcome.reason, header)] : []),
  ];
  return segments.map((fields) => `${fields.join(separator)}\r`).join('');
}

/**
 * By MSH-15 and MSH-16, where either is given, the acknowledgement of acceptance is C. and the application's A.; one of them is sent, on the
 * same connection, and the application's only where acceptance is not told.
 */
function codeOf(header: Segment | null, outcome: Outcome, mode: Acknowledging['mode']): string | null {
  const letter = outcome.stored ? 'A' : outcome.reason === 'unavailable' ? 'E' : 'R';
  const [accept, application] = [15, 16].map((number) => header?.field(number).value?.trim() ?? '');
  if (mode === 'original' || (accept === '' && application === '')) return `A${letter}`;
  const isWanted = (condition: string | undefined): boolean => condition === 'AL' || condition === (outcome.stored ? 'SU' : 'ER');
  if (isWanted(accept)) return `C${letter}`;
  return isWanted(application) ? `A${letter}` : null;
}

function typeOf(header: Segment | null): string {
  const component = header?.field(2).raw?.[0] ?? '^';
  const trigger = header?.field(9).component(2).raw?.trim() ?? '';
  return ['ACK', ...(trigger === '' ? [] : [trigger, 'ACK'])].join(component);
}

/** MSA-3 is an operator's text; later versions have none. */
function textOf(outcome: Outcome): string[] {
  if (!outcome.stored) return [REASONS[outcome.reason][3]];
  return outcome.place === undefined ? [] : [outcome.place];
}

function errorOf(reason: RefusalReason, header: Segment | null): string[] {
  const component = header?.field(2).raw?.[0] ?? '^';
  const [code, name, field, text] = REASONS[reason];
  const place = field === null ? '' : ['MSH', '1', String(field)].join(component);
  return ['ERR', '', place, [code, name, 'HL70357'].join(component), 'E', reason, '', '', text];
}

/** UTC, since the listener's zone is not the sender's business. */
const stamp = (at: number): string => `${new Date(at).toISOString().replace(/\D/g, '').slice(0, 14)}+0000`;
