import fc from 'fast-check';
import { isPlaceholderNumber, nhsNumberProblem } from './nhs-number.js';

describe('an NHS number', () => {
  it.each(['9990033471', '9434765919', '4010232137'])('%s is sound', (number) => {
    expect(nhsNumberProblem(number)).toBeNull();
  });

  it.each([...'0123456789'].map((digit) => digit.repeat(10)))(
    'is never ten equal digits, which pass the check digit: %s',
    (text) => {
      expect(nhsNumberProblem(text)).toContain('not for a person');
      expect(isPlaceholderNumber(text)).toBe(true);
    },
  );

  it.each(['1111111112', '9990033471', '111111111', '11111111111'])(
    'is no placeholder unless all ten digits are equal: %s',
    (text) => {
      expect(isPlaceholderNumber(text)).toBe(false);
    },
  );

  it.each(['', '999003347', '99900334711', '999 003 3471', '999003347a', ' 9990033471', '9990033471\n', '٩٩٩٠٠٣٣٤٧١'])(
    'is ten digits and nothing else: %j',
    (text) => expect(nhsNumberProblem(text)).toContain('ten digits'),
  );

  it('has at most one sound check digit for any nine digits', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\d{9}$/), (nine) => {
        const sound = [...'0123456789'].filter((last) => nhsNumberProblem(nine + last) === null);
        expect(sound.length).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('with one digit mistyped, or two neighbours swapped, is refused', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\d{9}$/), fc.nat(9), fc.integer({ min: 1, max: 9 }), (nine, place, by) => {
        const number = [...'0123456789'].map((last) => nine + last).find((text) => nhsNumberProblem(text) === null);
        fc.pre(number !== undefined);
        const digits = [...number!].map(Number);
        const mistyped = digits.with(place, (digits[place]! + by) % 10).join('');
        expect(nhsNumberProblem(mistyped)).not.toBeNull();
        const next = (place + 1) % 10;
        fc.pre(next > place && digits[place] !== digits[next]);
        const swapped = digits.with(place, digits[next]!).with(next, digits[place]!).join('');
        expect(nhsNumberProblem(swapped)).not.toBeNull();
      }),
    );
  });

  it('is never repeated in what is said of it', () => {
    fc.assert(fc.property(fc.stringMatching(/^\d{10}$/), (text) => expect(nhsNumberProblem(text) ?? '').not.toContain(text)));
  });
});
