import { canonicalJson } from '../canonical-json.js';
import type { Resource } from '../vocabulary.js';

/** What an event says, as text that is the same for the same content. When it was sent is no part of it: a sender may try again. */
export function contentOf({ type, resource }: { readonly type: string; readonly resource: Resource }): string {
  return canonicalJson([type, resource]);
}

/** By which an event is told apart from others of its id: what Weft kept with it is no part of what was sent. */
export const digestSent = ({
  sentDigest,
  digest,
}: {
  readonly sentDigest?: string | undefined;
  readonly digest?: string | undefined;
}): string | undefined => sentDigest ?? digest;

/** Whether two events of one (source, id) are one event, by their digests. What has none counts as the same. */
export function saysTheSame(one: string | undefined, other: string | undefined): boolean {
  return one === undefined || other === undefined || one === other;
}
