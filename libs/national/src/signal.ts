import { readJson } from '@weft/care-events';
import { isObject, millisecondsOf, nhsNumberProblem, type Problem } from '@weft/domain';
import type { Reading } from '@weft/processing';

/** Of what signals there is something to be asked of PDS; each of them only says that there is. */
const PERSON_SIGNALS = ['pds-death-notification-2', 'pds-change-of-gp-2', 'nhs-number-change-2', 'pds-record-change-2'] as const;
/** MNS sends it every 15 minutes, and its silence is the alarm. */
export const TEST_SIGNAL = 'mns-test-signal-1';

/** One national event, in whichever form it came. */
export type Signal =
  | { readonly type: typeof TEST_SIGNAL; readonly time: string }
  | {
      readonly type: (typeof PERSON_SIGNALS)[number];
      /** RFC 3339 */
      readonly time: string;
      /** The NHS number. */
      readonly subject: string;
      /** The version of the PDS record that it tells of; null where it does not say. */
      readonly version: number | null;
    };

/** What a form says, unjudged. */
interface Said {
  readonly type: unknown;
  readonly time: unknown;
  readonly subject: unknown;
  readonly versionId: unknown;
  /** The address of the Patient. */
  readonly address: unknown;
}

type Members = Readonly<Record<string, unknown>>;

/**
 * Reads a signal as MNS delivers it: a CloudEvent, or a history Bundle in the R4 form of the Subscriptions Backport, whose Parameters carry the
 * event's type in `additional-context`, a part that MNS has added. Whatever record a signal carries is left unread: PDS is asked. Never throws; no
 * problem repeats an identifier.
 */
export function readSignal(bytes: Uint8Array): Reading<Signal> {
  const json = readJson(bytes, 'signal');
  if (!json.ok) return json;
  const { event } = json;
  if (!isObject(event)) return refuse('', 'not-a-signal', 'is no JSON object');
  const said = event['resourceType'] === undefined ? saidByCloudEvent(event) : saidByBundle(event);
  return said.ok ? judged(said.event) : said;
}

function judged({ type, time, subject, versionId, address }: Said): Reading<Signal> {
  const isOfPerson = PERSON_SIGNALS.some((known) => known === type);
  if (typeof type !== 'string' || !(isOfPerson || type === TEST_SIGNAL)) {
    return refuse('type', 'unknown-type', `is none of ${[...PERSON_SIGNALS, TEST_SIGNAL].join(', ')}`);
  }
  if (typeof time !== 'string' || millisecondsOf(time) === null) {
    return refuse('time', 'malformed', 'is no time, such as 2026-01-31T12:00:00Z');
  }
  if (type === TEST_SIGNAL) return { ok: true, event: { type, time } };
  const named = numberIn(address);
  const number = subject ?? named;
  const wrong = typeof number === 'string' ? nhsNumberProblem(number) : 'is missing';
  if (wrong !== null) return refuse('subject', 'nhs-number', wrong);
  if (named !== null && named !== number) return refuse('dataref', 'not-the-subject', 'names another person than the subject');
  const version = versionId === undefined ? null : versionOf(versionId);
  if (version === null && versionId !== undefined) return refuse('versionid', 'malformed', 'is no version, such as W/"16"');
  return {
    ok: true,
    event: { type: type as (typeof PERSON_SIGNALS)[number], time, subject: number as string, version },
  };
}

/** A version of a PDS record, as an ETag or bare; null where it is none. */
export function versionOf(text: unknown): number | null {
  const digits = typeof text === 'string' ? /^(?:W\/)?"?(\d{1,9})"?$/.exec(text)?.[1] : undefined;
  return digits === undefined ? null : Number(digits);
}

const numberIn = (address: unknown): string | null =>
  typeof address === 'string' ? (/(?:^|\/)Patient\/([^/?#]+)/.exec(address)?.[1] ?? null) : null;

function saidByCloudEvent(event: Members): Reading<Said> {
  const { specversion, id, source, type, time, subject, versionid, dataref } = event;
  if (specversion !== '1.0')
    return refuse('specversion', 'not-a-signal', 'is not 1.0: no CloudEvent, and no FHIR resource either');
  const missing = Object.entries({ id, source, type, time }).find(([, value]) => typeof value !== 'string' || value === '');
  if (missing !== undefined) return refuse(missing[0], 'required', 'is required of a CloudEvent');
  return { ok: true, event: { type, time, subject, versionId: versionid, address: dataref } };
}

/** MNS puts one event into a Bundle, and numbers each "1": neither its number nor its place says anything of an order. */
function saidByBundle(bundle: Members): Reading<Said> {
  if (bundle['resourceType'] !== 'Bundle' || bundle['type'] !== 'history') {
    return refuse('resourceType', 'not-a-signal', 'is FHIR, but no Bundle of type history');
  }
  const parameters = objectsIn(bundle['entry'])
    .map(({ resource }) => resource)
    .filter(isObject)
    .filter(({ resourceType }) => resourceType === 'Parameters');
  const parts = parameters.flatMap(({ parameter }) => objectsIn(parameter));
  const named = (name: string): Members[] => parts.filter((part) => part['name'] === name);
  const [events, contexts] = [named('notification-event'), named('additional-context')];
  const [event, context] = [events[0], contexts[0]];
  if (parameters.length !== 1 || events.length !== 1 || contexts.length !== 1 || event === undefined || context === undefined) {
    return refuse('entry', 'not-a-signal', 'holds not one notification-event with its additional-context');
  }
  const [ofEvent, ofContext] = [partsOf(event), partsOf(context)];
  const subject = ofContext.get('subject');
  const focus = ofEvent.get('focus');
  return {
    ok: true,
    event: {
      type: ofContext.get('event-type'),
      time: bundle['timestamp'] ?? ofEvent.get('timestamp'),
      subject: isObject(subject) && isObject(subject['identifier']) ? subject['identifier']['value'] : subject,
      versionId: ofContext.get('version-id'),
      address: isObject(focus) ? focus['reference'] : undefined,
    },
  };
}

/** The values of a parameter's parts by their names, of whichever type each is; one that is there twice has none. */
function partsOf({ part }: Members): ReadonlyMap<unknown, unknown> {
  const found = new Map<unknown, unknown>();
  for (const one of objectsIn(part)) {
    const value = Object.entries(one).find(([member]) => member.startsWith('value'))?.[1];
    found.set(one['name'], found.has(one['name']) ? undefined : value);
  }
  return found;
}

const objectsIn = (value: unknown): Members[] => (Array.isArray(value) ? value.filter(isObject) : []);

function refuse(field: string, code: string, message: string): { readonly ok: false; readonly problems: readonly Problem[] } {
  return { ok: false, problems: [{ field, code, message }] };
}
