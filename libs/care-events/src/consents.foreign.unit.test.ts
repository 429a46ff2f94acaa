import { AUTHORITIES } from '@weft/domain';
import {
  ACT_REASON,
  actor,
  concept,
  consent,
  decide,
  deny,
  entry,
  except,
  item,
  items,
  labelled,
  NOW,
  permit,
  person,
  RECORD,
  scoped,
  sent,
  spelledOut,
  withheld,
} from './consents.fixture.js';

/**
 * Consents as other people's guides and products write them, in structure alone: what Weft makes of each, and why. None of them may
 * lose a denial or widen a permission: what Weft cannot read is denied, or refused by name.
 */
interface Foreign {
  readonly what: string;
  readonly why: string;
  readonly consent: Json;
  readonly answer: string;
  /** What it withholds where nobody decided anything before it. */
  readonly withheld: string;
  /** When it is looked at; else now. */
  readonly at?: string;
}
type Json = Record<string, unknown>;

const RECORD_AT_LARGE = [
  ...RECORD,
  entry('Y90001', {
    resourceType: 'Observation',
    id: 'weight',
    effectiveDateTime: '2022-05-03',
    encounter: { reference: 'Encounter/e1' },
  }),
  entry('RX902', { resourceType: 'Observation', id: 'alcohol', meta: { security: labelled('ETH', 'R')['securityLabel'] } }),
  entry('RX901', { resourceType: 'ServiceRequest', id: 'order', authoredOn: '2025-03-01' }),
  entry('RX901', {
    resourceType: 'DiagnosticReport',
    id: 'report',
    basedOn: [{ reference: 'ServiceRequest/order' }],
    issued: '2025-03-02T10:00:00Z',
  }),
  entry('RX901', { resourceType: 'Task', id: 'task', authoredOn: '2025-03-01' }),
];

const HL7 = 'http://terminology.hl7.org/CodeSystem/';
const rule = (code: string, system = `${HL7}v3-ActCode`) => ({ policyRule: concept(code, system) });
const policyOf = (uri: string) => ({ policy: [{ uri }], policyRule: undefined });
const actions = (...codes: string[]) => ({ action: codes.map((code) => concept(code, `${HL7}consentaction`)) });
/** An actor by the address of the sender's own server. */
const addressed = (role: string, reference: string) => ({
  role: { coding: [{ system: `${HL7}v3-ParticipationType`, code: role }] },
  reference: { reference },
});
const NOBODYS = 'taken: authority-assumed';
const UNCLEAR = 'taken: unclear, authority-assumed';
const REFUSED = 'refused: authority-required';

const pcf = (provision: Json, more: Json = {}): Json =>
  consent(null, provision, {
    ...{ dateTime: '2022-06-13', performer: [{ reference: 'Patient/ex' }], patient: { ...person(), reference: 'Patient/ex' } },
    ...{ organization: [{ reference: 'Organization/ex' }], sourceReference: { reference: 'DocumentReference/ex' } },
    ...policyOf('https://policies.example/base'),
    ...more,
  });
const TPO = 'TREAT HPAYMT HOPERAT';
const year2022 = { dataPeriod: { start: '2022-01-01', end: '2022-12-31' } };
const toPractitioner = { actor: [addressed('IRCP', 'Practitioner/ex')] };

