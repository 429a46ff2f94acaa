import { isObject, textOf } from '../patient-reference.js';
import type { Loose } from '../patient-reference.js';
import { referredAt } from './literal.js';
import { isResourceType } from './types.js';
import type { Member } from './types.js';
import { report } from './walk.js';
import type { Container, Walk } from './walk.js';

export function containerOf(resource: Loose, depth: number): Container {
  const contained = new Map<string, Loose>();
  if (Array.isArray(resource['contained'])) {
    for (const one of resource['contained']) if (isObject(one) && typeof one['id'] === 'string') contained.set(one['id'], one);
  }
  return { contained, referred: new Set(), referring: new Set(), depth };
}

/** Of a text that begins with `#`: what it names is referred to; alone it names the container. */
export function noteFragment(text: string, { element, type }: Member, { container, path }: Walk): void {
  if (!(type === 'uri' || type === 'url' || type === 'canonical' || element.name === 'reference')) return;
  container.referred.add(text.slice(1));
  if (text === '#' && path[container.depth] === 'contained') container.referring.add(path[container.depth + 1]!);
}

/** A reference by `#` must find what it names (ref-1), and the target must be of a type that the element may refer to. */
export function checkReference({ reference }: Loose, { targets }: Member, walk: Walk): void {
  const text = textOf(reference);
  if (text === undefined || text === '#') return;
  const target = text.startsWith('#') ? walk.container.contained.get(text.slice(1)) : undefined;
  if (text.startsWith('#') && target === undefined) {
    report(walk, 'invariant', 'must name a resource that is contained (ref-1)', 'reference');
  }
  if (targets === null) return;
  const type = target === undefined ? referredAt(text)?.type : target['resourceType'];
  if (isResourceType(type) && !targets.has(type)) {
    report(walk, 'invariant', `must refer to ${[...targets].join(', ')}`, 'reference');
  }
}

/** What is contained must be referred to from within the container, or refer to it (dom-3). */
export function checkContained(resource: Loose, walk: Walk): void {
  const { referred, referring } = walk.container;
  if (!Array.isArray(resource['contained'])) return;
  for (const [index, one] of resource['contained'].entries()) {
    if (!isObject(one) || typeof one['id'] !== 'string' || referred.has(one['id']) || referring.has(index)) continue;
    report(walk, 'invariant', 'must be referred to from the resource that contains it (dom-3)', 'contained', index);
  }
}
