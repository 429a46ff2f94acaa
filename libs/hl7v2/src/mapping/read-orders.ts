import type { Segment } from '../message.js';
import type { Decimal } from './decimals.js';
import { type Identifier, numbered } from './entry-names.js';
import type { EntryName, Fact, Members, PersonFacts, VersionTime } from './facts.js';
import { personNamesOf } from './person-names.js';
import { status } from './read-clinical.js';
import { firstOf, type Part } from './parts.js';
import { placeIn, type Reading } from './reading.js';
import type { MessageType } from './rows.js';

/** An ORC with the segments up to the next one. */
interface Ordered {
  readonly orc: Segment;
  readonly below: readonly Segment[];
}

function orderedIn({ segments }: Part): Ordered[] {
  const orders: { orc: Segment; below: Segment[] }[] = [];
  for (const segment of segments) {
    if (segment.name === 'ORC') orders.push({ orc: segment, below: [] });
    else orders.at(-1)?.below.push(segment);
  }
  return orders;
}

const below = ({ below: segments }: Ordered, name: string): Segment | undefined =>
  segments.find((segment) => segment.name === name);

const sender = ({ message }: Reading): string | undefined => message.header.field(3).value?.trim() || undefined;

/** One of an order's two numbers by which its entry is called, and the other, by which it may be called too. */
function namesFrom(reading: Reading, orc: Segment, kind: string, [first, second]: readonly unknown[]): readonly EntryName[] {
  const found = [first, second].filter((identifier) => identifier !== undefined && identifier !== null) as Identifier[];
  if (found.length === 0) reading.fault('required', placeIn(orc, { field: 2, component: 1 }));
  return found.map((identifier) => [kind, ...numbered(identifier, sender(reading))]);
}

const quantity = (amount: unknown, unit: unknown): object | undefined =>
  amount === undefined || amount === null
    ? undefined
    : { ...(amount as Decimal), unit: typeof unit === 'string' ? unit : undefined };

const identifiers = (...found: readonly unknown[]): object[] =>
  found.filter(Boolean).map((identifier) => {
    const { value, assigner } = identifier as Identifier;
    return { value, assigner: assigner && { display: assigner } };
  });

/** Vaccinations, each below its order. */
export function readVaccinations(reading: Reading, part: Part, version: VersionTime): PersonFacts {
  const facts = orderedIn(part).flatMap((order): Fact[] => {
    const rxa = below(order, 'RXA');
    if (rxa === undefined) return [];
    const { filler, placer } = reading.members(order.orc, 'ORM');
    const [entry] = namesFrom(reading, order.orc, 'Immunization', [filler, placer]);
    const members = reading.members(rxa, 'VXU');
    if (entry === undefined || members['action'] === undefined) return [];
    const at = rxa.field(22).value ? reading.versionAt(rxa.field(22).value) : version;
    const action = members['action'] === 'retract' ? 'retract' : 'record';
    const body = {
      ...immunizationOf(members, reading.members(below(order, 'RXR'), 'VXU')),
      identifier: identifiers(filler, placer),
    };
    return [{ kind: 'resource', entry, action, members: body, version: at }];
  });
  return { names: personNamesOf(part.pid, reading), facts };
}

function immunizationOf(rxa: Members, { route, site }: Members): Members {
  const { completion, vaccine, given, dose, doseUnit, lot, expires, performer, reasons } = rxa;
  const isGiven = completion !== 'not-done';
  return {
    resourceType: 'Immunization',
    status: completion ?? 'completed',
    statusReason: isGiven ? null : (reasons as readonly unknown[] | undefined)?.[0],
    vaccineCode: vaccine,
    occurrenceDateTime: given,
    lotNumber: lot,
    expirationDate: expires,
    doseQuantity: isGiven ? quantity(dose, doseUnit) : null,
    performer: performer && [{ actor: performer }],
    ...{ route, site },
  };
}

/** Requests of tests and procedures. The placer's number may come later than the laboratory's, and is the same order's. */
export function readOrders(reading: Reading, part: Part, version: VersionTime): PersonFacts {
  const facts = orderedIn(part).flatMap((order): Fact[] => {
    const own = reading.members(order.orc, 'ORM');
    const obr = reading.members(below(order, 'OBR'), 'ORM');
    const [placer, filler] = [own['placer'] ?? obr['placer'], own['filler'] ?? obr['filler']];
    const [entry, ...others] = namesFrom(reading, order.orc, 'ServiceRequest', [placer, filler]);
    if (entry === undefined || own['control'] === undefined) return [];
    const { control, status: said, authored, requester } = own;
    const body: Members = {
      ...{ resourceType: 'ServiceRequest', intent: 'order', identifier: identifiers(placer, filler) },
      status: control === 'active' ? (said ?? control) : control,
      code: obr['code'],
      reasonCode: obr['reasons'],
      ...{ authoredOn: authored ?? obr['requested'], requester: requester ?? obr['requester'] },
    };
    return [{ kind: 'resource', entry, others, action: control === 'retract' ? 'retract' : 'record', members: body, version }];
  });
  return { names: personNamesOf(part.pid, reading), facts };
}

