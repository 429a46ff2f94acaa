import { driverFor } from './driver.js';

describe('the choice of a driver', () => {
  it('takes the package where Node has no SQLite, or has it behind a flag', () => {
    for (const version of ['20.20.2', '22.5.0', '22.12.0']) expect(driverFor(version)).toBe('@photostructure/sqlite');
  });

  it('takes what Node brings as soon as that needs no flag', () => {
    for (const version of ['22.13.0', '22.20.1', '23.4.0', '24.0.0', '26.1.0']) expect(driverFor(version)).toBe('node:sqlite');
  });
});
