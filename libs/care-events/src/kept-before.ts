import { jsonWithDigits } from '@weft/domain';
import type { Resource } from '@weft/domain';
import { MESSAGE_LIMIT_BYTES } from '@weft/processing';
import type { Reading } from '@weft/processing';
import { isLasting, mayBeNobodys } from './about-nobody.js';
import { acceptEvent } from './accept-event.js';
import type { AcceptedEvent, AcceptOptions } from './accept-event.js';
import { isOtherVersion, nameWithin, NAMES_WANTED_MAX, NO_ROOM, NOT_LOOKED_FOR, ONE } from './bundle-kept.js';
import type { FoundResources } from './bundle-kept.js';
import { namesMeant, typeMeant } from './bundle-names.js';
import type { ReceivedEvent } from './cloud-event.js';
import { contentDigest } from './content-digest.js';
import { withKept } from './kept-with.js';
import type { Loose } from './patient-reference.js';

/** What one request's events refer to of what their organisation sent before: what was found of it, and what is yet to be looked for. */
export interface Before {
  readonly found: FoundResources;
  /** Grows by every name, found or not, up to as many as are looked for. */
  readonly wanted: Set<string>;
}

/** What is kept with an event must leave room for what it is stored and sent with. */
const BYTES_MAX = MESSAGE_LIMIT_BYTES / 2;

/**
 * acceptEvent, with what the event refers to that is about nobody and came before in a Bundle of its organisation. An event with which
 * nothing is kept is as it came, to the byte. Never throws.
 */
export function acceptWithKept(received: ReceivedEvent, options: AcceptOptions, before: Before): Reading<AcceptedEvent> {
  const reading = acceptEvent(received, options);
  if (!reading.ok || reading.event.type !== 'care-event-recorded-1') return reading;
  const { event } = reading;
  const { resource, isCut, isLeft } = withKeptBefore(event.resource, event.source, before);
  const warnings = [...(isCut ? [NO_ROOM] : []), ...(isLeft ? [NOT_LOOKED_FOR] : [])];
  const asItCame: Reading<AcceptedEvent> = warnings.length === 0 ? reading : { ok: true, event: { ...event, warnings } };
  if (resource === event.resource) return asItCame;
  const bytes = new TextEncoder().encode(jsonWithDigits(resource));
  if (bytes.length > BYTES_MAX) return { ok: true, event: { ...event, warnings: [NO_ROOM] } };
  const whole = acceptEvent({ ...received, data: { ok: true, event: resource }, bytes }, options);
  return whole.ok ? { ok: true, event: { ...whole.event, warnings, sentDigest: contentDigest(event) } } : asItCame;
}

function withKeptBefore(resource: Resource, source: string, { found, wanted }: Before) {
  let isLeft = false;
  const wants = (name: string): boolean => {
    if (wanted.size < NAMES_WANTED_MAX) wanted.add(name);
    return wanted.has(name);
  };
  const made = withKept(
    resource,
    (reference: Loose) => {
      if (!mayBeNobodys(typeMeant(reference))) return undefined;
      for (const name of namesMeant(reference).filter(isLasting)) {
        const within = nameWithin(source, name);
        isLeft ||= !wants(within);
        const kept = found.get(within);
        if (kept !== undefined) return isOtherVersion(reference, { kept }) ? undefined : { kept };
      }
      return undefined;
    },
    ONE,
  );
  return { ...made, resource: made.characters > 0 ? made.resource : resource, isLeft };
}
