import { homeOf, together, type NumberRecord } from './homes.js';
import { emptyRecord, evolveRecord } from './record.js';

const [A, B, C] = ['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb', 'cccccccccccccccc'] as const;
const at = '2026-01-01T00:00:00Z';
const coordinates = { topic: 't', partition: 0, offset: 0 };

let count = 0;
/** A number that has entries of these ids. */
function holding(key: string, ...ids: string[]): NumberRecord {
  const record = emptyRecord();
  for (const id of ids) {
    const resource = { resourceType: 'Observation', id, status: 'final', note: [{ text: key }] };
    const said = { source: 'urn:ods:RX901', organisation: 'RX901', time: at, recordedAt: at, coordinates, resource };
    evolveRecord(record, { type: 'care-event-recorded-1', id: `e${(count += 1)}`, ...said });
  }
  return { key, record };
}

function claiming(number: NumberRecord, home: string, id: string): NumberRecord {
  evolveRecord(number.record, { type: 'entries-claimed-1', entries: [id], home, recordedAt: at });
  return number;
}

const X = 'RX901/Observation/x';

describe('the number with which an entry lives', () => {
  it.each<[string, string, NumberRecord[], string | null]>([
    ['is the one that has it, whichever is named', B, [holding(B), holding(A, 'x')], A],
    ['is the one named where that has it', A, [holding(B, 'x'), holding(A, 'x')], A],
    ['is the first that has it where the one named has not', C, [holding(B, 'x'), holding(A, 'x'), holding(C)], B],
    ['is none where nobody has it', B, [holding(B), holding(A, 'y')], null],
    ['is the one that is about to have it', B, [claiming(holding(B), A, X), holding(A)], A],
    ['is not one that was about to have it, and is no number of the person any more', B, [claiming(holding(B), C, X)], null],
    ['is the one that has it rather than one that was about to', B, [claiming(holding(B, 'x'), A, X), holding(A)], B],
  ])('%s', (_, named, members, home) => expect(homeOf(X, named, members)).toBe(home));
});

describe('the records of a person’s numbers as one', () => {
  it('have an entry of each number that has one of that id, told apart', () => {
    const { record, homes } = together([holding(B, 'x'), holding(A, 'x', 'y'), holding(C, 'x')]);
    const noted = [...record.entries].map(([id, { id: own, resource }]) => [id, own, resource?.['note']]);
    expect(noted).toEqual(
      [
        [X, B],
        [`${X}~aaaaaaaaaaaa`, A],
        ['RX901/Observation/y', A],
        [`${X}~cccccccccccc`, C],
      ].map(([id, text]) => [id, id, [{ text }]]),
    );
    expect([...homes.values()]).toEqual([1, 1, 2]);
    expect(record.revision).toBe(3);
  });

  it('leave what each number has as it is', () => {
    const one = holding(A, 'x');
    together([holding(B, 'x'), one]);
    expect([...one.record.entries.keys(), one.record.entries.get(X)?.id]).toEqual([X, X]);
  });
});
