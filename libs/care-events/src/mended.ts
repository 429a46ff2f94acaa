import type { Problem } from '@weft/domain';
import { contentModeOf, readCloudEvent } from './cloud-event.js';
import { problem } from './problems.js';

/** A message as far as its identity is concerned. */
export interface Identified {
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Uint8Array;
}

/** What says who is meant, and which event of whose this is: to change it would be to put words into a sender's mouth. */
const IDENTITY = ['id', 'source', 'subject'] as const;
/** What the gateway says of a message, not its sender. */
const OURS = 'weft-';

/**
 * Why a message may not be sent instead of another one: it says another id, source or subject, is written in another mode, or
 * speaks for the gateway. What cannot be read of the one in quarantine may be whatever the second person agrees to.
 */
export function identityProblems(before: Identified, after: Identified): Problem[] {
  const problems: Problem[] = [];
  const [was, is] = [attributesOf(before), attributesOf(after)];
  for (const name of IDENTITY) {
    if (typeof was[name] === 'string' && is[name] !== was[name]) problems.push(problem(name, 'not-yours-to-change', CHANGED));
  }
  const names = new Set([...Object.keys(before.headers), ...Object.keys(after.headers)]);
  for (const name of names) {
    const isChanged = name.startsWith(OURS) && after.headers[name] !== undefined && after.headers[name] !== before.headers[name];
    if (isChanged) problems.push(problem(`headers.${name}`, 'not-yours-to-change', 'is set by Weft alone'));
  }
  return problems;
}

const CHANGED = 'differs from the message in quarantine; only its sender sends an event of another identity';

function attributesOf({ headers, value }: Identified): Readonly<Record<string, unknown>> {
  if (contentModeOf({ headers }) === 'binary') {
    return Object.fromEntries(IDENTITY.map((name) => [name, headers[`ce_${name}`]]));
  }
  const reading = readCloudEvent({ headers, body: value, mode: 'kafka' });
  return reading.ok ? reading.event.attributes : {};
}