/** IHE Privacy Consent on FHIR: basic, intermediate and advanced. Its permissions name a policy of their own, so none counts here. */
const PCF: readonly Foreign[] = [
  {
    what: 'agrees to treatment, payment, operations',
    why: 'no authority of this region',
    consent: pcf(permit(TPO)),
    answer: REFUSED,
    withheld: 'nothing',
  },
  {
    what: 'a mother agrees for an infant',
    why: 'no authority of this region',
    consent: pcf(permit(TPO), { performer: [{ reference: 'RelatedPerson/mother' }] }),
    answer: REFUSED,
    withheld: 'nothing',
  },
  {
    what: 'agreed until a day that is past',
    why: 'no authority of this region',
    consent: pcf(permit(TPO, { period: { end: '2022-12-31' } })),
    answer: REFUSED,
    withheld: 'nothing',
  },
  {
    what: 'rejects treatment, payment, operations',
    why: 'TREAT and what lies below it; for the others nothing is shared',
    consent: pcf(deny(TPO)),
    answer: NOBODYS,
    withheld: 'all: all but research',
  },
  {
    what: 'agrees to research',
    why: 'no authority of this region',
    consent: pcf(permit('HRESCH'), policyOf('https://policies.example/research')),
    answer: REFUSED,
    withheld: 'nothing',
  },
  {
    what: 'agrees for the data of a year',
    why: 'no authority of this region',
    consent: pcf(permit(TPO, year2022)),
    answer: REFUSED,
    withheld: 'nothing',
  },
  {
    what: 'agrees, not for the data of a year',
    why: 'the nested denial counts, though the permission does not, and what has no date may be of that year',
    consent: pcf(permit(TPO, except(deny('', year2022)))),
    answer: 'taken: authority-required, unknown-purpose, authority-assumed',
    withheld: 'weight alcohol: all but research',
  },
  {
    what: 'agrees for what a practitioner wrote',
    why: 'authors are not known, nor is the authority',
    consent: pcf(permit(TPO, item('Practitioner/ex', 'authoredby'))),
    answer: 'refused: unclear',
    withheld: 'nothing',
  },
  {
    what: 'agrees, not for what a practitioner wrote',
    why: 'authors are not known: it may be anything',
    consent: pcf(permit(TPO, except(deny('', item('Practitioner/ex', 'authoredby'))))),
    answer: 'taken: authority-required, unknown-purpose, unclear, authority-assumed',
    withheld: 'all: all but research',
  },
  {
    what: 'agrees for an encounter',
    why: 'no authority of this region',
    consent: pcf(permit(TPO, item('Encounter/e1', 'related'))),
    answer: REFUSED,
    withheld: 'nothing',
  },
  {
    what: 'agrees, not for an encounter',
    why: 'the encounter and what hangs on it',
    consent: pcf(permit(TPO, except(deny('', item('Encounter/e1', 'related'))))),
    answer: 'taken: authority-required, unknown-purpose, authority-assumed',
    withheld: 'e1 weight: all but research',
  },
  {
    what: 'agrees for some entries',
    why: 'no authority of this region',
    consent: pcf(permit(TPO, items('Encounter/e1', 'Observation/weight'))),
    answer: REFUSED,
    withheld: 'nothing',
  },
  {
    what: 'agrees, not for one entry',
    why: 'that entry',
    consent: pcf(permit(TPO, except(deny('', item('Observation/alcohol'))))),
    answer: 'taken: authority-required, unknown-purpose, authority-assumed',
    withheld: 'alcohol: all but research',
  },
  {
    what: 'agrees to a purpose of its own for a recipient',
    why: 'neither purpose nor recipient is known',
    consent: pcf({
      type: 'permit',
      purpose: [{ system: 'https://policies.example/purposes', code: 'FooBar' }],
      actor: [addressed('IRCP', 'Organization/ex')],
    }),
    answer: 'refused: unknown-purpose, unclear',
    withheld: 'nothing',
  },
  {
    what: 'dissents, save for break-glass',
    why: 'the exception is for recipients and a purpose that Weft does not share for',
    consent: pcf(
      deny('', except(permit('BTG', { actor: [addressed('IRCP', 'Group/ex')] }))),
      policyOf('https://policies.example/break-glass'),
    ),
    answer: 'taken: unknown-purpose, unclear, authority-assumed',
    withheld: 'all: everything',
  },
  {
    what: 'agrees for what is N',
    why: 'no authority of this region',
    consent: pcf(permit(TPO, labelled('N'))),
    answer: REFUSED,
    withheld: 'nothing',
  },
  {
    what: 'agrees for what is N or R',
    why: 'no authority of this region',
    consent: pcf(permit(TPO, labelled('N', 'R'))),
    answer: REFUSED,
    withheld: 'nothing',
  },
  {
    what: 'agrees for what is N, not for what is R',
    why: 'R and above, also where the permission does not cover',
    consent: pcf(permit(TPO, labelled('N'), except(deny('', labelled('R'))))),
    answer: 'taken: authority-required, unknown-purpose, authority-assumed',
    withheld: 'alcohol: all but research',
  },
  {
    what: 'agrees for what is N, and R for one practitioner',
    why: 'no authority of this region',
    consent: pcf(permit(TPO, labelled('N'), except(permit('', labelled('R'), toPractitioner)))),
    answer: REFUSED,
    withheld: 'nothing',
  },
  {
    what: 'agrees for what is N, and psychiatry or violence for one practitioner',
    why: 'no authority of this region',
    consent: pcf(permit(TPO, labelled('N'), except(permit('', labelled('PSY', 'SDV'), toPractitioner)))),
    answer: REFUSED,
    withheld: 'nothing',
  },
  {
    what: 'agrees for what is N, and R for break-glass',
    why: 'no authority of this region',
    consent: pcf(permit(TPO, labelled('N'), except(permit('BTG', labelled('R'), { actor: [addressed('IRCP', 'Group/ex')] })))),
    answer: REFUSED,
    withheld: 'nothing',
  },
];

