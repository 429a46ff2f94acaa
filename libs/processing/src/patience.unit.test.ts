import { Patience } from './patience.js';

const PLACE = { topic: 'weft.care-events.RX901', partition: 0, offset: 7 };
const MINUTE_MS = 60_000;

describe('patience', () => {
  it('need not be had where nothing is waited for', () => {
    expect(new Patience().isOver(PLACE, 0, 0)).toBe(true);
  });

  it('is over once nothing has come of what is waited for in a minute', () => {
    const patience = new Patience();
    expect(patience.isOver(PLACE, 3, 0)).toBe(false);
    expect(patience.isOver(PLACE, 3, MINUTE_MS - 1)).toBe(false);
    expect(patience.isOver(PLACE, 3, MINUTE_MS)).toBe(true);
  });

  it('begins anew with each that comes, so that a long backlog is waited for', () => {
    const patience = new Patience();
    for (const others of [3, 2, 1]) expect(patience.isOver(PLACE, others, (4 - others) * MINUTE_MS)).toBe(false);
    expect(patience.isOver(PLACE, 1, 4 * MINUTE_MS)).toBe(true);
  });

  it('is had for each message by itself', () => {
    const patience = new Patience();
    expect(patience.isOver(PLACE, 3, 0)).toBe(false);
    expect(patience.isOver({ ...PLACE, offset: 8 }, 3, MINUTE_MS)).toBe(false);
  });
});
