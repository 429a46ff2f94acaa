import { nhsNumberProblem, type Purpose } from '@weft/domain';
import { ArrivingEvents } from './arriving.js';
import { within } from './concurrency.js';
import { messagesBetween } from './messages-between.js';
import { loadPerson } from './person.js';
import type { Message } from './ports.js';
import { isQuarantineEntry, keyOfQuarantined } from './quarantine.js';
import { isDeniedAnything } from './read-record.js';
import { CARE_EVENTS_PREFIX, QUARANTINE_TOPIC } from './topics.js';
import type { Wiring } from './wiring.js';

/** So many messages in quarantine are remembered; of a quarantine larger than that nothing is said. */
const STANDING_MAX = 200_000;
/** So long a reader is kept while the quarantine is read for the first time. */
const PATIENCE_MS = 500;

/**
 * Knows of whom a care event stands in quarantine or is arriving, and so is missing from their record. Reads the quarantine once, then
 * what is added.
 */
export class WaitingEvents {
  /** By the place of a message the patient it is about. */
  private readonly standing = new Map<string, string>();
  private readonly perPatient = new Map<string, number>();
  private readonly read = new Map<number, number>();
  private reading: Promise<void> | null = null;
  private isWhole = false;
  private readonly arriving: ArrivingEvents;

  constructor(private readonly wiring: Wiring) {
    this.arriving = new ArrivingEvents(wiring);
  }

  /**
   * Whether a reader for a purpose may hear that something about the person is missing.
   */
  async mayBeSaid(nhsNumber: string, purpose: Purpose): Promise<boolean> {
    const [knowsQuarantine, isAnyArriving] = await Promise.all([this.knowsQuarantine(), this.arriving.isAny()]);
    if (!knowsQuarantine && !isAnyArriving) return false;
    const { members } = await loadPerson(this.wiring.store, this.wiring.keys.patient(nhsNumber));
    const keys = members.map(({ key }) => key);
    const stands = knowsQuarantine && keys.some((key) => this.perPatient.has(key));
    if (!stands && !(await this.arriving.mayConcern(keys, nhsNumber))) return false;
    return !isDeniedAnything({ members }, purpose);
  }

  /** Whether anything stands in quarantine, and it is known whose it is. */
  private async knowsQuarantine(): Promise<boolean> {
    await this.catchUp();
    return this.isWhole && this.perPatient.size > 0 && this.standing.size < STANDING_MAX;
  }

  private async catchUp(): Promise<void> {
    this.reading ??= this.readOn().finally(() => (this.reading = null));
    await within(this.wiring.timers, PATIENCE_MS, this.reading);
  }

  private async readOn(): Promise<void> {
    const { bus } = this.wiring;
    for (const { partition, low, high } of await bus.offsets(QUARANTINE_TOPIC)) {
      const from = Math.max(this.read.get(partition) ?? 0, low);
      for await (const page of messagesBetween(bus, { topic: QUARANTINE_TOPIC, partition }, from, high)) {
        for (const message of page) this.take(message);
        this.read.set(partition, page.at(-1)!.offset + 1);
      }
    }
    this.isWhole = true;
  }

  private take(message: Message): void {
    const { key, value } = message;
    this.forget(key);
    const patient = value === null || !isQuarantineEntry(key) ? null : patientOf(message, this.wiring);
    if (patient === null || this.standing.size >= STANDING_MAX) return;
    this.standing.set(key, patient);
    this.perPatient.set(patient, (this.perPatient.get(patient) ?? 0) + 1);
  }

  private forget(place: string): void {
    const patient = this.standing.get(place);
    if (patient === undefined) return;
    this.standing.delete(place);
    const left = (this.perPatient.get(patient) ?? 1) - 1;
    if (left > 0) this.perPatient.set(patient, left);
    else this.perPatient.delete(patient);
  }
}

/** Whose a message in quarantine is, if it is one that a record lacks: no decision, no merge, no death. */
function patientOf(message: Message, { keys }: Pick<Wiring, 'keys'>): string | null {
  const { topic, key, type } = keyOfQuarantined(message);
  if (!topic.startsWith(CARE_EVENTS_PREFIX) || type?.startsWith('patient-')) return null;
  return nhsNumberProblem(key) === null ? keys.patient(key) : null;
}