const r4 = (policyRule: string, provision: Json, more: Json = {}): Json =>
  consent(null, provision, {
    dateTime: '2015-11-18',
    organization: [{ reference: 'Organization/f001' }],
    ...rule(policyRule),
    ...more,
  });

/**
 * HL7's examples of R4. They leave the type of the root provision out, as R4 asks: the same structure opts out of a part (notAuthor,
 * notThem, notThis, notTime) and says how long an opt-in is good for (basic), so it is denied.
 */
const R4: readonly Foreign[] = [
  {
    what: 'basic: OPTIN for a period',
    why: 'without a type it may be what is withheld; over before it was made, it has no period',
    consent: r4('OPTIN', { period: { start: '1964-01-01', end: '2016-01-01' } }, { dateTime: '2016-05-11' }),
    answer: 'taken: empty-period, authority-assumed',
    withheld: 'all: everything',
  },
  {
    what: 'notTime: OPTIN, and a period that is withheld',
    why: 'the same structure with the opposite meaning',
    consent: r4('OPTIN', { period: { start: '2015-01-01', end: '2015-02-01' } }),
    answer: 'taken: empty-period, authority-assumed',
    withheld: 'all: everything',
  },
  {
    what: 'notAuthor: OPTIN, and a custodian by address',
    why: 'whose server it is cannot be told',
    consent: r4('OPTIN', { actor: [addressed('CST', 'Organization/f001')] }),
    answer: UNCLEAR,
    withheld: 'all: everything',
  },
  {
    what: 'notAuthor, if the custodian is named by ODS code',
    why: 'what that organisation recorded',
    consent: r4('OPTIN', { actor: [actor('CST', 'RX901')] }),
    answer: NOBODYS,
    withheld: 'c1 order report task: everything',
  },
  {
    what: 'notOrg: OPTIN, deny, and a recipient',
    why: 'recipients are not known: nobody is told',
    consent: r4('OPTIN', { type: 'deny', actor: [addressed('PRCP', 'Organization/f001')], ...actions('access', 'correct') }),
    answer: UNCLEAR,
    withheld: 'all: everything',
  },
  {
    what: 'notThem: OPTIN, and a nurse',
    why: 'recipients are not known: nobody is told',
    consent: r4('OPTIN', { actor: [addressed('PRCP', 'Practitioner/f204')], ...actions('access', 'correct') }),
    answer: UNCLEAR,
    withheld: 'all: everything',
  },
  {
    what: 'notThis: OPTIN, and what is related to a task',
    why: 'the task and what hangs on it',
    consent: r4('OPTIN', item('Task/task', 'related')),
    answer: NOBODYS,
    withheld: 'task: everything',
  },
  {
    what: 'Out: a custodian under OPTOUT',
    why: 'whose server it is cannot be told',
    consent: r4('OPTOUT', { actor: [addressed('CST', 'Organization/f001')], purpose: deny('TREAT')['purpose'] }),
    answer: UNCLEAR,
    withheld: 'all: all but research',
  },
  {
    what: 'Emergency: deny, save for emergency treatment',
    why: 'emergency treatment is not a use of its own here: the exception permits nothing',
    consent: r4('OPTOUT', {
      type: 'deny',
      purpose: deny('TREAT')['purpose'],
      ...except({
        type: 'permit',
        purpose: [{ system: ACT_REASON, code: 'ETREAT' }],
        actor: [addressed('CST', 'Organization/f001')],
      }),
    }),
    answer: 'taken: unknown-purpose, unclear, authority-assumed',
    withheld: 'all: all but research',
  },
  {
    what: 'grantor: OPTOUT, and an exception for one recipient',
    why: 'without a type it is denied; of whom cannot be told',
    consent: r4('OPTOUT', {
      actor: [addressed('CST', 'Organization/f001'), addressed('PRCP', 'Patient/example')],
      ...actions('access'),
    }),
    answer: UNCLEAR,
    withheld: 'all: everything',
  },
  {
    what: 'signature: OPTIN for a period and a recipient, while it lasts',
    why: 'without a type it is denied; its exception is for authors',
    consent: r4(
      'OPTIN',
      {
        period: { start: '2015-10-10', end: '2016-10-10' },
        actor: [addressed('PRCP', 'Practitioner/13')],
        ...except({
          type: 'permit',
          actor: [addressed('AUT', 'Practitioner/author')],
          class: [{ system: 'urn:ietf:bcp:13', code: 'application/hl7-cda+xml' }],
          code: [concept('34133-9', 'http://loinc.org')],
        }),
      },
      { dateTime: '2016-05-26T00:41:10-04:00' },
    ),
    answer: UNCLEAR,
    withheld: 'all: everything',
    at: '2016-09-01T00:00:00Z',
  },
  {
    what: 'smartonfhir: half an hour for one class, when it is over',
    why: 'its period is over',
    consent: r4(
      'OPTIN',
      {
        period: { start: '2016-06-23T17:02:33+10:00', end: '2016-06-23T17:32:33+10:00' },
        ...except({
          type: 'permit',
          ...actions('access'),
          class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'MedicationRequest' }],
        }),
      },
      { dateTime: '2016-06-23T17:02:33+10:00', performer: [{ reference: 'RelatedPerson/peter' }] },
    ),
    answer: 'taken: authority-required, authority-assumed',
    withheld: 'nothing',
  },
  {
    what: 'pkb: OPTOUT with sensitivities for each team',
    why: 'a nested provision without a type denies; teams and sensitivities are not known',
    consent: r4('OPTOUT', {
      actor: [addressed('PRCP', 'Organization/f001')],
      ...actions('access'),
      ...labelled('N'),
      ...except(
        ...['PSY', 'SPI', 'SEX'].map((code) => ({
          actor: [addressed('PRCP', 'Organization/f001')],
          ...actions('access'),
          ...labelled(code),
        })),
      ),
    }),
    answer: UNCLEAR,
    withheld: 'all: everything',
  },
];

