import type { RecordEntry } from './fhir-out.js';
import { fhirProblems } from './fhir.js';
import {
  inSystem,
  LOINC as LOINC_SYSTEM,
  mmol,
  entry,
  narrativesOf,
  observation,
  report,
  sectionsOf,
  summary,
} from './summary.fixture.js';
import { LOINC, PAIRS, potassium, ROWS } from './summary-rows.fixture.js';

describe('a clinician who reads a summary', () => {
  it.each(ROWS)('finds %s where it belongs, in words that say what it is', (_what, resource, where, words) => {
    const document = summary([entry(resource)]);
    const narratives = narrativesOf(document);
    const listing = sectionsOf(document).filter((section) => section.entry !== undefined);
    expect(listing.map(({ code }) => code.coding[0].code)).toEqual(where === 'none' ? [] : [LOINC[where]]);
    expect(where === 'none' ? narratives.whole : narratives.of(LOINC[where])).toContain(words);
    expect(document.entry[0]!.resource).toMatchObject({ resourceType: 'Composition' });
    expect(JSON.stringify(narratives.of(LOINC.medications))).not.toMatch(/AllergyIntolerance|MedicationRequest|Observation/);
    if (where === 'none') expect(narratives.whole).toContain('1 further entry');
    else expect(narratives.whole).not.toContain('further');
  });

  it('is given FHIR R4 in every one of these', () => {
    for (const [what, resource] of ROWS) {
      if (fhirProblems(entry(resource).resource).length > 0) continue;
      expect({ what, problems: fhirProblems(summary([entry(resource)]) as never) }).toEqual({ what, problems: [] });
    }
    const document = summary(ROWS.map(([, resource], index) => entry({ ...resource, id: `r${index}` })));
    expect(document.entry.length).toBeGreaterThan(40);
  });

  it('reads of each entry in one section or in the rest, which together are the whole record', () => {
    const entries = ROWS.map(([, resource], index) => entry({ ...resource, id: `r${index}` }));
    const document = summary(entries);
    const listed = sectionsOf(document).flatMap(({ entry: held = [] }) => held.map(({ reference }) => reference));
    const [, rest] = /holds (\d+) further entries/.exec(narrativesOf(document).whole) ?? [];
    expect(new Set(listed).size).toBe(listed.length);
    expect(listed.length + Number(rest)).toBe(entries.length);
  });
});

describe('of two results a clinician', () => {
  it.each(PAIRS)('reads %s, whichever came first', (_what, one, other, listed) => {
    const pair = [entry({ ...one, id: 'one' }), entry({ ...other, id: 'other' })];
    for (const entries of [pair, [...pair].reverse()]) {
      const { whole, of } = narrativesOf(summary(entries));
      const results = of(LOINC.results);
      expect({ listed: listed.filter((words) => results.includes(words)), rows: results.split('\n').length - 2 }).toEqual({
        listed,
        rows: listed.length,
      });
      expect(whole.includes('Earlier than the latest of the same kind, which is listed: 1')).toBe(listed.length === 1);
    }
  });

  const fullCount = (id: string, results: readonly string[], date: string, source?: string): RecordEntry =>
    entry(
      report(id, { effectiveDateTime: date, result: results.map((result) => ({ reference: `Observation/${result}` })) }),
      source,
    );

  it('reads the later of two reports that gather the same results, and both of others', () => {
    const reportsOf = (...entries: RecordEntry[]) =>
      narrativesOf(summary(entries))
        .of(LOINC.results)
        .match(/Diagnostic studies report/g)?.length;
    const [k1, k2] = [entry(observation('k1', 'laboratory', mmol(4))), entry(observation('k2', 'laboratory', mmol(5)))];
    const sodium = entry(observation('na', 'laboratory', { ...mmol(140), code: inSystem(LOINC_SYSTEM, '2951-2') }));
    expect(reportsOf(k1, k2, fullCount('r1', ['k1'], '2026-01-01'), fullCount('r2', ['k2'], '2026-02-01'))).toBe(1);
    expect(reportsOf(k1, sodium, fullCount('r1', ['k1'], '2026-01-01'), fullCount('r2', ['na'], '2026-02-01'))).toBe(2);
    expect(reportsOf(k1, fullCount('r1', ['gone'], '2026-01-01'), fullCount('r2', ['k1'], '2026-02-01'))).toBe(2);
  });

  it('reads both of one code that no system defines, where two organisations use it', () => {
    const local = (value: number, date: string) => potassium(date, value, { code: { coding: [{ code: 'K' }] } });
    const rowsOf = (source: string) =>
      narrativesOf(
        summary([entry({ ...local(4.1, '2026-01-01'), id: 'a' }), entry({ ...local(6.9, '2026-02-01'), id: 'b' }, source)]),
      )
        .of(LOINC.results)
        .split('\n').length - 2;
    expect(rowsOf('Y90001')).toBe(2);
    expect(rowsOf('RX901')).toBe(1);
  });
});
