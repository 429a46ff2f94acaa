/** FHIR R4 and the NHS: the system of an Identifier that is an NHS number. */
export const NHS_NUMBER_SYSTEM = 'https://fhir.nhs.uk/Id/nhs-number';

/**
 * Ten equal digits pass the check digit, each of the ten, and are nobody's number: a batch trace answers 0000000000 for "no match" and
 * 9999999999 for "several matches", and systems fill with the others what they do not know.
 */
const PLACEHOLDER = /^(\d)\1{9}$/;

/** Whether a text has the form of an NHS number and stands for nobody. */
export const isPlaceholderNumber = (text: string): boolean => PLACEHOLDER.test(text);

/**
 * What is wrong with a text that should be an NHS number, or null where nothing is. The sentence never repeats the text.
 * Rule: NHS Data Dictionary. Ten digits; weights 10 to 2 over the first nine; 11 - (sum mod 11) is the last one, 11 counts as
 * 0, and 10 is never issued.
 */
export function nhsNumberProblem(text: string): string | null {
  if (!/^\d{10}$/.test(text)) return 'an NHS number is ten digits, without spaces';
  if (isPlaceholderNumber(text))
    return 'ten equal digits stand for "not known", "no match" or "several matches", not for a person';
  let sum = 0;
  for (let place = 0; place < 9; place += 1) sum += Number(text[place]) * (10 - place);
  const check = (11 - (sum % 11)) % 11;
  return check === Number(text[9]) ? null : 'the last digit is not the check digit of the nine before it';
}
