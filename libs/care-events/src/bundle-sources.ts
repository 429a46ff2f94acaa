import type { Problem, Resource } from '@weft/domain';
import { organisationOf } from './envelope.js';
import { isObject, NHS_NUMBER_SYSTEM, textOf, unversioned } from './patient-reference.js';
import type { Loose } from './patient-reference.js';
import type { BundleEntry } from './bundle-names.js';
import { problem } from './problems.js';
import { stableUuid } from './stable-uuid.js';

/** Whose request it is, and the source that its header ce-source names. */
interface Publisher {
  readonly organisation: string;
  readonly source?: string;
}

/** The source whose ids a request uses: of the header, else of `Bundle.meta.source`, else the organisation. */
export function sourceOfRequest(request: unknown, { organisation, source }: Publisher): string {
  return source ?? (isObject(request) ? namedIn(request['meta']) : undefined) ?? `urn:ods:${organisation}`;
}

/** The source of one resource: a system of the publisher's that its own `meta.source` names, else that of the request. */
export function sourceOfResource({ meta }: Resource, ofRequest: string, { organisation }: Publisher): string {
  const named = namedIn(meta);
  return named !== undefined && organisationOf(named) === organisation ? named : ofRequest;
}

/** Some servers say behind a `#` by which request a resource came. What is no address of a source's is where it came from before. */
function namedIn(meta: unknown): string | undefined {
  const text = isObject(meta) ? textOf(meta['source'])?.replace(/#.*$/, '') : undefined;
  return text !== undefined && organisationOf(text) !== null ? text : undefined;
}

const ADDRESS = /^https?:\/\/.+$/;

/** The entries, by index, whose resources two servers have under one id: nothing says which of them an id means. */
export function ofTwoServers(
  entries: readonly BundleEntry[],
  sourceOf: (resource: Resource) => string,
): ReadonlyMap<number, Problem> {
  const addresses = new Map<string, Set<string>>();
  const nameOf = ({ resource }: BundleEntry): string => `${sourceOf(resource)} ${resource.resourceType}/${resource.id}`;
  const addressOf = ({ fullUrl }: BundleEntry): string => unversioned(fullUrl ?? '');
  const addressed = entries.filter((entry) => entry.resource.id !== undefined && ADDRESS.test(addressOf(entry)));
  for (const entry of addressed) addresses.set(nameOf(entry), (addresses.get(nameOf(entry)) ?? new Set()).add(addressOf(entry)));
  const clashing = addressed.filter((entry) => (addresses.get(nameOf(entry))?.size ?? 0) > 1);
  return new Map(clashing.map(({ index }) => [index, TWO_SERVERS(index)]));
}

const TWO_SERVERS = (index: number): Problem =>
  problem(
    `entry[${index}].fullUrl`,
    'two-servers',
    'is of another server than another entry whose resource has the same type and id: say in meta.source which system each is of, urn:ods:<ODS code>:<system>',
  );

/** What Weft writes into `meta.tag` of a Consent whose id two servers of a Bundle have: whoever reads it permits nothing by it. */
const OF_TWO_SERVERS = { system: 'urn:weft:tag', code: 'two-servers' } as const;

/** Whether a resource is one of several that servers of one Bundle had under one id. */
export function isOfTwoServers({ meta }: { readonly meta?: unknown }): boolean {
  const tags: unknown = isObject(meta) ? meta['tag'] : undefined;
  const isMark = (tag: unknown): boolean =>
    isObject(tag) && tag['system'] === OF_TWO_SERVERS.system && tag['code'] === OF_TWO_SERVERS.code;
  return Array.isArray(tags) && tags.some(isMark);
}

/**
 * A Consent that clashes with another server's, under an id that says which server's it is: a denial is not refused, and none takes the
 * place of another. An id that no later message may use is one that no correction or retraction finds, so what it permits does not count.
 */
export function asOfItsServer(resource: Resource, fullUrl: string, source: string): Resource {
  const id = stableUuid(JSON.stringify([source, resource.resourceType, unversioned(fullUrl)]));
  const meta: Readonly<Record<string, unknown>> = isObject(resource.meta) ? resource.meta : {};
  const tags: readonly unknown[] = Array.isArray(meta['tag']) ? meta['tag'] : [];
  return { ...resource, id, meta: { ...meta, tag: [...tags, OF_TWO_SERVERS] } } as Resource;
}

/** What somebody calls a fact for a while, or did once, does not say which fact it is. */
const NOT_LASTING: readonly unknown[] = ['temp', 'old', 'secondary'];
const MINTED = /^urn:uuid:(.+)$/;

/**
 * The ids by which resources are known whose own were made for this message alone (`urn:uuid:`): of the business identifier, system and
 * value, the official one before others, the first of several. By index; none where several of the Bundle share it, or there is none.
 */
export function lastingIds(
  entries: readonly BundleEntry[],
  sourceOf: (resource: Resource) => string,
): ReadonlyMap<number, string> {
  const found = entries.flatMap((entry) => {
    const id =
      isMinted(entry) || entry.resource.id === undefined ? idByIdentifier(entry.resource, sourceOf(entry.resource)) : undefined;
    return id === undefined ? [] : [{ ...entry, id }];
  });
  const addresses = new Map<string, Set<string | undefined>>();
  for (const { id, fullUrl } of found) addresses.set(id, (addresses.get(id) ?? new Set()).add(fullUrl));
  return new Map(found.filter(({ id }) => addresses.get(id)?.size === 1).map(({ index, id }) => [index, id]));
}

function isMinted({ fullUrl, resource: { id } }: BundleEntry): boolean {
  const minted = MINTED.exec(fullUrl ?? '')?.[1];
  return minted !== undefined && (id === undefined || id === minted);
}

/** The identifier by which a resource is known. An NHS number says whom a resource is about, and never which resource it is. */
export function lastingIdentifierOf(resource: Resource): Loose | undefined {
  const all = (Array.isArray(resource['identifier']) ? resource['identifier'] : [resource['identifier']]).filter(isObject);
  const lasting = all.filter(
    ({ system, value, use }) =>
      textOf(system) !== undefined && textOf(value) !== undefined && system !== NHS_NUMBER_SYSTEM && !NOT_LASTING.includes(use),
  );
  return lasting.find(({ use }) => use === 'official') ?? lasting[0];
}

function idByIdentifier(resource: Resource, source: string): string | undefined {
  const one = lastingIdentifierOf(resource);
  return one === undefined ? undefined : stableUuid(JSON.stringify([source, resource.resourceType, one['system'], one['value']]));
}
