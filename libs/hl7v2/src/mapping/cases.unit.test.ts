import { whereThereAreCases } from '../cases.fixture.js';
import {
  checkEntries,
  type Expected,
  GATEWAY_NOTES,
  mappingCases as cases,
  messagesOf,
  type MappingCase,
} from './cases-checks.fixture.js';
import { Filed, type Outcome } from './filed.fixture.js';

whereThereAreCases('a case of the feed', () => {
  it('is there', () => expect(cases.length).toBeGreaterThan(60));

  it.each(cases.map((one): [string, string, MappingCase] => [one.id, one.about, one]))('%s: %s', (_id, _about, one) => {
    const filed = new Filed(one.listener);
    const outcomes = messagesOf(one).map(({ bytes, receivedAt }) => filed.take(bytes, receivedAt));
    expect(filed.refused).toEqual([]);
    checkEntries(filed, one.expect);
    checkTakens(filed, one.expect, outcomes);
    checkIdentity(filed, one.expect);
  });
});

function checkTakens(
  filed: Filed,
  { notes, quarantine, unmapped, forbiddenEvents }: Expected,
  outcomes: readonly Outcome[],
): void {
  for (const note of notes ?? []) {
    if (GATEWAY_NOTES.includes(note)) continue;
    expect(filed.notes).toContainEqual(expect.objectContaining(typeof note === 'string' ? { code: note } : note));
  }
  const faults = outcomes.flatMap((outcome, index) => outcome.faults.map((fault) => ({ ...fault, message: index + 1 })));
  expect(faults).toEqual((quarantine ?? []).map((fault) => expect.objectContaining(fault)));
  expect(outcomes.flatMap((outcome) => outcome.unmapped ?? [])).toEqual(unmapped ?? []);
  for (const type of forbiddenEvents ?? []) expect(filed.events.map((event) => event.type)).not.toContain(type);
}

function checkIdentity(filed: Filed, { waiting, review, index, filedUnder }: Expected): void {
  expect(filed.feed.stillWaiting()).toEqual((waiting ?? []).map((one) => expect.objectContaining(one)));
  expect(filed.review).toEqual(review ?? []);
  if (index?.length === 0) expect(filed.feed.index.all().size).toBe(0);
  for (const { mrn, nhs, replacedBy } of index ?? []) {
    const entry = filed.feed.index.of(mrn!);
    if (nhs !== undefined) expect([mrn, entry?.number]).toEqual([mrn, nhs]);
    if (replacedBy !== undefined) expect([mrn, entry?.replacedBy]).toEqual([mrn, replacedBy]);
  }
  if (filedUnder === null) expect(filed.standing()).toEqual({});
  if (typeof filedUnder === 'string') expect([...filed.records.keys()]).toEqual([filedUnder]);
}
