import { intervalOf } from '@weft/domain';
import type { Resource } from '@weft/domain';
import type { RecordEntry } from './fhir-out.js';
import { objectsOf, textOf } from './patient-reference.js';
import { escaped, warning } from './summary-narrative.js';
import { dateText } from './summary-words.js';

interface Person {
  readonly patient: Resource;
  /** What other organisations say of the same person. */
  readonly others: readonly RecordEntry[];
  readonly nhsNumber: string;
  readonly now: number;
}

/** Whose summary it is, as NHS screens name a person, and where organisations contradict each other about them. */
export function personText({ patient, others, nhsNumber, now }: Person): string {
  const facts = [
    bornText(patient, now),
    textOf(patient['gender']),
    `NHS number ${nhsNumber.slice(0, 3)} ${nhsNumber.slice(3, 6)} ${nhsNumber.slice(6)}`,
  ].filter((fact) => fact !== undefined);
  const died = diedText(patient);
  const contradictions = others.flatMap((other) => contradictionsOf(patient, other));
  return [
    `<p><b>${escaped(nameText(patient) ?? 'Name not known')}</b>, ${escaped(facts.join(', '))}${died === undefined ? '' : `, <b>${escaped(died)}</b>`}</p>`,
    ...new Set(contradictions.map(warning)),
  ].join('');
}

/** FAMILY, Given: of several names the one in use. */
function nameText(patient: Resource): string | undefined {
  const names = objectsOf(patient['name']).filter(({ use }) => use !== 'old');
  const name = names.find(({ use }) => use === 'usual' || use === 'official') ?? names[0];
  if (name === undefined) return undefined;
  const given = (Array.isArray(name['given']) ? name['given'] : []).filter((part): part is string => typeof part === 'string');
  const parts = [textOf(name['family'])?.toUpperCase(), given.join(' ')].filter((part) => part !== undefined && part !== '');
  return parts.length > 0 ? parts.join(', ') : textOf(name['text']);
}

function bornText({ birthDate, ...patient }: Resource & { readonly birthDate?: unknown }, now: number): string {
  const date = dateText(birthDate);
  if (date === undefined) return 'date of birth not known';
  const age = diedText(patient) === undefined ? ageAt(birthDate, now) : undefined;
  return `born ${date}${age === undefined ? '' : ` (${age}y)`}`;
}

/** Whole years; undefined where the date of birth has no day. */
function ageAt(birthDate: unknown, now: number): number | undefined {
  if (typeof birthDate !== 'string' || birthDate.length !== 10) return undefined;
  const years = new Date(now).getUTCFullYear() - Number(birthDate.slice(0, 4));
  const birthday = intervalOf(`${Number(birthDate.slice(0, 4)) + years}${birthDate.slice(4).replace('-02-29', '-03-01')}`);
  return birthday !== null && birthday.from > now ? years - 1 : years;
}

function diedText({ deceasedDateTime, deceasedBoolean }: Resource & { deceasedDateTime?: unknown; deceasedBoolean?: unknown }) {
  if (deceasedDateTime !== undefined) return `died ${dateText(deceasedDateTime) ?? 'on an unknown date'}`;
  return deceasedBoolean === true ? 'has died' : undefined;
}

/** A Patient that says nothing of a fact does not contradict. */
function contradictionsOf(patient: Resource, { organisation, resource: other }: RecordEntry): string[] {
  const family = (one: Resource): string | undefined => nameText(one)?.split(',')[0]?.toUpperCase();
  const differs = (of: (one: Resource) => string | undefined): boolean => {
    const [one, another] = [of(patient), of(other)];
    return one !== undefined && another !== undefined && one !== another;
  };
  const born = (one: Resource): string | undefined => dateText(one['birthDate']);
  const died = diedText(other);
  const isNewDeath = died !== undefined && died !== diedText(patient);
  return [
    ...(differs(born) ? [`${organisation} has another date of birth: ${born(other)}`] : []),
    ...(differs(family) ? [`${organisation} has another name: ${nameText(other)}`] : []),
    ...(isNewDeath ? [`${organisation} says of this person: ${died}`] : []),
  ];
}
