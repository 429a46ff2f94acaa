import {
  intervalOf,
  provision,
  PURPOSES,
  type CareEvent,
  type NewDecision,
  type Problem,
  type Provision,
  type Recorder,
} from '@weft/domain';
import type { DecisionArrival, DecisionReading, Message, MessageReader, OutgoingMessage } from '@weft/processing';

/** A decision as a message says it: when it was received is for the bus to say, and when it was made stands in `decidedAt`. */
export type SaidDecision = Omit<NewDecision, 'receivedAt' | 'made'>;

export interface DecisionEvent {
  readonly subject: string;
  /** One for each authority. */
  readonly decisions: readonly SaidDecision[];
  readonly isVetted: boolean;
}

/** A message that cannot be read. */
export interface UnreadEvent {
  /** What it may deny. */
  readonly unread: Provision;
  /** Id and source, where those can be read. */
  readonly said?: { readonly id: string; readonly source: string };
  /** What it turns out to say once it is mended. */
  readonly meant: DecisionEvent;
}

const NO_HEADERS = {};
const NOBODY: Recorder = { as: 'organisation', organisation: null, subject: null };

/** A message whose value is the event itself as JSON: the publishers' contract has its own tests, and this is fast. */
export function eventMessage(topic: string, subject: string, event: CareEvent | DecisionEvent | UnreadEvent): OutgoingMessage {
  return { topic, key: subject, value: Buffer.from(JSON.stringify(event)), headers: NO_HEADERS };
}

export const simReader: MessageReader = {
  careEvent: (message) => {
    const event = parsed(message);
    return isCareEvent(event, message) ? { ok: true, event } : { ok: false, problems: [NO_EVENT] };
  },
  decision: (message) => {
    const event = parsed(message);
    if (!isDecisionEvent(event, message)) return unread(message, event as Partial<UnreadEvent>);
    const decisions = event.decisions.map((said) => received(said, message.timestamp));
    return { ok: true, event: { ...event, decisions } satisfies DecisionArrival };
  },
};

/** The bus's time of a message counts, so that whoever reads it again reads the same. */
function received(said: SaidDecision, receivedAt: number): NewDecision {
  const made = intervalOf(said.decidedAt);
  return { ...said, receivedAt, ...(made !== null && { made }) };
}

const NO_EVENT: Problem = { field: '', code: 'poison', message: 'not an event of this topic' };

/** What a message denies that nobody can read: as far as it can be told, else everything of the person whose key it has. */
function unread(message: Message, { unread: said, said: by }: Partial<UnreadEvent>): DecisionReading {
  const { topic, partition, offset, key, timestamp } = message;
  if (!/^\d{10}$/.test(key)) return { ok: false, problems: [NO_EVENT], unread: null };
  const place = `${topic}/${partition}/${offset}`;
  const decision: NewDecision = {
    ...{ id: by?.id ?? place, source: by?.source ?? '', consentId: place, authority: 'local-dissent', status: 'active' },
    ...{ receivedAt: timestamp, decidedBy: 'not-stated', recorder: NOBODY, digest: '', unread: true },
    provision: said ?? provision('deny', PURPOSES),
  };
  return { ok: false, problems: [NO_EVENT], unread: { subject: key, decision } };
}

/** An empty object where it is no JSON. */
function parsed({ value }: Message): unknown {
  try {
    return (JSON.parse(Buffer.from(value ?? []).toString()) as unknown) ?? {};
  } catch {
    return {};
  }
}

function isCareEvent(event: unknown, message: Message): event is CareEvent {
  const { organisation, subject, resource } = event as Partial<CareEvent>;
  return (
    subject === message.key && organisation !== undefined && message.topic.endsWith(`.${organisation}`) && resource !== undefined
  );
}

function isDecisionEvent(event: unknown, message: Message): event is DecisionEvent {
  const { subject, decisions } = event as Partial<DecisionEvent>;
  return subject === message.key && decisions !== undefined && decisions.length > 0;
}