const nz = (provision: Json): Json =>
  consent(null, provision, {
    category: [concept('887031000000108')],
    ...policyOf('https://privacy.example/act'),
    identifier: [{ use: 'secondary', value: 'x' }],
  });
const atFacility = {
  actor: [{ role: { coding: [{ code: 'PROV' }] }, reference: { reference: 'https://hpi.example/Location/F1' } }],
};
const participation = (code: string) => ({
  extension: [{ url: 'https://nz.example/participation', valueCodeableConcept: { coding: [{ code }] } }],
});
const since2023 = { period: { start: '2023-10-04' }, ...actions('access') };

/** New Zealand's Shared Digital Health Record: no dateTime, facilities by address, what they are in an extension. */
const NZ: readonly Foreign[] = [
  {
    what: 'takes part',
    why: 'no authority of this region',
    consent: nz(permit('', since2023)),
    answer: REFUSED,
    withheld: 'nothing',
  },
  {
    what: 'does not take part',
    why: 'counts from its receipt',
    consent: nz(deny('', since2023)),
    answer: NOBODYS,
    withheld: 'all: everything',
  },
  {
    what: 'takes part, not at one facility',
    why: 'which facility cannot be told',
    consent: nz(permit('', since2023, except({ ...atFacility, ...participation('opt-out') }))),
    answer: 'taken: authority-required, unclear, authority-assumed',
    withheld: 'all: everything',
  },
  {
    what: 'takes part, at one facility and not at another',
    why: 'what either says is in an extension: without a type both deny',
    consent: nz(
      permit(
        '',
        since2023,
        except({ ...atFacility, ...participation('opt-out') }, { ...atFacility, ...participation('opt-in') }),
      ),
    ),
    answer: 'taken: authority-required, unclear, authority-assumed',
    withheld: 'all: everything',
  },
  {
    what: 'takes part, without two conditions of one facility',
    why: 'the conditions are named; the facility does not narrow it',
    consent: nz(
      permit(
        '',
        since2023,
        except({ type: 'deny', ...atFacility, ...participation('opt-in'), ...items('Condition/c1', 'Condition/x') }),
      ),
    ),
    answer: 'taken: authority-required, unclear, authority-assumed',
    withheld: 'c1: everything',
  },
];

