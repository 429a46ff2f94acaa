import type { Segment } from '../message.js';
import { type Attached, attachmentsOf, isAttachment } from './attachments.js';
import { type Identifier, numbered } from './entry-names.js';
import type { EntryName, Fact, Members, PersonFacts, VersionTime } from './facts.js';
import type { ReportResult } from './fold-report.js';
import { observationGroups, observationMembers } from './observation-values.js';
import { personNamesOf } from './person-names.js';
import { type Part, visitName } from './parts.js';
import { codeIn } from './read-clinical.js';
import { placeIn, type Reading } from './reading.js';
import { refersTo } from './references.js';

/** One OBR with what stands below it. */
interface Order {
  readonly obr: Segment;
  /** The ORC before it, where its numbers are where the OBR has none. */
  readonly orc: Segment | undefined;
  readonly observations: Segment[];
  readonly notes: Segment[];
  specimen?: Segment;
}

/** A report, as the OBRs after it refer to it. */
interface Report {
  readonly name: EntryName;
  readonly filler: Identifier;
  readonly results: readonly EntryName[];
}

/** Results: the PID finds the person and changes nothing of them. */
export function readResults(reading: Reading, part: Part): PersonFacts {
  const facts: Fact[] = [];
  const reports: Report[] = [];
  const pv1 = part.segments.find(({ name }) => name === 'PV1');
  const names = personNamesOf(part.pid, reading);
  const visit = pv1?.field(19).value ? visitName(reading, pv1, names.mrn, false) : undefined;
  for (const order of ordersIn(reading, part)) facts.push(...reportFacts(reading, order, reports, visit));
  return { names, facts };
}

function ordersIn(reading: Reading, { segments }: Part): Order[] {
  const orders: Order[] = [];
  let orc: Segment | undefined;
  for (const segment of segments) {
    const last = orders.at(-1);
    if (segment.name === 'ORC') orc = segment;
    else if (segment.name === 'OBR') {
      orders.push({ obr: segment, orc, observations: [], notes: [] });
      orc = undefined;
    } else if (segment.name === 'OBX' && last !== undefined) last.observations.push(segment);
    else if (segment.name === 'OBX') withoutOrder(reading, segment, segments);
    else if (segment.name === 'SPM' && last !== undefined) last.specimen ??= segment;
    else if (segment.name === 'NTE' && last?.observations.length === 0) last.notes.push(segment);
  }
  return orders;
}

/** What stands before every OBR is of the patient and no result's; in a message without one it may be the result. */
function withoutOrder(reading: Reading, obx: Segment, segments: readonly Segment[]): void {
  const place = placeIn(obx, { field: 1, component: 1 });
  if (segments.some(({ name }) => name === 'OBR')) reading.note('no-order', place);
  else reading.fault('no-order', place);
}

function reportFacts(reading: Reading, order: Order, reports: Report[], visit: EntryName | undefined): Fact[] {
  const { obr } = order;
  const members = reading.members(obr, 'ORU');
  const filler = fillerOf(reading, order, members);
  const code = codeIn(obr, 4);
  if (filler === undefined || code === undefined) return [];
  const parent = parentOf(reading, obr, filler, reports);
  const test = parent === undefined ? code : [code, ...parent.slice(-2)].filter((part) => part !== '').join('/');
  const numbers = [...numbered(filler), test];
  const name: EntryName = ['DiagnosticReport', ...numbers];
  const version = reading.versionAt(obr.field(22).value);
  const context = { numbers, name, version, visit, parent, members };
  const attachments = attachmentsOf(reading, order.observations.filter(isAttachment));
  const observations = observationFacts(reading, order, context);
  const results = observations.map(({ entry, action }): ReportResult => ({ entry, gone: action === 'retract' }));
  reports.push({ name, filler, results: results.map(({ entry }) => entry) });
  return [...specimenFacts(reading, order, context), reportFact(reading, order, context, results, attachments), ...observations];
}

/** OBR-3; a laboratory that has no number of its own there has it in the ORC. */
function fillerOf(reading: Reading, { obr, orc }: Order, { filler }: Members): Identifier | undefined {
  const found = (filler ?? reading.members(orc, 'ORM')['filler'] ?? undefined) as Identifier | undefined;
  if (found === undefined) reading.fault('required', placeIn(obr, { field: 3, component: 1 }));
  return found;
}

interface Context {
  readonly numbers: readonly string[];
  readonly name: EntryName;
  readonly version: VersionTime;
  readonly visit: EntryName | undefined;
  readonly parent: EntryName | undefined;
  readonly members: Members;
}

/**
 * The result that a susceptibility is of: OBR-26 names its code and sub-id, OBR-29 the order, in which senders write the test's code behind
 * the number.
 */
