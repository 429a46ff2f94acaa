export const A = '9990000018';
export const B = '9990000026';

export interface Said {
  /** `20240610100000`: MSH-7 and EVN-2. */
  readonly at?: string;
  readonly mrn?: string;
  /** '' for none. */
  readonly number?: string;
  /** From PID-8 on. */
  readonly pid?: string;
  readonly name?: string;
  readonly from?: string;
}

let control = 0;

function header(type: string, { at = '20240610100000', from = 'PAS' }: Said): string {
  control += 1;
  return `MSH|^~\\&|${from}|RX901|WEFT|RX9|${at}||${type}|C${control}|P|2.4`;
}

function pid({ mrn = 'M1', number = A, pid: rest = '1', name = 'LARCH^ROWAN' }: Said): string {
  const nhs = number === '' ? '' : `~${number}^^^NHS^NH`;
  return `PID|1||${mrn}^^^RX901^MR${nhs}||${name}||19800102|${rest}`;
}

/** An ADT message with these segments behind its PID. */
export const adt = (event: string, said: Said = {}, ...segments: readonly string[]): string =>
  [header(`ADT^${event}`, said), `EVN|${event}|${said.at ?? '20240610100000'}`, pid(said), ...segments].join('\n');

export const message = (type: string, said: Said, ...segments: readonly string[]): string =>
  [header(type, said), pid(said), ...segments].join('\n');

export interface Visit {
  readonly visit?: string;
  readonly kind?: string;
  readonly place?: string;
  readonly start?: string;
  readonly end?: string;
  readonly pending?: string;
}

/** Fields by their numbers, and nothing between them. */
export function fields(name: string, values: Readonly<Record<number, string>>): string {
  const last = Math.max(...Object.keys(values).map(Number));
  return [name, ...Array.from({ length: last }, (_, index) => values[index + 1] ?? '')].join('|');
}

export const pv1 = ({
  visit = 'V1',
  kind = 'I',
  place = 'W1^B1^1',
  start = '20240610090000',
  end = '',
  pending = '',
}: Visit = {}): string =>
  fields('PV1', { 1: '1', 2: kind, 3: place, 19: visit && `${visit}^^^RX901^VN`, 42: pending, 44: start, 45: end });

/** A result: each OBX is `type|code|sub|value|status` and, behind it, units, range and flags where they matter. */
export const oru = (
  said: Said,
  filler: string,
  test: string,
  { status = 'F', at = '20240610090000' },
  ...obx: readonly string[]
): string =>
  message(
    'ORU^R01',
    { from: 'LAB', ...said },
    fields('OBR', { 1: '1', 3: filler, 4: test, 7: '20240610080000', 22: at, 25: status }),
    ...obx,
  );

export const obx = (type: string, code: string, value: string, more: Readonly<Record<number, string>> = {}): string =>
  fields('OBX', { 1: '1', 2: type, 3: `${code}^${code} test^L`, 5: value, 11: 'F', ...more });