/** Others: profiles, and what products write. */
const OTHERS: readonly Foreign[] = [
  {
    what: 'Australia, eRequesting: no upload of the reports of an order',
    why: 'reports that hang on the order; the order itself is none',
    consent: consent(
      null,
      {
        type: 'deny',
        ...actions('disclose'),
        class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'DiagnosticReport' }],
        ...item('ServiceRequest/order', 'dependents'),
      },
      { ...rule('OPTIN'), dateTime: '2025-03-01', performer: [person()], category: [concept('IDSCL', `${HL7}v3-ActCode`)] },
    ),
    answer: NOBODYS,
    withheld: 'report: everything',
  },
  {
    what: 'Switzerland, EPR: without an encounter',
    why: 'that encounter, as it says instance',
    consent: consent(
      null,
      { type: 'deny', ...item('Encounter/e1') },
      { ...rule('OPTIN'), policy: [{ authority: 'https://law.example' }], dateTime: '2020-12-28' },
    ),
    answer: NOBODYS,
    withheld: 'e1: everything',
  },
  {
    what: 'Switzerland, EPR: has a record there',
    why: 'an opt-in to something else, under no authority of this region',
    consent: consent(null, undefined, {
      ...rule('OPTIN'),
      policy: [{ authority: 'https://law.example' }],
      dateTime: '2020-12-28',
    }),
    answer: REFUSED,
    withheld: 'nothing',
  },
  {
    what: 'Germany, broad consent: research by modules',
    why: 'of scope research it is a document and no decision',
    consent: consent(null, deny('', except(permit('', { code: [concept('2.16.1', 'urn:oid:2.16')] }))), {
      scope: scoped('research'),
      dateTime: '2024-02-23',
    }),
    answer: 'refused: wrong-scope',
    withheld: 'nothing',
  },
  {
    what: 'Austria: a living will',
    why: 'of scope treatment it is a document and no decision',
    consent: consent(null, undefined, { scope: scoped('treatment') }),
    answer: 'refused: wrong-scope',
    withheld: 'nothing',
  },
  {
    what: 'Millennium: a relative may look',
    why: 'a permission to a recipient, under no authority of this region',
    consent: consent(
      null,
      permit('', {
        actor: [{ role: concept('AUTREP', 'http://x'), reference: { display: 'A relative' } }],
        ...actions('access'),
      }),
      rule('425691002', 'http://snomed.info/sct'),
    ),
    answer: 'refused: unclear',
    withheld: 'nothing',
  },
  {
    what: 'an EHR’s form that was signed, without a provision',
    why: 'what it says is in the form: it may deny anything',
    consent: consent(null, undefined, {
      category: [concept('npp', `${HL7}consentcategorycodes`)],
      sourceAttachment: { title: 'A form' },
      dateTime: '2024-01-01',
    }),
    answer: NOBODYS,
    withheld: 'all: everything',
  },
  {
    what: 'an EHR’s opt-out of the exchange',
    why: 'says that it denies, and no more',
    consent: consent(null, deny('', { period: { start: '2024-01-01' } }), { ...rule('OPTOUT'), dateTime: '2024-01-01' }),
    answer: NOBODYS,
    withheld: 'all: everything',
  },
  {
    what: 'an EHR’s permission with a custodian by address',
    why: 'no authority of this region',
    consent: consent(null, permit('', { actor: [addressed('CST', 'Organization/x')], ...actions('access') }), rule('OPTIN')),
    answer: 'refused: unclear',
    withheld: 'nothing',
  },
  {
    what: 'England, reasonable adjustments: a flag may be shared',
    why: 'its purpose is a SNOMED code and its provision has no type: it may deny anything',
    consent: consent(
      null,
      { purpose: [{ system: 'http://snomed.info/sct', code: '370856009' }] },
      {
        policy: [{ authority: 'https://www.gov.example/', uri: 'https://www.gov.example/review.pdf' }],
        policyRule: concept('001', 'https://flags.example/role'),
      },
    ),
    answer: 'taken: unknown-purpose, authority-assumed',
    withheld: 'all: everything',
  },
  {
    what: 'England, national opt-out of STU3',
    why: 'members that R4 does not have; what it denies is in a policy that Weft does not know',
    consent: consent(null, undefined, {
      scope: undefined,
      consentingParty: [{ reference: 'Patient/x' }],
      ...policyOf('https://www.gov.example/review.pdf'),
      dateTime: '2017-12-14T11:15:33+00:00',
    }),
    answer: 'taken: wrong-scope, unclear, authority-assumed',
    withheld: 'all: everything',
  },
  {
    what: 'STU3: exceptions in except',
    why: 'a member that R4 does not have may deny anything',
    consent: consent(null, undefined, { policyRule: 'https://policies.example/opt-in', except: [{ type: 'deny' }] }),
    answer: 'taken: unclear, authority-assumed',
    withheld: 'all: everything',
  },
  {
    what: 'R5: decision and a list of provisions',
    why: 'members that R4 does not have, and no provision that can be read',
    consent: consent(null, undefined, {
      decision: 'permit',
      subject: person(),
      provision: [{ actor: [addressed('CST', 'Organization/f001')] }],
    }),
    answer: 'taken: unclear, malformed, authority-assumed',
    withheld: 'all: everything',
  },
];

