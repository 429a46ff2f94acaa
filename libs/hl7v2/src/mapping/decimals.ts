import { parseWithDigits } from '@weft/domain';

/** A number with the digits that its sender wrote, in a Quantity's or a Range's members. */
export interface Decimal {
  readonly value: number;
  readonly comparator?: string;
}

const NUMBER = /^(<=|>=|<|>)?\s*([+-]?)(\d+(?:\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

/** A number as laboratories write it; null where it is none. */
export function decimalOf(text: string): Decimal | null {
  const found = NUMBER.exec(text.trim());
  if (found === null) return null;
  const [, comparator, sign, digits = '', exponent = ''] = found;
  const [whole = '', fraction = ''] = digits.split('.');
  const written = `${sign === '-' ? '-' : ''}${whole.replace(/^0+(?=\d)/, '') || '0'}${fraction && `.${fraction}`}${exponent}`;
  if (!Number.isFinite(Number(written))) return null;
  return { ...(comparator !== undefined && { comparator }), ...(parseWithDigits(`{"value":${written}}`) as { value: number }) };
}
