import type { Resource } from '@weft/domain';
import { isObject, textOf } from './patient-reference.js';
import type { Loose } from './patient-reference.js';

/**
 * A Consent whose provisions name entries of its Bundle by what holds there alone, a urn:uuid, with the names that those have
 * outside. One that names no entry stays: it cannot be told.
 */
export function withEntriesNamed(consent: Resource, nameOf: (reference: Loose) => string | undefined): Resource {
  const named = (value: unknown, read: (one: Loose) => unknown): unknown => {
    if (Array.isArray(value)) return value.map((one: unknown) => named(one, read));
    return isObject(value) ? read(value) : value;
  };
  const ofReference = (reference: Loose): Loose => {
    const name = textOf(reference['reference'])?.startsWith('urn:') ? nameOf(reference) : undefined;
    return name === undefined ? reference : { ...reference, reference: name };
  };
  const member = (one: Loose, name: string, read: (below: Loose) => unknown): Loose =>
    one[name] === undefined ? {} : { [name]: named(one[name], read) };
  const ofData = (data: Loose): Loose => ({ ...data, ...member(data, 'reference', ofReference) });
  const ofProvision = (provision: Loose): Loose => ({
    ...provision,
    ...member(provision, 'data', ofData),
    ...member(provision, 'provision', ofProvision),
  });
  return { ...consent, ...member(consent as unknown as Loose, 'provision', ofProvision) };
}
