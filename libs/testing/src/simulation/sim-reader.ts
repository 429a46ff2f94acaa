import type { CareEvent, Decision, Problem } from '@weft/domain';
import type { Message, MessageReader, OutgoingMessage, Reading } from '@weft/processing';

export interface DecisionEvent {
  readonly subject: string;
  readonly decision: Omit<Decision, 'recordedAt'>;
}

const NO_HEADERS = {};

/** A message whose value is the event itself as JSON: the publishers' contract has its own tests, and this is fast. */
export function eventMessage(topic: string, subject: string, event: CareEvent | DecisionEvent): OutgoingMessage {
  return { topic, key: subject, value: Buffer.from(JSON.stringify(event)), headers: NO_HEADERS };
}

export const simReader: MessageReader = {
  careEvent: (message) => parse(message, isCareEvent),
  decision: (message) => parse(message, isDecisionEvent),
};

function parse<T>(message: Message, isSound: (event: unknown, message: Message) => event is T): Reading<T> {
  try {
    const event: unknown = JSON.parse(Buffer.from(message.value ?? []).toString());
    return isSound(event, message) ? { ok: true, event } : refused('not an event of this topic');
  } catch {
    return refused('not JSON');
  }
}

function refused(message: string): { readonly ok: false; readonly problems: readonly Problem[] } {
  return { ok: false, problems: [{ field: '', code: 'poison', message }] };
}

function isCareEvent(event: unknown, message: Message): event is CareEvent {
  const { organisation, subject, resource } = (event ?? {}) as Partial<CareEvent>;
  return (
    subject === message.key && organisation !== undefined && message.topic.endsWith(`.${organisation}`) && resource !== undefined
  );
}

function isDecisionEvent(event: unknown, message: Message): event is DecisionEvent {
  const { subject, decision } = (event ?? {}) as Partial<DecisionEvent>;
  return subject === message.key && decision !== undefined;
}
