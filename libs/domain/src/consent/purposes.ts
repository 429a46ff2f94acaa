import { isPurpose, PURPOSES, purposeOfUse, type Purpose } from '../vocabulary.js';

/** A code of Weft's own: it means one purpose exactly, with nothing above or below it. */
export const WEFT_PURPOSE_SYSTEM = 'urn:weft:purpose';

/** HL7's PurposeOfUse is part of v3 ActReason, which has had these addresses. A coding without a system means it too. */
const HL7_SYSTEMS: readonly (string | undefined)[] = [
  undefined,
  'http://terminology.hl7.org/CodeSystem/v3-ActReason',
  'http://hl7.org/fhir/v3/ActReason',
  'urn:oid:2.16.840.1.113883.5.8',
];

/**
 * HL7's PurposeOfUse (v3 ActReason): of each code the one directly above it. A code that is not here is unknown. Source:
 * https://terminology.hl7.org/ValueSet-v3-PurposeOfUse.html
 */
const ABOVE: ReadonlyMap<string, string> = new Map(
  Object.entries({
    PurposeOfUse: 'HMARKT HOPERAT HPAYMT HRESCH PATRQT PUBHLTH TREAT',
    HOPERAT:
      'CAREMGT DONAT FRAUD GOV HACCRED HCOMPL HDECD HDIRECT HDM HLEGAL HOUTCOMS HPRGRP HQUALIMP HSYSADMIN MEMADMIN MILCDM PATADMIN PATSFTY PERFMSR RECORDMGT SYSDEV TRAIN',
    HSYSADMIN: 'LABELING METAMGT',
    SYSDEV: 'HTEST',
    HPAYMT: 'CLMATTCH COVAUTH COVERAGE REMITADV',
    COVERAGE: 'ELIGDTRM ELIGVER ENROLLM MILDCRG',
    HRESCH: 'BIORCH CLINTRCH DSRCH POARCH TRANSRCH',
    CLINTRCH: 'CLINTRCHNPC CLINTRCHPC PRECLINTRCH',
    PATRQT: 'FAMRQT PWATRNY SUPNWK',
    PUBHLTH: 'DISASTER THREAT',
    TREAT: 'CLINTRL COC ETREAT POPHLTH',
    ETREAT: 'BTG ERTREAT',
  }).flatMap(([above, below]) => below.split(' ').map((code): [string, string] => [code, above])),
);
const ROOT = 'PurposeOfUse';

/**
 * The purposes that a code covers in a denial, or in a permission; null where the code cannot be told. A code of somebody else's
 * system means something else, however it is spelt.
 */
export function purposesOfCode(code: string, system: string | undefined, effect: 'permit' | 'deny'): readonly Purpose[] | null {
  if (system !== WEFT_PURPOSE_SYSTEM && !HL7_SYSTEMS.includes(system)) return null;
  const exact = exactPurpose(code);
  if (effect === 'permit' || system === WEFT_PURPOSE_SYSTEM || isPurpose(code)) return exact === null ? null : [exact];
  if (code !== ROOT && !ABOVE.has(code)) return null;
  const below = PURPOSES.filter((purpose) => lineOf(purposeOfUse[purpose]).includes(code));
  if (below.length > 0) return below;
  const nearest = lineOf(code)
    .map(exactPurpose)
    .find((purpose) => purpose !== null);
  return nearest === undefined ? [] : [nearest];
}

function exactPurpose(code: string): Purpose | null {
  return PURPOSES.find((purpose) => purpose === code || purposeOfUse[purpose] === code) ?? null;
}

/** The code and everything above it. */
function lineOf(code: string): string[] {
  const above = ABOVE.get(code);
  return above === undefined ? [code] : [code, ...lineOf(above)];
}