const ALL = { 'IHE PCF': PCF, 'HL7 R4': R4, 'New Zealand SDHR': NZ, others: OTHERS };

describe.each(Object.entries(ALL))('Consents of %s', (_, consents) => {
  it.each(consents)('$what: $why', ({ consent: foreign, answer, withheld: expected, at }) => {
    const decided = decide([sent('RX901', foreign)]);
    expect(decided.answers).toEqual([answer]);
    const then = at === undefined ? NOW + 3_600_000 : Date.parse(at);
    expect(withheld(decided.decisions, RECORD_AT_LARGE, then)).toEqual(spelledOut(expected, RECORD_AT_LARGE));
  });

  it.each(consents)('lift nothing that another recorded: $what', ({ consent: foreign }) => {
    const before = [
      sent('governance', consent('national-data-opt-out', deny('POPHLTH HRESCH'))),
      sent('governance', consent('local-dissent', deny('TREAT COC'))),
    ];
    for (const as of [foreign, ...AUTHORITIES.map((name) => ({ ...foreign, policy: [{ uri: `urn:weft:authority:${name}` }] }))]) {
      const { decisions } = decide([...before, sent('Y90001', as)], { validate: false });
      // What the sender itself recorded a person may agree to have used.
      const others = RECORD_AT_LARGE.filter(({ organisation }) => organisation !== 'Y90001');
      const left = withheld(decisions, others, NOW + 3_600_000);
      expect(left).toEqual(spelledOut('all: everything', others));
    }
  });
});
