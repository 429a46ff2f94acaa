import type { ReleasedCodes } from '@weft/domain';
import { WrongExpectedRevision } from './errors.js';
import type { NewEvent, StoredEvent } from './ports.js';
import { ReleasedCodesBook, sameCodes } from './released-codes.js';

const SNOMED = 'http://snomed.info/sct';
const FEW: ReleasedCodes = { [SNOMED]: ['44054006'] };
const MORE: ReleasedCodes = { [SNOMED]: ['44054006', '38341003'] };
const [anna, bert] = ['anna', 'bert'].map((subject) => ({ subject, organisation: null })) as [Person, Person];
type Person = { readonly subject: string; readonly organisation: null };

function region() {
  const events: StoredEvent[] = [];
  let ids = 0;
  const store = {
    read: async (_: string, { from = 0 }: { from?: number } = {}) => events.slice(from),
    append: async (stream: string, expected: number, more: readonly NewEvent[]) => {
      if (expected !== events.length - 1) throw new WrongExpectedRevision(stream, expected, events.length - 1);
      for (const event of more) events.push({ meta: {}, ...event, stream, revision: events.length, position: '' });
      return events.length - 1;
    },
  };
  return new ReleasedCodesBook(store, { now: () => 0 }, { uuid: () => `id-${(ids += 1)}`, fraction: () => 0 });
}

describe('the codes that population health and research are told', () => {
  it('are those that the region began with, whatever the settings of a later start say', async () => {
    const book = region();
    expect(await book.current()).toBeNull();
    await Promise.all([book.seed(FEW), book.seed(MORE)]);
    await book.seed(MORE);
    expect(await book.current()).toEqual({ codes: FEW, proposal: null, authorisedBy: null, waiting: null });
  });

  it('are other ones once two people have said so', async () => {
    const book = region();
    await book.seed(FEW);
    const { codes, waiting } = await book.propose(MORE, anna, 'The committee agreed');
    expect([codes, waiting]).toMatchObject([FEW, { codes: MORE, by: anna }]);
    await expect(book.authorise(waiting!.id, anna)).rejects.toMatchObject({ why: 'same-person' });
    await expect(book.authorise('another', bert)).rejects.toMatchObject({ why: 'unknown' });
    const inForce = { codes: MORE, authorisedBy: bert, waiting: null, proposal: { by: anna, reason: 'The committee agreed' } };
    expect(await book.authorise(waiting!.id, bert)).toMatchObject(inForce);
    await expect(book.authorise(waiting!.id, bert)).rejects.toMatchObject({ why: 'unknown' });
  });

  it('are none that a second person has not seen: the last proposal takes the place of the one before', async () => {
    const book = region();
    await book.seed({});
    const first = await book.propose(FEW, anna, 'x');
    await book.propose(MORE, anna, 'y');
    await expect(book.authorise(first.waiting!.id, bert)).rejects.toMatchObject({ why: 'unknown' });
    expect((await book.current())!.codes).toEqual({});
  });

  it('are the same in any order of their code systems', () => {
    expect(sameCodes({ a: ['1'], b: [] }, { b: [], a: ['1'] })).toBe(true);
    expect(sameCodes(FEW, MORE)).toBe(false);
  });
});
