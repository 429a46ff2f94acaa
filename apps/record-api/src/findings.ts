import { type Apart, APART_MS, type Unreadable } from '@weft/processing';

/** What a region's engines say of it at one moment. */
export interface RegionFacts {
  /** Messages that were read before and that the store, which was put back since, does not have yet. */
  readonly messagesLost: number;
  /** Of how many people everything was published anew so far; null where nothing has to be. */
  readonly toldAnew: number | null;
  readonly decisionsInQuarantine: number;
  /** By how many seconds the clocks are apart that should agree. */
  readonly clocksApart: Apart;
  /** For how long decisions have waited that nobody reads, in seconds. */
  readonly decisionsUnreadSeconds: number;
  /** Inbound topics with messages that no projector has dealt with, and for how long the oldest of them has waited, in seconds. */
  readonly unread: readonly {
    readonly group: string;
    readonly topic: string;
    readonly messages: number;
    readonly seconds: number;
  }[];
  readonly recordsUnreadable: Readonly<Partial<Record<Unreadable, number>>>;
  /** For how long the oldest change has waited that is not published, in seconds; 0 where all are. */
  readonly unpublishedSeconds: number;
  /** The policy in force, for how long it has been (seconds), and the latest version that every view and topic obeys. */
  readonly policy: { readonly version: number; readonly seconds: number; readonly applied: number };
}

export type FindingCode =
  | 'catching-up'
  | 'telling-anew'
  | 'decisions-in-quarantine'
  | 'clocks-apart'
  | 'decisions-not-read'
  | 'records-unreadable'
  | 'policy-not-applied'
  | 'changes-not-published'
  | 'messages-not-read';

/** What somebody must see to in a region, and how. */
export interface Finding {
  readonly code: FindingCode;
  readonly text: string;
  /** The command, or the page of docs/operations.md, that mends it. */
  readonly mend: string;
}

/** What is dealt with a moment later is no finding. */
const LATE_SECONDS = 30;

/**
 * What somebody must see to, the worst first: what closes people or may open them, then what is late. It is judged from what store and bus
 * hold, so it is the same whichever process is asked, and also where the one that should work is not there to say so.
 */
export function findingsOf(facts: RegionFacts): Finding[] {
  return [
    ...restored(facts),
    ...inQuarantine(facts),
    ...clocks(facts),
    ...decisions(facts),
    ...unreadable(facts),
    ...policy(facts),
    ...publishing(facts),
    ...messages(facts),
  ];
}

function restored({ messagesLost, toldAnew }: RegionFacts): Finding[] {
  const found: Finding[] = [];
  const mend = 'the projectors are at it where they run: see that all of them do';
  if (messagesLost > 0) {
    const lost = `the store was put back: ${counted(messagesLost, 'message')} that it lost ${messagesLost === 1 ? 'is' : 'are'} being read again`;
    found.push({ code: 'catching-up', text: `${lost}, and no record is shown until then`, mend });
  }
  if (toldAnew !== null) {
    const text = `everything is being published anew, as the store or its topics of changes were put back: of ${counted(toldAnew, 'number')} so far`;
    found.push({ code: 'telling-anew', text, mend });
  }
  return found;
}

function inQuarantine({ decisionsInQuarantine: found }: RegionFacts): Finding[] {
  if (found === 0) return [];
  const who = `${counted(found, 'message')} in quarantine may be ${found === 1 ? 'an objection' : 'objections'}`;
  return [
    {
      code: 'decisions-in-quarantine',
      text: `${who}: the people they are about are closed until they are mended`,
      mend:
        'weft quarantine list says why each is there; weft quarantine mend ID proposes what goes instead, ' +
        'and somebody else approves it: weft quarantine approve ID',
    },
  ];
}

/** A sentence for each that is more than a minute. */
function clocks({ clocksApart: { receipts, brokers, leap, publishers } }: RegionFacts): Finding[] {
  const isApart = (seconds: number): boolean => Math.abs(seconds) * 1_000 > APART_MS;
  const by = (seconds: number): string => lasting(Math.abs(seconds));
  const found = [
    ...(isApart(receipts) ? [`the record API’s machine is ${by(receipts)} behind the newest message`] : []),
    ...(brokers !== null && isApart(brokers)
      ? [`the record API’s machine is ${by(brokers)} ${brokers > 0 ? 'behind' : 'ahead of'} the brokers`]
      : []),
    ...(isApart(leap) ? [`the record API’s machine leapt ${by(leap)} ahead`] : []),
    ...Object.entries(publishers).map(([topic, seconds]) => `who sends to ${topic} is ${by(seconds)} ahead of its receipt`),
  ];
  const mend = 'put the clocks right: decisions close by the later time and open by the earlier, until they agree';
  return found.map((text) => ({ code: 'clocks-apart', text: `clocks are apart: ${text}`, mend }));
}

function decisions({ decisionsUnreadSeconds: seconds }: RegionFacts): Finding[] {
  if (seconds < LATE_SECONDS) return [];
  return [
    {
      code: 'decisions-not-read',
      text: `nobody has read decisions for ${lasting(seconds)}: what comes behind them is not shared until an opt-out-projector reads them`,
      mend: 'start an opt-out-projector, or bring back the engine that its log names',
    },
  ];
}

function unreadable({ recordsUnreadable }: RegionFacts): Finding[] {
  return Object.entries(recordsUnreadable).map(([why, records]) => ({
    code: 'records-unreadable',
    text: `${counted(records, 'record')} cannot be read (${why}): closed to everybody, and not published`,
    mend: `weft verify names ${records === 1 ? 'it' : 'them'}; docs/operations.md says what to do with each`,
  }));
}

function policy({ policy: { version, seconds, applied } }: RegionFacts): Finding[] {
  if (applied >= version || seconds < LATE_SECONDS) return [];
  return [
    {
      code: 'policy-not-applied',
      text:
        `policy version ${version} has been in force for ${lasting(seconds)}, and not every view and topic obeys it yet: readers and feeds do, ` +
        'those who follow a topic may still hold what it forbids',
      mend: 'an opt-out-projector is at it where one runs (its log names what fails); weft policy versions says once it is done',
    },
  ];
}

function publishing({ unpublishedSeconds: seconds }: RegionFacts): Finding[] {
  if (seconds < LATE_SECONDS) return [];
  return [
    {
      code: 'changes-not-published',
      text: `changes have waited ${lasting(seconds)} for subscribers' topics: readers and feeds obey all the same`,
      mend: 'start an opt-out-projector, or bring back the engine that its log names: the one with partition 0 of weft.consent publishes',
    },
  ];
}

function messages({ unread }: RegionFacts): Finding[] {
  return unread
    .filter(({ seconds }) => seconds >= LATE_SECONDS)
    .map(({ group, topic, messages: waiting, seconds }) => ({
      code: 'messages-not-read',
      text: `${counted(waiting, 'message')} of ${topic} ${waiting === 1 ? 'waits' : 'wait'}, the oldest for ${lasting(seconds)}: no record has them yet`,
      mend: `start a ${group.replace(/^weft\./, '')}, or bring back the engine that its log names; where one is at work this ends by itself`,
    }));
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Of 3 hours nobody needs the seconds. */
function lasting(seconds: number): string {
  if (seconds < 120) return counted(seconds, 'second');
  const minutes = Math.floor(seconds / 60);
  return minutes < 120 ? counted(minutes, 'minute') : counted(Math.floor(minutes / 60), 'hour');
}
