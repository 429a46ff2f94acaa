import { aboutOf, conceptOf, digitsOf, type Resource } from '@weft/domain';

type Loose = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Loose => value !== null && typeof value === 'object' && !Array.isArray(value);
const objects = (value: unknown): Loose[] => (Array.isArray(value) ? value : [value]).filter(isObject);
const text = (value: unknown): string | undefined => (typeof value === 'string' && value.trim() !== '' ? value : undefined);

/** One line of what a resource says, for a person at a terminal: what, how much, and how it stands. */
export function describe(resource: Resource): string {
  const what = resource.resourceType === 'Patient' ? nameOf(resource) : aboutOf(resource);
  const value = valueOf(resource);
  const standing = standingOf(resource).join(', ');
  return [what, value, standing === '' ? undefined : `(${standing})`].filter((part) => part !== undefined).join(' ');
}

function nameOf(patient: Resource): string | undefined {
  const [name] = objects(patient['name']);
  const given = Array.isArray(name?.['given']) ? name['given'].filter((one) => typeof one === 'string') : [];
  const whole = name === undefined ? undefined : (text(name['text']) ?? [...given, text(name['family']) ?? ''].join(' ').trim());
  const born = text(patient['birthDate']);
  const date = text(patient['deceasedDateTime'])?.slice(0, 10);
  const died = date === undefined ? patient['deceasedBoolean'] === true && 'has died' : `died ${date}`;
  const parts = [whole || undefined, text(patient['gender']), born && `born ${born}`, died || undefined];
  return parts.filter((part) => part !== undefined).join(', ');
}

function valueOf(resource: Resource): string | undefined {
  const parts = objects(resource['component'])
    .map(quantityOf)
    .filter((one) => one !== undefined);
  return quantityOf(resource) ?? (parts.length > 0 ? parts.join(' / ') : undefined);
}

function quantityOf(holder: Loose): string | undefined {
  const { valueQuantity, valueCodeableConcept, valueString } = holder;
  const digits = isObject(valueQuantity) ? digitsOf(valueQuantity, 'value') : undefined;
  if (isObject(valueQuantity) && digits !== undefined) {
    return `${text(valueQuantity['comparator']) ?? ''}${digits} ${text(valueQuantity['unit']) ?? text(valueQuantity['code']) ?? ''}`
      .replace(/\{.*?\}/, '')
      .trim();
  }
  return isObject(valueCodeableConcept) ? conceptOf(valueCodeableConcept) : text(valueString);
}

/** A status that is the usual one says nothing. */
const UNREMARKABLE = ['active', 'final', 'finished', 'completed', 'fulfilled', 'confirmed'];

/** What is resolved, refuted or not to be done must not read like what is. */
function standingOf(resource: Resource): string[] {
  const [status, clinical, verification] = [resource['status'], resource['clinicalStatus'], resource['verificationStatus']];
  const standing = [text(status), ...[clinical, verification].map((one) => objects(one).map(conceptOf)[0])];
  const notable = standing.filter((one) => one !== undefined && !UNREMARKABLE.includes(one.toLowerCase()));
  return [...(notable as string[]), ...(resource['doNotPerform'] === true ? ['not to be done'] : [])];
}

/** To the minute, in the zone in which it is written. */
export const minuteOf = (time: string): string => time.slice(0, 16).replace('T', ' ');

/** A date, as precise as it is given. */
export const dayOf = (time: string | null): string => (time === null ? '–' : time.slice(0, 10));

/** As people read it: 999 000 0018. */
export const spaced = (nhsNumber: string): string => nhsNumber.replace(/^(\d{3})(\d{3})(\d{4})$/, '$1 $2 $3');

/** An ODS code as it is; beyond individual care organisations may be pseudonyms, of which the beginning will do. */
export const shortened = (organisation: string): string =>
  organisation.length > 9 ? `${organisation.slice(0, 8)}…` : organisation;