function parentOf(reading: Reading, obr: Segment, filler: Identifier, reports: readonly Report[]): EntryName | undefined {
  const code = obr.field(26).component(1).subcomponent(1).value?.trim();
  if (!code) return undefined;
  const sub = obr.field(26).component(2).value?.trim() ?? '';
  const order = obr.field(29).component(2);
  const [number, namespace, test, kind] = [1, 2, 3, 4].map((part) => order.subcomponent(part).value?.trim());
  const given: Identifier = number ? { value: number, ...(namespace && { assigner: namespace }) } : filler;
  if (test && !kind) return ['Observation', ...numbered(given), test, code, sub];
  const isOfOrder = (report: Report) => numbered(report.filler).join() === numbered(given).join();
  const isParent = (result: EntryName) => result.at(-2) === code && result.at(-1) === sub;
  const found = reports.findLast((report) => isOfOrder(report) && report.results.some(isParent))?.results.find(isParent);
  if (found === undefined) reading.note('parent-unknown', placeIn(obr, { field: 26, component: 1 }));
  return found ?? ['Observation', ...numbered(given), '', code, sub];
}

const LABORATORY = category('laboratory');

function category(code: string): object {
  return { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code }] };
}

const IMAGING = ['RAD', 'RUS', 'CT', 'MRI', 'NMR', 'NMS', 'RX', 'VUS', 'OUS', 'XRC', 'CUS'];

function reportFact(
  reading: Reading,
  order: Order,
  { name, version, visit, members }: Context,
  results: readonly ReportResult[],
  attachments: readonly Attached[],
): Fact {
  const { placer, filler, code, effective, effectiveEnd, section, status } = members;
  const body: Members = {
    identifier: [identified('FILL', filler), identified('PLAC', placer)].filter((item) => item !== undefined),
    status,
    category: section ? [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0074', code: section }] }] : undefined,
    ...{ code, ...effectiveOf(effective, effectiveEnd), issued: issuedOf(members) },
    ...{ results, conclusion: notesOf(order.notes) },
    presentedForm: attachments.length === 0 ? undefined : attachments.map(({ attachment }) => attachment),
    encounter: visit && refersTo(visit),
    specimen: order.specimen && [refersTo(specimenName(reading, order.specimen, name))],
  };
  const attached = attachments.flatMap(({ binary }) => binary ?? []);
  return {
    kind: 'report',
    entry: name,
    action: 'record',
    members: body,
    version,
    visit,
    report: name,
    attached,
    whole: reading.listener.results === 'snapshot',
  };
}

const identified = (code: string, identifier: unknown): object | undefined =>
  identifier
    ? {
        type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code }] },
        value: (identifier as Identifier).value,
        assigner: (identifier as Identifier).assigner && { display: (identifier as Identifier).assigner },
      }
    : undefined;

function effectiveOf(start: unknown, end: unknown): Members {
  if (typeof start !== 'string') return {};
  return typeof end === 'string'
    ? { effectivePeriod: { start, end }, effectiveDateTime: null }
    : { effectiveDateTime: start, effectivePeriod: null };
}

/** FHIR's `issued` is an instant: a day is none. */
const issuedOf = ({ issued }: Members): string | undefined =>
  typeof issued === 'string' && issued.includes('T') ? issued : undefined;

function observationFacts(reading: Reading, order: Order, context: Context): Fact[] {
  const isCancelled = context.members['status'] === 'cancelled';
  return observationGroups(
    reading,
    order.observations.filter((segment) => !isAttachment(segment)),
  ).map(({ code, sub, segments }) => {
    const members = observationMembers(reading, segments, {
      isChild: context.parent !== undefined,
      isCancelled,
      report: context.members,
    });
    const { effective, ...others } = members;
    const entry: EntryName = ['Observation', ...context.numbers, code, sub];
    const body: Members = {
      resourceType: 'Observation',
      category: [IMAGING.includes(String(context.members['section'])) ? category('imaging') : LABORATORY],
      ...others,
      ...(effective === undefined
        ? effectiveOf(context.members['effective'], context.members['effectiveEnd'])
        : effectiveOf(effective, undefined)),
      ...{ issued: issuedOf(context.members), encounter: context.visit && refersTo(context.visit) },
      derivedFrom: context.parent && [refersTo(context.parent)],
      specimen: order.specimen && refersTo(specimenName(reading, order.specimen, context.name)),
    };
    const action = members['status'] === 'retract' ? 'retract' : 'record';
    return {
      kind: 'observation',
      entry,
      action,
      members: body,
      version: context.version,
      visit: context.visit,
      report: context.name,
    };
  });
}

const notesOf = (segments: readonly Segment[]): string | undefined =>
  segments
    .map((segment) =>
      segment
        .field(3)
        .repetitions.map((repetition) => repetition.text ?? '')
        .join('\n'),
    )
    .join('\n')
    .trim() || undefined;

function specimenName(reading: Reading, spm: Segment, report: EntryName): EntryName {
  const filler = reading.members(spm, 'ORU')['filler'] as Identifier | undefined;
  return ['Specimen', ...(filler === undefined ? report.slice(1) : numbered(filler))];
}

function specimenFacts(reading: Reading, { specimen }: Order, { name, version, visit }: Context): Fact[] {
  if (specimen === undefined) return [];
  const { filler, type, method, site, collected, received } = reading.members(specimen, 'ORU');
  const members = {
    resourceType: 'Specimen',
    identifier: filler && [identified('FILL', filler)],
    ...{ type, receivedTime: received, collection: { collectedDateTime: collected, method, bodySite: site } },
  };
  return [
    { kind: 'resource', entry: specimenName(reading, specimen, name), action: 'record', members, version, visit, report: name },
  ];
}
