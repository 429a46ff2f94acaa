import type { RecordedCareEvent } from './care-event.js';
import { correctionBy, isHere, versionOf, type Correction } from './moves.js';
import { emptyRecord, evolveRecord, type CareRecord, type Entry } from './record.js';

const ID = 'RX901/Observation/x';
const coordinates = { topic: 't', partition: 0, offset: 0 };
const recordedAt = '2026-01-01T00:00:00Z';
const about = { entry: ID, organisation: 'RX901', resourceType: 'Observation', coordinates, recordedAt };

/** What a version says of its age: a version id, `d` and a day, both, or nothing; `!` where it is entered in error. */
function version(said: string, content = said): RecordedCareEvent {
  const [, id, day] = /^(\d*)(?:d(\d\d))?/.exec(said) ?? [];
  const meta = {
    ...(id !== '' && { versionId: id as string }),
    ...(day !== undefined && { lastUpdated: `2026-01-${day}T00:00:00Z` }),
  };
  const status = said.endsWith('!') ? 'entered-in-error' : 'final';
  const resource = { resourceType: 'Observation', id: 'x', status, valueString: content, meta };
  const sent = { source: 'urn:ods:RX901', organisation: 'RX901', time: recordedAt, resource };
  return {
    type: 'care-event-recorded-1',
    id: `${said} ${content}`,
    ...sent,
    recordedAt,
    coordinates,
    digest: `${said} ${content}`,
  };
}

function recordOf(versions: readonly string[]): CareRecord {
  const record = emptyRecord();
  for (const one of versions) evolveRecord(record, version(...(one.split(' ') as [string])));
  return record;
}
const entryIn = (record: CareRecord): Entry | undefined => record.entries.get(ID);

describe('what a version does that names another number than the one that has the entry', () => {
  it.each<[there: string, next: string, Correction]>([
    // It says that it is the later.
    ['1', '2', 'moves'],
    ['d01', 'd02', 'moves'],
    ['1d01', '2d02', 'moves'],
    ['1d01', '2', 'moves'],
    ['1', '2!', 'moves'],
    // Also of what was entered in error there, and is sent again under the right number.
    ['1 2!', '3', 'moves'],
    // It says that it is the earlier, or was replaced there.
    ['2', '1', 'history'],
    ['1 3', '2', 'history'],
    ['3 2', '1', 'history'],
    ['2', '1!', 'history'],
    ['1 1', '1 1', 'unclear'],
    // It says nothing, the same, or contradicts itself; or the two say different things.
    ['', '', 'unclear'],
    ['1', '', 'unclear'],
    ['', '1', 'unclear'],
    ['1', '1', 'unclear'],
    ['1!', '1', 'unclear'],
    ['1', '1!', 'unclear'],
    ['2d01', '1d02', 'unclear'],
    ['1', 'd02', 'unclear'],
    // Nothing of it is there.
    ['-', '', 'moves'],
  ])('there: %s; it: %s; so it %s', (there, next, correction) => {
    const record = there === '-' ? emptyRecord() : recordOf(there.split(' '));
    expect(correctionBy(versionOf(version(next, 'next')), entryIn(record))).toBe(correction);
  });

  it('is history where it was replaced there under its own version', () => {
    const record = recordOf([]);
    for (const content of ['wrong', 'right']) evolveRecord(record, version('1', content));
    expect(correctionBy(versionOf(version('1', 'wrong')), entryIn(record))).toBe('history');
  });
});

describe('a record that an entry left', () => {
  const left = (...versions: string[]): CareRecord => {
    const record = recordOf(versions);
    const age = { versionId: 3, lastUpdated: null };
    evolveRecord(record, { type: 'entry-moved-away-1', ...about, to: 'b', since: 0, age });
    return record;
  };

  it('has it no more', () => {
    const entry = entryIn(left('1')) as Entry;
    expect([isHere(entry), entry.retracted, entry.resource]).toEqual([false, true, undefined]);
  });

  it.each([
    ['2', false],
    ['3', false],
    ['4', true],
  ])('knows the age of what took it: version %s', (next, comesBack) => {
    const record = left('1');
    evolveRecord(record, version(next, 'next'));
    expect(isHere(entryIn(record) as Entry)).toBe(comesBack);
  });
});

describe('a record that learns of an entry', () => {
  const seen = [{ versionId: 3, lastUpdated: null, replaced: [] }];
  it.each([
    ['2', false],
    ['4', true],
  ])('shows version %s where it is later than what another record knew', (next, isShown) => {
    const record = emptyRecord();
    evolveRecord(record, { type: 'entry-learnt-1', ...about, of: 'a', seen, review: 'number-corrected' });
    evolveRecord(record, version(next));
    const entry = entryIn(record) as Entry;
    expect([isHere(entry), entry.review]).toEqual([isShown, isShown ? 'number-corrected' : undefined]);
  });
});
