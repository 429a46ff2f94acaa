import { isResourceType } from '@weft/domain';
import type { Problem, Resource } from '@weft/domain';

/** However much is wrong with an input, this many problems are told: they travel with it into quarantine. */
const PROBLEMS_MAX = 50;
const FIELD_CHARACTERS_MAX = 200;
const MESSAGE_CHARACTERS_MAX = 500;

export function problem(field: string, code: string, message: string): Problem {
  return { field, code, message };
}

/** The name of a member, in a path. A name may be anything, also somebody's: it is repeated only where it looks like one of FHIR's. */
export function nameShown(member: string): string {
  return /^_?[a-z][A-Za-z]{0,62}\d{0,3}[A-Za-z]{0,20}$|^__proto__$/.test(member) ? member : '…';
}

/** The type of a resource, in a path: what says another is told as a Resource. */
export function typeShown({ resourceType }: Resource): string {
  return isResourceType(resourceType) ? resourceType : 'Resource';
}

/** The reading of what has this wrong with it. */
export function refuse(
  field: string,
  code: string,
  message: string,
): { readonly ok: false; readonly problems: readonly Problem[] } {
  return { ok: false, problems: [problem(field, code, message)] };
}

/** Fit to be logged, stored and answered: no run of ten digits (an NHS number, perhaps), nothing endless. */
export function presentable(problems: readonly Problem[]): Problem[] {
  const told = problems.slice(0, PROBLEMS_MAX).map(({ field, code, message }) => ({
    field: withoutNumbers(field.slice(0, FIELD_CHARACTERS_MAX)),
    code,
    message: withoutNumbers(message.slice(0, MESSAGE_CHARACTERS_MAX)),
  }));
  const more = problems.length - told.length;
  return more === 0 ? told : [...told, problem('', 'more', `and ${more} problems more`)];
}

/** Problems of a resource as problems of what holds it: `Patient.id` becomes `entry[3].resource.id`; other fields stay. */
export function within(prefix: string, problems: readonly Problem[]): Problem[] {
  return problems.map((item) =>
    /^[A-Z]|^$/.test(item.field) ? { ...item, field: prefix + item.field.replace(/^[A-Za-z]+/, '') } : item,
  );
}

function withoutNumbers(text: string): string {
  return text.replace(/\d(?:[\s-]?\d){9,}/g, '[number]');
}