/** Prescriptions. */
export function readMedicines(reading: Reading, part: Part, version: VersionTime): PersonFacts {
  const facts = orderedIn(part).flatMap((order): Fact[] => {
    const own = reading.members(order.orc, 'RDE');
    const rxe = below(order, 'RXE');
    if (rxe === undefined) return [];
    const members = reading.members(rxe, 'RDE');
    const [entry, ...others] = namesFrom(reading, order.orc, 'MedicationRequest', [own['placer'], own['filler']]);
    if (entry === undefined || own['control'] === undefined) return [];
    const body: Members = {
      ...{ resourceType: 'MedicationRequest', intent: 'order', status: own['control'] },
      identifier: identifiers(own['placer'], own['filler']),
      medicationCodeableConcept: members['medicine'],
      ...{ authoredOn: own['authored'], requester: own['requester'] },
      dosageInstruction: dosageOf(members, reading.members(below(order, 'RXR'), 'RDE')),
    };
    return [
      { kind: 'resource', entry, others, action: own['control'] === 'retract' ? 'retract' : 'record', members: body, version },
    ];
  });
  return { names: personNamesOf(part.pid, reading), facts };
}

type Words = { readonly text?: string } | undefined;

function dosageOf({ dose, doseUnit, instructions, sig }: Members, { route }: Members): object[] | undefined {
  const words = [...((sig ?? []) as Words[]), ...((instructions ?? []) as Words[])].map((one) => one?.text).filter(Boolean);
  const unit = (doseUnit as Words)?.text;
  const amount = dose === undefined ? undefined : { doseQuantity: quantity(dose, unit) };
  if (words.length === 0 && amount === undefined && route === undefined) return undefined;
  return [{ text: words.join('\n') || undefined, route, doseAndRate: amount && [amount] }];
}

/** Problems of a problem list. */
export function readProblems(reading: Reading, type: MessageType, part: Part, version: VersionTime): PersonFacts {
  const facts = part.segments
    .filter(({ name }) => name === 'PRB')
    .flatMap((segment): Fact[] => {
      const {
        action,
        code,
        identifier,
        established,
        resolved,
        onset,
        confirmation,
        status: said,
      } = reading.members(segment, 'PPR');
      if (identifier === undefined || action === undefined) return [];
      const entry: EntryName = ['Condition', ...numbered(identifier as Identifier, sender(reading))];
      const body = {
        resourceType: 'Condition',
        identifier: identifiers(identifier),
        clinicalStatus: status('condition-clinical', resolved ? 'resolved' : String(said ?? 'active')),
        verificationStatus: /^confirm/i.test(String(confirmation)) ? status('condition-ver-status', 'confirmed') : undefined,
        category: [status('condition-category', 'problem-list-item')],
        ...{ code, recordedDate: established, onsetDateTime: onset, abatementDateTime: resolved },
      };
      const isGone = action === 'retract' || type.action === 'retract';
      return [{ kind: 'resource', entry, action: isGone ? 'retract' : 'record', members: body, version }];
    });
  return { names: personNamesOf(part.pid, reading), facts };
}

export function readReferral(reading: Reading, type: MessageType, part: Part, version: VersionTime): PersonFacts {
  const names = personNamesOf(part.pid, reading);
  const segment = reading.message.first('RF1') ?? firstOf(part, 'RF1');
  if (segment === undefined) {
    reading.fault('required', { segment: 'RF1', index: 1, field: 6, repetition: 1, component: 1 });
    return { names, facts: [] };
  }
  const { status: said, type: kind, identifier, effective, reasons, external } = reading.members(segment, 'REF');
  if (identifier === undefined) return { names, facts: [] };
  const entry: EntryName = ['ServiceRequest', ...numbered(identifier as Identifier, sender(reading))];
  const members = {
    ...{ resourceType: 'ServiceRequest', intent: 'order', identifier: identifiers(identifier, external) },
    status: type.action === 'cancel' ? 'revoked' : (said ?? 'active'),
    category: [{ coding: [{ system: 'http://snomed.info/sct', code: '3457005', display: 'Patient referral' }] }],
    ...{ code: kind, authoredOn: effective, reasonCode: reasons },
  };
  return { names, facts: [{ kind: 'resource', entry, action: 'record', members, version }] };
}
