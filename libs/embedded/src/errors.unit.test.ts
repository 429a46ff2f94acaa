import { EngineDamaged, EngineUnavailable, InvalidCall } from '@weft/processing';
import { engineError, isBusy } from './errors.js';

const thrown = (message: string, errcode?: number): Error =>
  Object.assign(new Error(message), errcode === undefined ? {} : { errcode });

describe('what SQLite throws, in the ports’ words', () => {
  it('says that the disk is full, a lock is held or the disk fails, and that trying again may help', () => {
    for (const [code, words] of [
      [13, 'disk is full'],
      [5, 'locked'],
      [10, 'disk reports an error'],
      [8, 'read-only'],
      [14, 'cannot be opened'],
    ] as const) {
      // prettier-ignore
      const error = engineError('weft.db', thrown('as SQLite says', code));
      expect(error).toBeInstanceOf(EngineUnavailable);
      expect(error).toMatchObject({ retriable: true, engine: 'weft.db' });
      expect((error as Error).message).toContain(words);
    }
  });

  it('tells damage from what passes, also by the primary code of an extended one', () => {
    for (const code of [11, 26, 11 | (1 << 8), 19, 1])
      expect(engineError('weft.db', thrown('x', code))).toBeInstanceOf(EngineDamaged);
    expect(engineError('weft.db', thrown('x', 10 | (3 << 8)))).toBeInstanceOf(EngineUnavailable);
  });

  it('takes a page that lies behind the end of its file for damage, though SQLite calls it an error of the disk', () => {
    const error = engineError('weft.db', thrown('disk I/O error', 10 | (2 << 8)));
    expect(error).toBeInstanceOf(EngineDamaged);
    expect((error as Error).message).toContain('cut short');
  });

  it('reads the message where a driver leaves the code out', () => {
    expect(engineError('weft.db', thrown('database disk image is malformed'))).toBeInstanceOf(EngineDamaged);
    expect(engineError('weft.db', thrown('no such column: crc'))).toBeInstanceOf(EngineDamaged);
    expect(engineError('weft.db', thrown('database or disk is full'))).toBeInstanceOf(EngineUnavailable);
    expect(isBusy(thrown('database is locked'))).toBe(true);
  });

  it('leaves alone what is no error of SQLite’s: a fault of ours must look like one', () => {
    const fault = new TypeError('undefined is not a function');
    const refusal = new InvalidCall('no');
    expect(engineError('weft.db', fault)).toBe(fault);
    expect(engineError('weft.db', refusal)).toBe(refusal);
    expect(isBusy(fault)).toBe(false);
  });
});
