import { duration, instant, joinNumbers, nhsNumber, ods, port, purposes, roles, texts } from './arguments.js';

describe('arguments', () => {
  it('reads an NHS number as people write it', () => {
    expect(nhsNumber('999 000 0018')).toBe('9990000018');
    expect(nhsNumber('999-000-0018')).toBe('9990000018');
  });

  it('takes a number in three words for one', () => {
    const words = ['opt-out', '999', '000', '0018', '--purpose', 'research'];
    expect(joinNumbers(words)).toEqual(['opt-out', '999 000 0018', '--purpose', 'research']);
    expect(joinNumbers(['publish', '999', '000', '18'])).toEqual(['publish', '999', '000', '18']);
  });

  it.each(['9990000019', '999', 'Jane'])('refuses %s as an NHS number without repeating it', (text) => {
    expect(() => nhsNumber(text)).toThrow(expect.not.stringContaining(text));
  });

  it('takes several values at once or one after the other', () => {
    expect(purposes('research,population-health', ['direct-care'])).toEqual(['direct-care', 'research', 'population-health']);
    expect(roles('publisher', ['operations'])).toEqual(['operations', 'publisher']);
    expect(texts(' a , b,', [])).toEqual(['a', 'b']);
  });

  it.each([
    [() => purposes('marketing'), /direct-care/],
    [() => roles('admin'), /publisher/],
    [() => ods('RX-901'), /letters and digits/],
    [() => port('70000'), /65535/],
    [() => duration('soon'), /15m/],
    [() => instant('2026-02-30'), /2026-01-31/],
    [() => instant('tomorrow'), /2026-01-31/],
  ])('says what would have been right: %#', (read, hint) => {
    expect(read).toThrow(hint);
  });

  it('reads times as RFC 3339, and a date as its beginning', () => {
    expect(instant('2026-01-31')).toBe(Date.UTC(2026, 0, 31));
    expect(instant('2026-01-31T09:30:00+01:00')).toBe(Date.UTC(2026, 0, 31, 8, 30));
    expect(duration('8h')).toBe(28_800);
  });
});
