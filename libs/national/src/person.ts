import { intervalOf, isObject, type Resource } from '@weft/domain';

/** What of a PDS record Weft tells. */
export interface Person {
  readonly nhsNumber: string;
  readonly version: number;
  /** The label of a restricted record; null of an unrestricted one. */
  readonly restricted: Restriction | null;
  /** `withheld`: PDS does not say, which is not that there is none. */
  readonly generalPractitioner: GeneralPractitioner | 'withheld' | null;
  /** `removed`: PDS says that a death was taken back. Null where nothing is said of any. */
  readonly death: Death | 'removed' | null;
}

/** HL7 v3 Confidentiality: restricted, very restricted. */
type Restriction = 'R' | 'V';

export interface GeneralPractitioner {
  /** ODS code of the practice. */
  readonly ods: string;
  readonly start?: string;
  readonly end?: string;
}

export interface Death {
  /** As PDS gives it: a date, or an instant. */
  readonly on: string;
  /** 1: informal, a hospital or practice says so; 2: formal, the registrar does. Both are deaths. Null where PDS does not say. */
  readonly status: '1' | '2' | null;
}

/** Why a PDS record cannot be told of: a code and a sentence. */
export type Fault = readonly [code: string, message: string];

type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: Fault };

const DEATH_STATUS = 'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DeathNotificationStatus';
const ODS_CODE = 'https://fhir.nhs.uk/Id/ods-organization-code';

/**
 * Reads a PDS record (PDS FHIR API, UK Core Patient). Of what is not said plainly it says so, and nothing is guessed: a label that is not
 * known, or missing, is a restricted one.
 */
export function readPerson(nhsNumber: string, version: number, patient: Resource): Read<Person> {
  const death = deathOf(patient);
  if (!death.ok) return death;
  const practices = practicesOf(patient);
  if (practices === null) return unclear('practice-unclear', 'names a GP practice by no ODS code, or several');
  const restricted = restrictionOf(patient);
  const [generalPractitioner = restricted === null ? null : ('withheld' as const)] = practices;
  return { ok: true, value: { nhsNumber, version, restricted, generalPractitioner, death: death.value } };
}

const unclear = (code: string, what: string): { readonly ok: false; readonly fault: Fault } => ({
  ok: false,
  fault: [code, `PDS answered with a record that ${what}`],
});

/** U is unrestricted; R and V, PDS' own REDACTED, and what is none of these are not. */
function restrictionOf({ meta }: Resource): Restriction | null {
  const codes = objectsIn(meta?.['security']).map(({ code }) => code);
  if (codes.includes('V')) return 'V';
  return codes.length > 0 && codes.every((code) => code === 'U') ? null : 'R';
}

/** None, or the one; null where it cannot be told which it is. */
function practicesOf({ generalPractitioner }: Resource): readonly GeneralPractitioner[] | null {
  if (generalPractitioner === undefined) return [];
  const [only, ...others] = objectsIn(generalPractitioner);
  if (only === undefined || others.length > 0 || !isObject(only['identifier'])) return null;
  const { system, value, period } = only['identifier'];
  if (system !== ODS_CODE || typeof value !== 'string' || !/^[A-Z0-9]{1,9}$/.test(value)) return null;
  const { start, end } = isObject(period) ? period : {};
  return [{ ods: value, ...(typeof start === 'string' && { start }), ...(typeof end === 'string' && { end }) }];
}

function deathOf(patient: Resource): Read<Person['death']> {
  const { deceasedDateTime: on, deceasedBoolean } = patient;
  const [status = null, ...more] = deathStatusesOf(patient);
  if (more.length > 0 || !(status === null || /^[12U]$/.test(status)) || deceasedBoolean !== undefined) {
    return unclear('death-unclear', 'says something of a death that PDS is not known to say');
  }
  if (on === undefined && (status === null || status === 'U')) return { ok: true, value: status === null ? null : 'removed' };
  if (typeof on !== 'string' || intervalOf(on) === null || status === 'U') {
    return unclear('death-unclear', 'gives a death without a date, or one that was taken back with a date');
  }
  return { ok: true, value: { on, status: status as Death['status'] } };
}

function deathStatusesOf({ extension }: Resource): string[] {
  const inner = objectsIn(extension)
    .filter(({ url }) => url === DEATH_STATUS)
    .flatMap(({ extension: parts }) => objectsIn(parts))
    .filter(({ url }) => url === 'deathNotificationStatus');
  return inner.map(({ valueCodeableConcept: concept }) => {
    const [coding] = isObject(concept) ? objectsIn(concept['coding']) : [];
    return typeof coding?.['code'] === 'string' ? coding['code'] : '';
  });
}

const objectsIn = (value: unknown): Readonly<Record<string, unknown>>[] => (Array.isArray(value) ? value.filter(isObject) : []);
