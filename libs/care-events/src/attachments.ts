import type { Resource } from '@weft/domain';
import { isObject, objectsOf, textOf } from './patient-reference.js';
import type { Loose } from './patient-reference.js';

/** What is attached to a document: the Binary that came with it, which it contains. */
export interface Attached {
  readonly contentType: string;
  readonly bytes: Buffer;
}

/** The addresses under which attachments of a DocumentReference lie. FHIR R4: `content.attachment.url`. */
export function attachmentUrls({ resourceType, content }: Loose): string[] {
  if (resourceType !== 'DocumentReference') return [];
  return objectsOf(content).flatMap(({ attachment }) => (isObject(attachment) ? (textOf(attachment['url']) ?? []) : []));
}

/** A Binary that a document contains and attaches, by its id; undefined where there is none of that id. */
export function attachedTo(document: Resource, id: string): Attached | undefined {
  if (!attachmentUrls(document).includes(`#${id}`)) return undefined;
  const binary = objectsOf(document['contained']).find((one) => one['resourceType'] === 'Binary' && one['id'] === id);
  if (binary === undefined) return undefined;
  return { contentType: mediaTypeOf(binary), bytes: Buffer.from(textOf(binary['data']) ?? '', 'base64') };
}

/** Its sender chose it, and it becomes a header: what is no media type is said to be bytes. */
function mediaTypeOf({ contentType }: Loose): string {
  const text = textOf(contentType) ?? '';
  return /^[\w.+-]{1,100}\/[\w.+-]{1,100}(?:; ?charset=[\w-]{1,40})?$/.test(text) ? text : 'application/octet-stream';
}

/**
 * An entry whose documents are fetched for themselves, as IHE's Mobile access to Health Documents (MHD) has it: each attachment that it
 * contains lies at an address instead.
 */
export function withAttachmentsAt<E extends { readonly id: string; readonly resource: Resource }>(
  entry: E,
  addressOf: (entryId: string, attached: string) => string,
): E {
  const { resource } = entry;
  const ids = attachmentUrls(resource).flatMap((url) => (url.startsWith('#') ? url.slice(1) : []));
  const attached = new Set(ids.filter((id) => attachedTo(resource, id) !== undefined));
  if (attached.size === 0) return entry;
  const { contained, ...rest } = resource;
  const kept = objectsOf(contained).filter(({ id }) => !attached.has(id as string));
  const content = objectsOf(resource['content']).map((one) => {
    const { attachment } = one;
    const id = isObject(attachment) ? (textOf(attachment['url'])?.slice(1) ?? '') : '';
    return isObject(attachment) && attached.has(id)
      ? { ...one, attachment: { ...attachment, url: addressOf(entry.id, id) } }
      : one;
  });
  return { ...entry, resource: { ...rest, content, ...(kept.length > 0 && { contained: kept }) } as Resource };
}

/** Under `base`, without a slash at its end, where a reader of a person's record for a purpose fetches what is attached. */
export function attachmentAddress(
  base: string,
  nhsNumber: string,
  purpose: string,
): (entryId: string, attached: string) => string {
  const query = purpose === 'direct-care' ? '' : `?purpose=${purpose}`;
  return (entryId, attached) => {
    const parts = entryId.split('/');
    const [source, id] = [parts.slice(0, -2).join('/'), parts.at(-1) as string];
    const path = [source, id, attached].map(encodeURIComponent).join('/');
    return `${base}/records/${nhsNumber}/documents/${path}${query}`;
  };
}
