import { whereThereAreCases } from '../../hl7v2/src/cases.fixture.js';
import {
  checkEntries,
  type Expected,
  GATEWAY_NOTES,
  mappingCases as cases,
  type MappingCase,
  messagesOf,
} from '../../hl7v2/src/mapping/cases-checks.fixture.js';
import { openRegion, type Region } from './region.fixture.js';

const REASONS_OF_A_PERSON = ['number-contradicts-index', 'two-nhs-numbers', 'mrn-replaced'];

whereThereAreCases('a case of the feed, by the projector', () => {
  it('is there', () => expect(cases.length).toBeGreaterThan(60));

  it.each(cases.map((one): [string, string, MappingCase] => [one.id, one.about, one]))('%s: %s', async (_id, _about, one) => {
    const region = await openRegion([{ ...one.listener, name: 'pas' }]);
    for (const { bytes, receivedAt } of messagesOf(one)) {
      await region.send(bytes, receivedAt === undefined ? {} : { receivedAt });
      // Each by a projector that knows nothing but what is stored.
      await region.project();
    }
    const told = await region.told();
    expect(told.refused).toEqual([]);
    checkEntries(told, one.expect);
    await checkOutcomes(region, one.expect);
    if (one.expect.filedUnder === null) expect(told.standing()).toEqual({});
    if (typeof one.expect.filedUnder === 'string') expect([...told.records.keys()]).toEqual([one.expect.filedUnder]);
    for (const type of one.expect.forbiddenEvents ?? []) expect(told.events.map((event) => event.type)).not.toContain(type);
  });
});

async function checkOutcomes(region: Region, { notes, quarantine, waiting, review, unmapped }: Expected): Promise<void> {
  const seen = region.became.flatMap((became) => became.notes);
  for (const note of notes ?? []) {
    if (!GATEWAY_NOTES.includes(note)) expect(seen).toContain(typeof note === 'string' ? note : note.code);
  }
  expect(region.became.flatMap((became) => became.review)).toEqual(review ?? []);
  expect(region.became.filter(({ outcome }) => outcome === 'unmapped')).toHaveLength((unmapped ?? []).length);
  const forAPerson = (waiting ?? []).filter(({ why }) => REASONS_OF_A_PERSON.includes(why));
  const faults = (quarantine ?? []).map(({ segment, index = 1, field, component = 1, code }) => ({
    ...{ field: expect.stringMatching(new RegExp(`^${segment}\\[${index}\\]-${field}\\[\\d+\\]\\.${component}$`)), code },
  }));
  expect((await region.quarantined()).flatMap(({ problems }) => problems)).toEqual(
    [...faults, ...forAPerson.map(({ why }) => ({ code: why }))].map((problem) => expect.objectContaining(problem)),
  );
  const reasons: Record<string, number> = {};
  for (const { why } of waiting ?? []) if (!REASONS_OF_A_PERSON.includes(why)) reasons[why] = (reasons[why] ?? 0) + 1;
  expect((await region.waiting()).reasons).toEqual(reasons);
}
