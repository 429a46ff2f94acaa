import { type Identifier, numbered } from './entry-names.js';
import type { Decimal } from './decimals.js';
import type { EntryName, Members, PersonFacts, VersionTime } from './facts.js';
import { personNamesOf } from './person-names.js';
import { firstOf, type Part } from './parts.js';
import { placeIn, type Reading } from './reading.js';
import { THE_PATIENT } from './references.js';
import type { MessageType } from './rows.js';

/** The segments that say when a resource of the appointment is needed. */
const RESOURCES = ['AIS', 'AIG', 'AIL', 'AIP'];

/** An appointment: the event says what became of it, before what SCH-25 says. */
export function readAppointment(reading: Reading, type: MessageType, part: Part, version: VersionTime): PersonFacts {
  const names = personNamesOf(part.pid, reading);
  const sch = reading.message.first('SCH');
  const members = reading.members(sch, 'SIU');
  const identifier = (members['filler'] ?? members['placer'] ?? undefined) as Identifier | undefined;
  if (identifier === undefined) {
    reading.fault('required', { segment: 'SCH', index: 1, field: 2, repetition: 1, component: 1 });
    return { names, facts: [] };
  }
  const entry: EntryName = ['Appointment', ...numbered(identifier, reading.message.header.field(3).value?.trim() || undefined)];
  if (type.action === 'retract')
    return { names, facts: [{ kind: 'appointment', entry, action: 'retract', members: {}, version }] };
  const body = appointmentOf(reading, type, part, members);
  return {
    names,
    facts: [
      { kind: 'appointment', entry, action: 'record', members: { ...body, identifier: [{ value: identifier.value }] }, version },
    ],
  };
}

function appointmentOf(reading: Reading, type: MessageType, part: Part, sch: Members): Members {
  const resources = reading.message.segments.filter(({ name }) => RESOURCES.includes(name));
  const used = resources.map((segment) => reading.members(segment, 'SIU'));
  const times = timesOf(reading, sch, reading.members(firstOf(part, 'TQ1') ?? reading.message.first('TQ1'), 'SIU'), used);
  const status = type.action === '-' ? sch['status'] : type.action;
  return {
    resourceType: 'Appointment',
    status: status ?? (times.start === undefined ? 'proposed' : 'booked'),
    serviceType: used.flatMap(({ service }) => service ?? []),
    appointmentType: sch['type'],
    reasonCode: [sch['reason']].filter((reason) => reason !== undefined && reason !== null),
    description: (sch['event'] as { readonly text?: string } | undefined)?.text,
    ...times,
    participant: [{ actor: THE_PATIENT, status: 'accepted' }, ...participantsOf(used)],
  };
}

function participantsOf(used: readonly Members[]): object[] {
  return used
    .flatMap(({ location, practitioner }) => [location, practitioner])
    .filter((actor) => actor !== undefined && actor !== null)
    .map((actor) => ({ actor, status: 'accepted' }));
}

interface Times {
  readonly start?: string;
  readonly end?: string;
  readonly minutesDuration?: number;
}

/** SCH-11, else TQ1, else the earliest of what is used. FHIR wants an end wherever there is a start. */
function timesOf(reading: Reading, sch: Members, tq1: Members, used: readonly Members[]): Times {
  const starts = used.map(({ start }) => start).filter((start) => typeof start === 'string');
  const earliest = [...starts].sort((a, b) => Date.parse(a) - Date.parse(b))[0];
  const start = [sch['start'], tq1['start'], earliest].find((time) => typeof time === 'string' && time.includes('T')) as
    string | undefined;
  if (start === undefined) return {};
  if (earliest !== undefined && Date.parse(earliest) !== Date.parse(start)) reading.noteOnce('times-disagree');
  const minutes = minutesOf(reading, sch) ?? used.map((one) => minutesOf(reading, one)).find((found) => found !== undefined);
  const given = [sch['end'], tq1['end']].find((time) => typeof time === 'string' && time.includes('T')) as string | undefined;
  if (given !== undefined && Date.parse(given) >= Date.parse(start)) return { start, end: given, minutesDuration: minutes };
  if (minutes === undefined) reading.note('no-duration', placeIn(reading.message.first('SCH')!, { field: 9, component: 1 }));
  return { start, end: later(start, minutes ?? 0), minutesDuration: minutes };
}

function minutesOf({ tables }: Reading, { duration, durationUnit }: Members): number | undefined {
  const number = (duration as Decimal | undefined)?.value;
  const per = Number(durationUnit ?? tables.values['minutes-per']?.[''] ?? 1);
  const minutes = number === undefined ? 0 : Math.round(number * per);
  return minutes > 0 ? minutes : undefined;
}

/** So many minutes later, at the same distance from UTC. */
function later(time: string, minutes: number): string {
  const offset = /[+-]\d\d:\d\d$/.exec(time)?.[0] ?? '+00:00';
  const sign = offset.startsWith('-') ? -1 : 1;
  const ahead = sign * (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4)));
  const wall = new Date(Date.parse(time) + (minutes + ahead) * 60_000).toISOString();
  return `${wall.slice(0, 19)}${offset}`;
}
