/** The last digit of a SNOMED CT identifier. Verhoeff: the dihedral group of order 10, as rotations below 5 and reflections from there on. */
export function checkDigitOf(digits: string): number {
  const times = (a: number, b: number): number =>
    a < 5 ? (b < 5 ? (a + b) % 5 : 5 + ((a + b) % 5)) : b < 5 ? 5 + ((a - b + 5) % 5) : (a - b + 5) % 5;
  const once = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
  let sum = 0;
  for (let place = 1; place <= digits.length; place += 1) {
    let digit = Number(digits[digits.length - place]);
    for (let round = 0; round < place % 8; round += 1) digit = once[digit] as number;
    sum = times(sum, digit);
  }
  return sum < 5 ? (5 - sum) % 5 : sum;
}
