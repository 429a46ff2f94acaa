import type { Message } from '../message.js';
import type { Listener, Mapped, PersonFacts, VersionTime } from './facts.js';
import { type Part, partsOf } from './parts.js';
import { readMerges, readPerson, readSwap, readVisit } from './read-adt.js';
import { readAppointment } from './read-appointment.js';
import { readDocument } from './read-document.js';
import { readAllergies } from './read-clinical.js';
import { readMedicines, readOrders, readProblems, readReferral, readVaccinations } from './read-orders.js';
import { readResults } from './read-results.js';
import { Reading } from './reading.js';
import type { MessageType, Tables } from './rows.js';

type Reader = (reading: Reading, type: MessageType, part: Part, version: VersionTime) => PersonFacts;

/** By the names that the tables of types know them by. */
const READERS: Readonly<Record<string, Reader>> = {
  visit: readVisit,
  person: readPerson,
  results: (reading, _type, part) => readResults(reading, part),
  document: readDocument,
  appointment: readAppointment,
  vaccinations: (reading, _type, part, version) => readVaccinations(reading, part, version),
  orders: (reading, _type, part, version) => readOrders(reading, part, version),
  medicines: (reading, _type, part, version) => readMedicines(reading, part, version),
  problems: readProblems,
  referral: readReferral,
  allergies: (reading, _type, part, version) => readAllergies(reading, part, version),
};

/** Of messages that name several persons. */
const SEVERAL: Readonly<Record<string, (reading: Reading, type: MessageType, version: VersionTime) => readonly PersonFacts[]>> = {
  swap: readSwap,
  merge: readMerges,
};

export const READER_NAMES: readonly string[] = [...Object.keys(READERS), ...Object.keys(SEVERAL)];

/** What a message says, by the tables. A fault in a place that must be readable keeps all of it back: nothing is mapped by halves. */
export function factsOf(message: Message, listener: Listener, tables: Tables, receivedAt: number): Mapped {
  const type = tables.types.get(message.type);
  if (type === undefined) return { facts: null, notes: [], faults: [], unmapped: message.type };
  const reading = new Reading(message, listener, tables, receivedAt);
  const version = reading.versionAt(message.first('EVN')?.field(2).value);
  const persons = personsOf(reading, type, version);
  const { notes, faults } = reading;
  if (faults.length > 0) return { facts: null, notes, faults };
  const standing = { learns: type.flags.includes('learns'), corrects: type.flags.includes('corrects') };
  return { facts: { type: message.type, version, persons, ...standing }, notes, faults };
}

function personsOf(reading: Reading, type: MessageType, version: VersionTime): readonly PersonFacts[] {
  const parts = partsOf(reading);
  if (parts.length === 0) reading.fault('required', { segment: 'PID', index: 1, field: 3, repetition: 1, component: 1 });
  const several = SEVERAL[type.reader];
  if (several !== undefined) return several(reading, type, version);
  const read = READERS[type.reader]!;
  return parts.map((part) => read(reading, type, part, version));
}
