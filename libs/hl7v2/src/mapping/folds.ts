import { NHS_NUMBER_SYSTEM, type Resource } from '@weft/domain';
import { resourceId } from './entry-names.js';
import type { Body, EntryName, Fact, FactKind, Filing } from './facts.js';
import { documentOf, evolveDocument } from './fold-document.js';
import { deathOf, evolveDeath, evolvePerson, patientOf } from './fold-person.js';
import { evolveReport, reportOf } from './fold-report.js';
import { encounterOf, evolveVisit } from './fold-visit.js';
import { type Folded, laidOver } from './folded.js';

interface Fold {
  readonly evolve: (state: Folded, fact: Fact) => Folded;
  readonly body: (state: Folded, filing: Filing) => Body;
}

/** Of most kinds a message's members are laid over what was known, and are the resource's own. */
const plain: Fold = {
  evolve: (state, { action, members }) =>
    action === 'retract'
      ? { ...state, retracted: true }
      : { known: true, retracted: false, members: laidOver(state.members, members) },
  body: ({ members }) => members as Body,
};

const FOLDS: Readonly<Record<FactKind, Fold>> = {
  patient: { evolve: evolvePerson, body: patientOf },
  death: { evolve: evolveDeath, body: deathOf },
  encounter: { evolve: evolveVisit, body: encounterOf },
  report: { evolve: evolveReport, body: reportOf },
  document: { evolve: evolveDocument, body: documentOf },
  observation: plain,
  appointment: plain,
  resource: plain,
};

export const evolve = (state: Folded, fact: Fact): Folded => FOLDS[fact.kind].evolve(state, fact);

/** Whether an entry is one that may be shown: a Patient that gave way to another one is none. */
export const isShown = ({ known, retracted, members }: Folded): boolean =>
  known && !retracted && members['replacedBy'] === undefined;

/** Where a resource of each type says whose it is. */
const SUBJECT: Readonly<Record<string, 'subject' | 'patient' | undefined>> = {
  AllergyIntolerance: 'patient',
  Appointment: undefined,
  Immunization: 'patient',
  Patient: undefined,
};

/** The entry's resource, as it is filed; without its version. */
export function resourceOf(kind: FactKind, name: EntryName, state: Folded, filing: Filing): Resource {
  const { resourceType, ...body } = FOLDS[kind].body(state, filing);
  const place = resourceType in SUBJECT ? SUBJECT[resourceType] : 'subject';
  const whole = { ...body, ...(place !== undefined && { [place]: patientReference(filing.number) }) };
  const resolved = asFhir(whole, filing) as object;
  return { resourceType, id: resourceId(filing.organisation, name), ...resolved };
}

const patientReference = (number: string): object => ({
  type: 'Patient',
  identifier: { system: NHS_NUMBER_SYSTEM, value: number },
});

/**
 * A body as FHIR has it: references to entries are those to their ids, and without members that say nothing, empty lists and empty
 * objects; undefined where nothing is left.
 */
function asFhir(value: unknown, filing: Filing): unknown {
  if (value === null || value === undefined) return undefined;
  if (typeof value !== 'object') return value;
  if (Array.isArray(value)) {
    const items = value.map((item) => asFhir(item, filing)).filter((item) => item !== undefined);
    return items.length === 0 ? undefined : items;
  }
  if ('@entry' in value) {
    const name = value['@entry'] as EntryName;
    return { reference: `${name[0]}/${resourceId(filing.organisation, name)}` };
  }
  if ('@patient' in value) return patientReference(filing.number);
  const members: Record<string, unknown> = {};
  let isEmpty = true;
  for (const name in value) {
    const kept = asFhir((value as Record<string, unknown>)[name], filing);
    if (kept === undefined) continue;
    members[name] = kept;
    isEmpty = false;
  }
  return isEmpty ? undefined : members;
}
