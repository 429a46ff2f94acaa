import type { Purpose } from '@weft/domain';
import {
  CARE_EVENTS_PREFIX,
  careEventsTopic,
  CONSENT_TOPIC,
  HL7_PROJECTOR_GROUP,
  HL7V2_PREFIX,
  NATIONAL_EVENTS_TOPIC,
  NATIONAL_GROUP,
  OPT_OUT_PROJECTOR_GROUP,
  PUBLISHER_SEAT,
  QUARANTINE_TOPIC,
  RECORD_PROJECTOR_GROUP,
  recordChangesTopic,
} from '@weft/processing';

/** A user of the brokers, and what he is to Weft. */
export type Principal = { readonly user: string } & (
  | {
      readonly role:
        | 'gateway'
        | 'hl7-gateway'
        | 'hl7-projector'
        | 'national-gateway'
        | 'record-projector'
        | 'opt-out-projector'
        | 'record-api'
        | 'operations';
    }
  | { readonly role: 'organisation'; readonly ods: string }
  | { readonly role: 'subscriber'; readonly purposes: readonly Purpose[] }
);

/** One thing that somebody may do; Kafka permits nothing that no rule permits. */
export interface AclRule {
  /** As Kafka writes it: `User:name`. */
  readonly principal: string;
  readonly resource: 'topic' | 'group' | 'cluster' | 'transactional-id';
  readonly name: string;
  readonly pattern: 'literal' | 'prefixed';
  readonly operation: Operation;
}

export type Operation =
  'all' | 'read' | 'write' | 'create' | 'alter' | 'describe' | 'describe-configs' | 'alter-configs' | 'idempotent-write';

export interface AclPlan {
  readonly missing: readonly AclRule[];
  /** Permissions on Weft's topics and groups that nobody wants. Taken away only when told. */
  readonly surplus: readonly AclRule[];
  readonly same: readonly AclRule[];
}

type Rule = Omit<AclRule, 'principal'>;

const WEFT = 'weft.';
const RECORD_CHANGES_PREFIX = 'weft.record-changes.';
const CLUSTER = 'kafka-cluster';

/** The groups of a subscriber begin with this: nobody can take another's place in a group. */
export const subscriberGroupPrefix = (user: string): string => `weft.subscriber.${user}.`;

const topic = (operation: Operation, name: string, pattern: Rule['pattern'] = 'literal'): Rule => ({
  resource: 'topic',
  name,
  pattern,
  operation,
});
const group = (name: string, pattern: Rule['pattern'] = 'literal', operation: Operation = 'read'): Rule => ({
  resource: 'group',
  name,
  pattern,
  operation,
});
/** A seat is a transactional id: whoever may write it may take the seat, and so end its holder's. */
const seat = (name: string, pattern: Rule['pattern'] = 'literal', operation: Operation = 'write'): Rule => ({
  resource: 'transactional-id',
  name,
  pattern,
  operation,
});
const cluster = (operation: Operation): Rule => ({ resource: 'cluster', name: CLUSTER, pattern: 'literal', operation });
/** Our producers are idempotent, and so should everybody's be. */
const PRODUCER = cluster('idempotent-write');

export function wantedAcls(principals: readonly Principal[]): AclRule[] {
  return principals.flatMap((principal) => rulesOf(principal).map((rule) => ({ principal: `User:${principal.user}`, ...rule })));
}

