import { nhsNumberProblem } from '@weft/domain';
import { Chance } from './chance.js';

/** Somebody who does not exist. */
export interface Person {
  readonly index: number;
  /** In the range kept for synthetic people: 999 000 0000 to 999 999 9999. */
  readonly nhsNumber: string;
  readonly gender: 'female' | 'male';
  readonly family: string;
  readonly given: string;
  /** YYYY-MM-DD. */
  readonly birthDate: string;
  readonly age: number;
  readonly street: string;
  readonly town: string;
  readonly postcode: string;
}

/** The first of them are the people, the numbers above them are those that a merge makes superseded. */
const PREFIX = '999';
const BLOCK = 1_000_000;
export const PEOPLE_MAX = BLOCK / 2;

/** Synthetic numbers count up from 999 000 0018, without the one in eleven that has no check digit. */
export function* syntheticNumbers(from = 1): Generator<string> {
  for (let middle = from; middle < BLOCK; middle += 1) {
    const nine = `${PREFIX}${String(middle).padStart(6, '0')}`;
    const number = Array.from({ length: 10 }, (_, check) => nine + check).find((one) => nhsNumberProblem(one) === null);
    if (number !== undefined) yield number;
  }
}

/** A number that nobody of the first half of the range has: of a record made by mistake, and merged later. */
export function temporaryNumber(index: number): string {
  for (const number of syntheticNumbers(PEOPLE_MAX + index * 2)) return number;
  throw new RangeError('the synthetic range has no more numbers');
}

const FEMALE = [
  ...['Olivia', 'Amelia', 'Margaret', 'Dorothy', 'Aisha', 'Priya', 'Grace', 'Chloe', 'Joan', 'Zainab', 'Susan', 'Eilidh', 'Mei'],
  ...['Blessing', 'Agnieszka', 'Fatima', 'Hannah', 'Rukhsana', 'Siân', 'Patricia', 'Ruth', 'Ngozi', 'Maria', 'Edith'],
];
const MALE = [
  ...['Arthur', 'Muhammad', 'George', 'Noah', 'Harpreet', 'Thomas', 'Kwame', 'Piotr', 'Derek', 'Owain', 'Imran', 'Stanley'],
  ...['Callum', 'Wei', 'Tariq', 'Joseph', 'Rohan', 'Kenneth', 'Ibrahim', 'Liam', 'Ravi', 'Dmitri', 'Frank', 'Emeka'],
];
const FAMILY = [
  ...['Smith', 'Khan', 'Patel', 'Jones', 'Begum', 'Taylor', 'Okafor', 'Kowalska', 'Singh', 'Hughes', 'Ahmed', 'Chen', 'Walker'],
  ...['O’Brien', 'Mbeki', 'Robinson', 'Hussain', 'Novak', 'Clarke', 'Ali', 'Mensah', 'Thompson', 'Rao', 'Whitfield', 'Evans'],
];
const STREETS = [
  'High Street',
  'Mill Lane',
  'Victoria Road',
  'Church Walk',
  'Station Road',
  'Queens Drive',
  'The Crescent',
  'Park View',
];
/** Towns and outward codes that no post office serves. */
const TOWNS = [
  ['Weaverford', 'ZZ1'],
  ['Loomsby', 'ZZ2'],
  ['Carding Bridge', 'ZZ3'],
  ['Heddle Moor', 'ZZ4'],
  ['Selvedge', 'ZZ5'],
] as const;

/** The person of an index, always the same for the same seed, however many there are. `year` is the one they live in. */
export function personOf(seed: number, index: number, nhsNumber: string, year: number): Person {
  const chance = new Chance(seed, index, 1);
  const gender = chance.pick(['female', 'male'] as const);
  // More grown-up and old people than a census has: they are the ones whose records have something in them.
  const age = chance.is(0.15) ? chance.between(1, 17) : chance.is(0.5) ? chance.between(18, 64) : chance.between(65, 96);
  const [town, outward] = chance.pick(TOWNS);
  const month = String(chance.between(1, 12)).padStart(2, '0');
  return {
    index,
    nhsNumber,
    gender,
    given: chance.pick(gender === 'female' ? FEMALE : MALE),
    family: chance.pick(FAMILY),
    birthDate: `${year - age}-${month}-${String(chance.between(1, 28)).padStart(2, '0')}`,
    age,
    street: `${chance.between(1, 180)} ${chance.pick(STREETS)}`,
    town,
    postcode: `${outward} ${chance.between(1, 9)}${chance.pick('ABDEFGHJLNPQRSTUWXYZ'.split(''))}${chance.pick('ABDEFGHJLNPQRSTUWXYZ'.split(''))}`,
  };
}
