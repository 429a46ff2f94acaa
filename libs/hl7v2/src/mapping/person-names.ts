import { isPlaceholderNumber, nhsNumberProblem } from '@weft/domain';
import type { Field, Repetition, Segment } from '../message.js';
import type { Listener, PersonNames, TraceStatus, WaitingReason } from './facts.js';
import type { Reading } from './reading.js';

/** An identifier of a hospital, in PID-3 or MRG-1. */
export interface Mrn {
  /** `<authority>|<value>`. */
  readonly name: string;
  readonly authority: string;
  readonly type: string;
  readonly value: string;
}

const upper = (text: string | null | undefined): string => text?.trim().toUpperCase() ?? '';

/** Who is meant by a PID: the hospital's number, the NHS number, and how far either may be relied on. */
export function personNamesOf(pid: Segment, reading: Reading): PersonNames {
  const mrn = mrnsIn(pid.field(3), reading)[0]?.name ?? null;
  const status = traceStatusOf(reading, pid);
  const { number, why } = numberIn(pid, reading);
  const nobody = (reason: WaitingReason): PersonNames => ({ mrn, number: null, status, why: reason });
  if (upper(pid.field(31).value).startsWith('Y')) return nobody('identity-unknown');
  if (number !== null && ['04', '05', '07'].includes(status)) return nobody(`trace-status-${status}`);
  return { mrn, number, status, why };
}

/** The hospital's own numbers, those of the listener's authority first: nothing that is an NHS number, or of another kind. */
export function mrnsIn(field: Field, { listener, tables }: Reading): readonly Mrn[] {
  const own = field.repetitions.flatMap((repetition): Mrn[] => {
    const value = repetition.component(1).value?.trim();
    const type = upper(repetition.component(5).value);
    if (!value || isNhsNumber(repetition, tables) || tables.values['not-an-mrn']?.[type] !== undefined) return [];
    const authority = authorityOf(repetition) ?? listener.mrnAuthority;
    return [{ name: `${authority}|${value}`, authority, type, value }];
  });
  const isOwn = ({ authority }: Mrn) => authority === listener.mrnAuthority;
  return [...own.filter(isOwn), ...own.filter((mrn) => !isOwn(mrn))];
}

/** Of several that give way the one that stands for the same kind of number: by authority, then by type, then the first. */
export function counterpartOf(survivor: Mrn, candidates: readonly Mrn[]): Mrn | undefined {
  const sameAuthority = candidates.filter(({ authority }) => authority === survivor.authority);
  return sameAuthority.find(({ type }) => type === survivor.type) ?? sameAuthority[0] ?? candidates[0];
}

function authorityOf(repetition: Repetition): string | undefined {
  const part = (number: number) => repetition.component(4).subcomponent(number).value?.trim();
  return part(1) || part(2) || undefined;
}

function isNhsNumber(repetition: Repetition, { values }: Reading['tables']): boolean {
  const authority = repetition.component(4);
  const names = [authority.subcomponent(1).value, authority.subcomponent(2).value].map(upper);
  if (names.some((name) => name !== '' && values['nhs-number-authority']?.[name] !== undefined)) return true;
  return values['nhs-number-type']?.[upper(repetition.component(5).value)] !== undefined;
}

const bare = (text: string): string => text.replace(/[\s-]/g, '');

/** A number that two repetitions say differently is neither. */
function numberIn(pid: Segment, { listener, tables }: Reading): Pick<PersonNames, 'number' | 'why'> {
  const found = (listener.nhsNumberIn ?? ['PID-3'])
    .map((place) => Number(place.slice(4)))
    .flatMap((field) =>
      pid
        .field(field)
        .repetitions.filter((repetition) => isNhsNumber(repetition, tables) || (field !== 3 && isBareNumber(repetition)))
        .map((repetition) => bare(repetition.component(1).value ?? '')),
    );
  const stated = found.filter((number) => number !== '');
  const sound = [...new Set(stated.filter((number) => !isPlaceholder(number, listener) && nhsNumberProblem(number) === null))];
  if (sound.length > 1) return { number: null, why: 'two-nhs-numbers' };
  if (sound[0] !== undefined) return { number: sound[0], why: null };
  if (stated.length === 0) return { number: null, why: null };
  return {
    number: null,
    why: stated.some((number) => isPlaceholder(number, listener)) ? 'nhs-number-placeholder' : 'nhs-number-invalid',
  };
}

/** In a field that a listener names a number stands without its type. */
const isBareNumber = (repetition: Repetition): boolean =>
  !upper(repetition.component(5).value) && /^\d{10}$/.test(bare(repetition.component(1).value ?? ''));

const isPlaceholder = (number: string, { placeholders }: Listener): boolean =>
  isPlaceholderNumber(number) || placeholders?.includes(number) === true;

/** `NSTS01`, `PDS1` or `01` in PID-32, or in ZU1-27 of the UK standard. */
function traceStatusOf({ message }: Reading, pid: Segment): TraceStatus {
  const texts = [...pid.field(32).repetitions, message.first('ZU1')?.field(27)].map((place) => upper(place?.value));
  const digit = texts.map((text) => /^(?:NSTS0?|PDS0?|0)([1-8])$/.exec(text)?.[1]).find((found) => found !== undefined);
  return digit === undefined ? 'stated' : `0${digit as '1'}`;
}