function rulesOf(principal: Principal): Rule[] {
  switch (principal.role) {
    case 'gateway':
      return [
        ...inbound('write'),
        // Whoever decided is told when it is obeyed, and may ask again; and whoever published, what became of it.
        topic('read', CONSENT_TOPIC),
        group(OPT_OUT_PROJECTOR_GROUP, 'literal', 'describe'),
        group(RECORD_PROJECTOR_GROUP, 'literal', 'describe'),
        PRODUCER,
      ];
    case 'hl7-gateway':
      return [topic('write', HL7V2_PREFIX, 'prefixed'), PRODUCER];
    case 'hl7-projector':
      return [
        topic('read', HL7V2_PREFIX, 'prefixed'),
        group(HL7_PROJECTOR_GROUP),
        topic('write', CARE_EVENTS_PREFIX, 'prefixed'),
        topic('write', QUARANTINE_TOPIC),
        PRODUCER,
      ];
    case 'national-gateway':
      return [
        // It stores what comes and tells what comes of it.
        topic('read', NATIONAL_EVENTS_TOPIC),
        topic('write', NATIONAL_EVENTS_TOPIC),
        group(NATIONAL_GROUP),
        topic('write', CARE_EVENTS_PREFIX, 'prefixed'),
        topic('write', QUARANTINE_TOPIC),
        PRODUCER,
      ];
    case 'record-projector':
      return [
        topic('read', CARE_EVENTS_PREFIX, 'prefixed'),
        // Looks which decisions came before a care event, and for how long they wait.
        topic('read', CONSENT_TOPIC),
        // Reads every topic of care events that there is, and so looks which there are.
        topic('describe-configs', WEFT, 'prefixed'),
        group(RECORD_PROJECTOR_GROUP),
        ...refusals(),
      ];
    case 'opt-out-projector':
      // It counts what stands in quarantine, too.
      return [
        topic('read', CONSENT_TOPIC),
        topic('read', QUARANTINE_TOPIC),
        group(OPT_OUT_PROJECTOR_GROUP),
        // One of them publishes what changes, and looks whether the topics have what was published.
        seat(PUBLISHER_SEAT),
        topic('write', RECORD_CHANGES_PREFIX, 'prefixed'),
        topic('read', RECORD_CHANGES_PREFIX, 'prefixed'),
        // It publishes nothing of a store that does not have what the groups have passed.
        topic('describe-configs', WEFT, 'prefixed'),
        topic('describe', CARE_EVENTS_PREFIX, 'prefixed'),
        group(RECORD_PROJECTOR_GROUP, 'literal', 'describe'),
        ...refusals(),
      ];
    case 'record-api':
      return [
        topic('read', QUARANTINE_TOPIC),
        // Tells readers of whom something is arriving, and operators for how long decisions wait.
        ...inbound('read'),
        // Compares what an organisation says it sent with what came.
        topic('read', HL7V2_PREFIX, 'prefixed'),
        // Redrives what was mended.
        ...inbound('write'),
        topic('write', HL7V2_PREFIX, 'prefixed'),
        topic('write', NATIONAL_EVENTS_TOPIC),
        ...refusals(),
        // Says how the region stands.
        topic('describe-configs', WEFT, 'prefixed'),
        group(WEFT, 'prefixed', 'describe'),
      ];
    case 'organisation':
      return [topic('write', careEventsTopic(principal.ods)), PRODUCER];
    case 'subscriber':
      return [
        ...principal.purposes.map((purpose) => topic('read', recordChangesTopic(purpose))),
        group(subscriberGroupPrefix(principal.user), 'prefixed'),
      ];
    case 'operations':
      return [
        topic('all', WEFT, 'prefixed'),
        group(WEFT, 'prefixed', 'all'),
        seat(WEFT, 'prefixed', 'all'),
        ...(['create', 'alter', 'describe', 'describe-configs', 'alter-configs'] as const).map(cluster),
        PRODUCER,
      ];
  }
}

const inbound = (operation: Operation): Rule[] => [
  topic(operation, CARE_EVENTS_PREFIX, 'prefixed'),
  topic(operation, CONSENT_TOPIC),
];

/** To put into quarantine what could not be accepted. */
const refusals = (): Rule[] => [topic('write', QUARANTINE_TOPIC), PRODUCER];

export function planAcls(wanted: readonly AclRule[], existing: readonly AclRule[]): AclPlan {
  const wants = new Set(wanted.map(key));
  const has = new Set(existing.map(key));
  const users = new Set(wanted.map(({ principal }) => principal));
  const unwanted = existing.filter((rule) => !wants.has(key(rule)));
  return {
    missing: wanted.filter((rule) => !has.has(key(rule))),
    surplus: unwanted.filter((rule) => reachesWeft(rule) || users.has(rule.principal)),
    same: wanted.filter((rule) => has.has(key(rule))),
  };
}

const key = ({ principal, resource, name, pattern, operation }: AclRule): string =>
  [principal, resource, pattern, name, operation].join(' ');

/** Wildcards and short prefixes let people in too. */
function reachesWeft({ resource, name, pattern }: AclRule): boolean {
  if (resource === 'cluster') return false;
  return name.startsWith(WEFT) || name === '*' || (pattern === 'prefixed' && WEFT.startsWith(name));
}
