import { codeSystemsWith, DEFAULT_CODE_SYSTEMS, type CodeSystemRule, type ReleasedCodes } from './release-codes.js';
import { DEFAULT_MEASURES, DEFAULT_UNIT_TEXTS, DEFAULT_UNITS, type Measure, type UnitRange } from './release-measures.js';

/**
 * What population health and research may know of codes, numbers and times: data, of which this is the shipped form. A change of it
 * changes what the two views hold, so it comes with a new version of their projections.
 */
export interface Release {
  /** The code systems whose codes are told, by their FHIR addresses. A code of any other system is left out. */
  readonly codeSystems: Readonly<Record<string, CodeSystemRule>>;
  /** UCUM units, each with the numbers that are told in it. A quantity in another unit is masked. */
  readonly units: Readonly<Record<string, UnitRange>>;
  /** The one UCUM unit that a unit given as text alone can mean. */
  readonly unitTexts: Readonly<Record<string, string>>;
  /** Where a code says what is measured, narrower numbers than those of its unit. */
  readonly measures: readonly Measure[];
  /** Dates of earlier years are left out, and those after the event that says them: both are rare enough to be found by. */
  readonly earliestYear: number;
  /** People of this age and above, by the event that says it, have one birth year; so have all born before the year. */
  readonly oldestAge: number;
  readonly earliestBirthYear: number;
}

export const DEFAULT_RELEASE: Release = {
  codeSystems: DEFAULT_CODE_SYSTEMS,
  units: DEFAULT_UNITS,
  unitTexts: DEFAULT_UNIT_TEXTS,
  measures: DEFAULT_MEASURES,
  earliestYear: 1990,
  oldestAge: 90,
  earliestBirthYear: 1936,
};

/** The shipped release with a region's own codes: another list makes other views, which a replay brings about. */
export const releaseWith = (codes: ReleasedCodes): Release => ({ ...DEFAULT_RELEASE, codeSystems: codeSystemsWith(codes) });
