import { isObject } from '../is-object.js';
import type { Resource } from '../vocabulary.js';

type Loose = Readonly<Record<string, unknown>>;

const objects = (value: unknown): Loose[] => (Array.isArray(value) ? value : [value]).filter(isObject);
const text = (value: unknown): string | undefined => (typeof value === 'string' && value.trim() !== '' ? value : undefined);

/** Where R4 resources say what they are about, the most telling first. */
const ABOUT = [
  'code',
  'medicationCodeableConcept',
  'vaccineCode',
  'title',
  'description',
  'type',
  'serviceType',
  'category',
  'class',
] as const;

/** In a few words of its sender’s what a resource is about; undefined where it does not say. */
export function aboutOf(resource: Resource): string | undefined {
  for (const field of ABOUT) {
    const found =
      text(resource[field]) ??
      objects(resource[field])
        .map(conceptOf)
        .find((one) => one !== undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Of a CodeableConcept, or of a Coding. */
export function conceptOf(concept: Loose): string | undefined {
  const [coding = concept] = objects(concept['coding']);
  return text(concept['text']) ?? text(coding['display']) ?? text(coding['code']);
}
