import { personOf, syntheticNumbers, type Person } from './people.js';

/** Of one in so many people the acute trust sends something by HL7 v2, too. */
const ONE_IN = 3;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * What the trust's laboratory and its patient administration send of somebody: a blood count, which says the hospital's number alone, then
 * who they are, and a stay that is over.
 */
function hl7v2Of(person: Person, ods: string, now: number): readonly string[] {
  const came = Math.floor(now / DAY_MS) * DAY_MS - (20 + (person.index % 60)) * DAY_MS + 9 * HOUR_MS;
  const [tested, left] = [came + 2 * HOUR_MS, came + 50 * HOUR_MS];
  const head = (type: string, from: string, at: number): string =>
    `MSH|^~\\&|${from}|${ods}|WEFT|REGION|${timeOf(at)}||${type}|D${person.index}-${type.slice(4)}|P|2.4||||||UNICODE UTF-8`;
  const mrn = `H${100_000 + person.index}^^^${ods}^MR`;
  const names = `||${person.family}^${person.given}||${person.birthDate.replaceAll('-', '')}|${person.gender === 'female' ? 2 : 1}`;
  const known = `PID|1||${mrn}~${person.nhsNumber}^^^NHS^NH${names}|||${person.street}^^${person.town}^^${person.postcode}`;
  const stay = (end: string): string =>
    fields('PV1', { 1: '1', 2: 'I', 3: 'W4^B2^7', 19: `S${100_000 + person.index}^^^${ods}^VN`, 44: timeOf(came), 45: end });
  const count = (nth: number, code: string, name: string, value: string, unit: string): string =>
    fields('OBX', { 1: String(nth), 2: 'NM', 3: `${code}^${name}^L`, 5: value, 6: unit, 11: 'F' });
  const request = {
    1: '1',
    3: `L${100_000 + person.index}`,
    4: 'FBC^Full blood count^L',
    7: timeOf(tested),
    22: timeOf(tested),
    25: 'F',
  };
  return [
    [
      head('ORU^R01', 'LAB', tested),
      `PID|1||${mrn}${names}`,
      fields('OBR', request),
      count(1, 'HB', 'Haemoglobin', String(110 + (person.index % 40)), 'g/L'),
      count(2, 'WBC', 'White cell count', (4 + (person.index % 6) + 0.5).toFixed(1), '10*9/L'),
    ],
    [head('ADT^A28', 'PAS', tested + HOUR_MS), `EVN|A28|${timeOf(tested + HOUR_MS)}`, known],
    [head('ADT^A01', 'PAS', came), `EVN|A01|${timeOf(came)}`, known, stay('')],
    [head('ADT^A03', 'PAS', left), `EVN|A03|${timeOf(left)}`, known, stay(timeOf(left))],
  ].map((segments) => segments.join('\r'));
}

/** The messages about the people of a region, one person after another. */
export function* hl7v2OfRegion(seed: number, people: number, ods: string, now: number): Generator<string> {
  const numbers = syntheticNumbers();
  for (let index = 0; index < people; index += 1) {
    const { value: nhsNumber } = numbers.next() as IteratorYieldResult<string>;
    if (index % ONE_IN === 0) yield* hl7v2Of(personOf(seed, index, nhsNumber, new Date(now).getUTCFullYear()), ods, now);
  }
}

/** `20240610093000+0000` */
const timeOf = (at: number): string => `${new Date(at).toISOString().replace(/[-:T]/g, '').slice(0, 14)}+0000`;

/** A segment by the numbers of its fields. */
function fields(name: string, values: Readonly<Record<number, string>>): string {
  const last = Math.max(...Object.keys(values).map(Number));
  return [name, ...Array.from({ length: last }, (_, index) => values[index + 1] ?? '')].join('|');
}
