import { recentName, RecentEvents } from './recent-events.js';

const named = (id: string, subject = '9990000018', source = 'urn:ods:RX901') => recentName({ id, subject, source });

describe('the events that a gateway took lately', () => {
  it('are known by source, id and person', () => {
    const recent = new RecentEvents();
    recent.note(named('a'), 'one');
    expect(recent.isOther(named('a'), 'one')).toBe(false);
    expect(recent.isOther(named('a'), 'two')).toBe(true);
    for (const other of [named('b'), named('a', '9990000026'), named('a', '9990000018', 'urn:ods:RX902')]) {
      expect(recent.isOther(other, 'two')).toBe(false);
    }
  });

  it('are let go of when there are too many, the one that was taken longest ago first', () => {
    const recent = new RecentEvents(2);
    recent.note(named('a'), 'one');
    recent.note(named('b'), 'one');
    recent.note(named('a'), 'one');
    recent.note(named('c'), 'one');
    expect(['a', 'b', 'c'].map((id) => recent.isOther(named(id), 'two'))).toEqual([true, false, true]);
  });
});
