import { entryId, markedId, namesOfEntry, sourceIn, spelt, withoutMark, withoutSource, withoutSystem } from './entry-id.js';

const resource = { resourceType: 'Observation', id: '1' };

describe('the id of an entry', () => {
  it('names its organisation, or the system of it that numbers the resource', () => {
    expect(entryId('urn:ods:RX901', resource)).toBe('RX901/Observation/1');
    expect(entryId('urn:ods:RX901:lab', resource)).toBe('RX901:lab/Observation/1');
  });

  it('is told apart into its source and the rest, also where a system has slashes in its name', () => {
    const id = entryId('urn:ods:RX901:site/a:b', resource);
    expect([sourceIn(id), withoutSource(id), withoutSystem(id)]).toEqual([
      'RX901:site/a:b',
      'Observation/1',
      'RX901/Observation/1',
    ]);
    expect(sourceIn('Observation/1')).toBe('');
  });

  it('may be meant by its whole, its organisation and its bare name, the source in capitals or not', () => {
    expect(namesOfEntry('RX901:LAB/Observation/A')).toEqual(['rx901:lab/Observation/A', 'rx901/Observation/A', 'Observation/A']);
  });

  it('is told apart from that of another number by a mark, which is no part of what names it', () => {
    const id = markedId('RX901:site/a~b/Observation/A', '0123456789abcdef');
    expect(id).toBe('RX901:site/a~b/Observation/A~0123456789ab');
    expect([sourceIn(id), withoutSource(id), withoutMark(id)]).toEqual([
      'RX901:site/a~b',
      'Observation/A',
      'RX901:site/a~b/Observation/A',
    ]);
    expect(namesOfEntry(id)).toEqual(namesOfEntry('RX901:site/a~b/Observation/A'));
    expect(spelt('RX901/Observation/A~0123456789ab')).toBe('rx901/Observation/A');
  });
});
