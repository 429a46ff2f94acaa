import type { JudgedEntry } from '@weft/domain';
import {
  actor,
  actors,
  ANNE,
  BEN,
  coded,
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
  ofClass,
  permit,
  person,
  RECORD,
  recordedBy,
  scoped,
  sent,
  spelledOut,
  toldTo,
  withheld,
  type Sent,
} from './consents.fixture.js';

/**
 * What Consents come to: each row says why it is there, what is sent by whom, and what is withheld in the end, of whom and for
 * which uses. All that a row does not name is shared.
 *
 * The record: o1 (an observation) and e1 (an encounter) of the GP practice Y90001, c1 (a condition) of the acute trust RX901, m1 (a
 * condition) of the mental health trust RX902. `care` is direct care and care coordination.
 */
interface Row {
  readonly why: string;
  readonly sent: readonly Sent[];
  readonly withheld: string;
  /** What each sender is answered, where it is not `taken`. */
  readonly answers?: readonly string[];
  /** Entries besides. */
  readonly entries?: readonly JudgedEntry[];
  /** When it is looked at; else an hour after the first. */
  readonly at?: string;
}

function table(rows: readonly Row[]): void {
  it.each(rows)('$why', ({ sent: consents, withheld: expected, answers, entries = [], at }) => {
    const record = [...RECORD, ...entries];
    const decided = decide(consents);
    expect(decided.answers).toEqual(answers ?? consents.map(() => 'taken'));
    const then = at === undefined ? NOW + 3_600_000 : Date.parse(at);
    expect(withheld(decided.decisions, record, then)).toEqual(spelledOut(expected, record));
  });
}

const GOVERNANCE = 'governance';
const ALL = 'TREAT COC POPHLTH HRESCH';
const [LOCAL, NATIONAL, TYPE_1, EXPLICIT] = ['local-dissent', 'national-data-opt-out', 'type-1', 'explicit-consent'] as const;
/** A Consent that governance sends, under a local dissent unless it says otherwise. */
const says = (provision: object | undefined, more: object = {}, under: string | null = LOCAL): Sent =>
  sent(GOVERNANCE, consent(under, provision as Record<string, unknown>, more as Record<string, unknown>));
/** The same by an organisation. */
const by = (ods: string, provision: object, more: object = {}, under: string | null = LOCAL): Sent => ({
  ...says(provision, more, under),
  by: ods,
});
const dated = (dateTime: string) => ({ dateTime });
const BY_PATIENT = { performer: [person()] };
const OPTIN = { policy: undefined, policyRule: concept('OPTIN', 'http://terminology.hl7.org/CodeSystem/v3-ActCode') };
const OPTOUT = { policy: undefined, policyRule: concept('OPTOUT', 'http://terminology.hl7.org/CodeSystem/v3-ActCode') };
const HIV = '86406008';
const numbered = (nhsNumber: string) => ({ identifier: [person(nhsNumber)['identifier']] });
const born = (birthDate: string) => entry('Y90001', { resourceType: 'Patient', id: 'p', birthDate });
const observation = (id: string, more: object) => entry('RX902', { resourceType: 'Observation', id, ...more });

describe('a Consent that is plain', () => {
  table([
    { why: 'an objection to one use withholds everything from it', sent: [says(deny('HRESCH'))], withheld: 'all: research' },
    { why: 'an objection that names no use is to every use', sent: [says(deny(''))], withheld: 'all: everything' },
    { why: 'a permission alone changes nothing', sent: [says(permit('HRESCH'))], withheld: 'nothing' },
    {
      why: 'a later permission of the same scope ends an objection',
      sent: [says(deny('HRESCH')), says(permit('HRESCH'))],
      withheld: 'nothing',
    },
    {
      why: 'a later permission for one use ends an objection for that use alone',
      sent: [says(deny(ALL)), says(permit('HRESCH'))],
      withheld: 'all: all but research',
    },
    {
      why: 'a later objection ends a permission',
      sent: [says(permit('HRESCH')), says(deny('HRESCH'))],
      withheld: 'all: research',
    },
    {
      why: 'objection, permission and the very same objection again: the last counts',
      sent: [says(deny('TREAT')), says(permit('TREAT')), says(deny('TREAT'))],
      withheld: 'all: all but research',
    },
    {
      why: 'an objection given beside its person by number alone is obeyed, as one in a Bundle is',
      sent: [by('RX901', deny('TREAT'), { patient: { identifier: person()['identifier'] }, ...BY_PATIENT })],
      withheld: 'all: all but research',
    },
    {
      why: 'a national opt-out leaves individual care alone',
      sent: [says(deny(ALL), {}, NATIONAL)],
      withheld: 'all: planning, research',
    },
    {
      why: 'a type 1 objection concerns what the GP practice holds, and other uses than care',
      sent: [says(deny(ALL), {}, TYPE_1)],
      withheld: 'o1 e1: planning, research',
    },
    {
      why: 'explicit consent to research opens research beside a national opt-out, and nothing else',
      sent: [says(deny('POPHLTH HRESCH'), {}, NATIONAL), says(permit('HRESCH'), BY_PATIENT, EXPLICIT)],
      withheld: 'all: planning',
    },
    {
      why: 'explicit consent does not open what a type 1 objection closes',
      sent: [says(deny('HRESCH'), {}, TYPE_1), says(permit('HRESCH'), BY_PATIENT, EXPLICIT)],
      withheld: 'o1 e1: research',
    },
    {
      why: 'two authorities in one Consent are two decisions',
      sent: [
        says(deny('HRESCH'), {
          policy: [{ uri: 'urn:weft:authority:type-1' }, { uri: 'urn:weft:authority:national-data-opt-out' }],
        }),
      ],
      withheld: 'all: research',
    },
    {
      why: 'of two authorities one lifted leaves the other',
      sent: [
        says(deny('HRESCH'), {
          policy: [{ uri: 'urn:weft:authority:type-1' }, { uri: 'urn:weft:authority:national-data-opt-out' }],
        }),
        says(permit('HRESCH'), {}, NATIONAL),
      ],
      withheld: 'o1 e1: research',
    },
  ]);
});

describe('whom it is about', () => {
  table([
    {
      why: 'two people in one Consent.patient are refused, or one of them would believe it obeyed',
      sent: [says(deny('HRESCH'), { patient: { ...person(), reference: `Patient/${BEN}` } })],
      answers: ['refused: somebody-else'],
      withheld: 'nothing',
    },
    {
      why: 'and so is a Patient within the Consent who is somebody else',
      sent: [
        says(deny('HRESCH'), {
          contained: [{ resourceType: 'Patient', id: 'p', ...numbered(BEN) }],
          patient: { reference: '#p' },
        }),
      ],
      answers: ['refused: somebody-else'],
      withheld: 'nothing',
    },
  ]);
});

describe('a Consent of another scope', () => {
  table([
    ...['treatment', 'adr', 'research'].map((scope) => ({
      why: `a permission of scope ${scope} is no decision and ends no objection`,
      sent: [says(deny('TREAT')), says(permit(''), { scope: scoped(scope) })],
      answers: ['taken', 'refused: wrong-scope'],
      withheld: 'all: all but research',
    })),
    ...['treatment', 'adr', 'research'].map((scope) => ({
      why: `a refusal of scope ${scope}, such as of resuscitation, hides nothing`,
      sent: [says(deny(''), { scope: scoped(scope) })],
      answers: ['refused: wrong-scope'],
      withheld: 'nothing',
    })),
    {
      why: 'a Consent of two scopes is about sharing if one of them is',
      sent: [says(deny('HRESCH'), { scope: { coding: [{ code: 'research' }, { code: 'patient-privacy' }] } })],
      withheld: 'all: research',
    },
    ...['treatment', 'adr', 'research'].map((scope) => ({
      why: `what somebody else’s system calls ${scope} may be an objection to sharing, and permits nothing`,
      sent: [
        says(deny('HRESCH'), { scope: concept(scope, 'http://local/scopes') }),
        says(permit('HRESCH'), { scope: concept(scope, 'http://local/scopes') }),
      ],
      answers: ['taken: wrong-scope', 'refused: wrong-scope'],
      withheld: 'all: research',
    })),
    {
      why: 'what somebody else’s system calls patient-privacy makes an objection and no permission',
      sent: [
        says(deny('HRESCH'), { scope: concept('patient-privacy', 'http://local/scopes') }),
        says(permit('HRESCH'), { scope: concept('patient-privacy', 'http://local/scopes') }),
      ],
      answers: ['taken: wrong-scope', 'refused: wrong-scope'],
      withheld: 'all: research',
    },
    {
      why: 'an objection that says no scope counts',
      sent: [says(deny('HRESCH'), { scope: undefined })],
      answers: ['taken: wrong-scope'],
      withheld: 'all: research',
    },
    {
      why: 'a permission that says no scope counts for nothing',
      sent: [says(deny('HRESCH')), says(permit('HRESCH'), { scope: { text: 'privacy' } })],
      answers: ['taken', 'refused: wrong-scope'],
      withheld: 'all: research',
    },
  ]);
});

describe('the authority', () => {
  table([
    {
      why: 'an objection that names none is local dissent, and says so',
      sent: [says(deny('HRESCH'), {}, null)],
      answers: ['taken: authority-assumed'],
      withheld: 'all: research',
    },
    {
      why: 'a permission that names none lifts nothing',
      sent: [says(deny(ALL)), says(permit(ALL), {}, null)],
      answers: ['taken', 'refused: authority-required'],
      withheld: 'all: everything',
    },
    {
      why: 'an OPTIN of every use that names none lifts nothing',
      sent: [says(deny(ALL)), says({ type: 'permit' }, OPTIN, null)],
      answers: ['taken', 'refused: authority-required'],
      withheld: 'all: everything',
    },
    ...['Local-Dissent', 'local dissent', 'localdissent', 'local-dissent/', ' local-dissent', 'constructor'].map((name) => ({
      why: `a permission under “${name}” lifts nothing`,
      sent: [says(deny('HRESCH')), says(permit('HRESCH'), {}, name)],
      answers: ['taken', 'refused: authority-required'],
      withheld: 'all: research',
    })),
    ...['https://digital.nhs.uk/national-data-opt-out', 'urn:x:type-1', 'https://weft.example/local-dissent/'].map((uri) => ({
      why: `somebody else’s address names no authority, though it ends like one: ${uri}`,
      sent: [says(deny('HRESCH'), { policy: [{ uri }] }), says(permit('HRESCH'), { policy: [{ uri }] })],
      answers: ['taken: authority-assumed', 'refused: authority-required'],
      withheld: 'all: research',
    })),
    {
      why: 'somebody else’s address beside an authority changes nothing',
      sent: [
        says(deny(ALL), {
          policy: [{ uri: 'https://www.legislation.gov.uk/' }, { uri: 'urn:weft:authority:national-data-opt-out' }],
        }),
      ],
      withheld: 'all: planning, research',
    },
    {
      why: 'of two authorities of which one is misspelt the objection counts under the other and as local dissent',
      sent: [
        says(deny(ALL), { policy: [{ uri: 'urn:weft:authority:type-1' }, { uri: 'urn:weft:authority:natonal-data-opt-out' }] }),
      ],
      answers: ['taken: authority-assumed'],
      withheld: 'all: everything',
    },
    {
      why: 'of two authorities of which one says nothing that is understood the objection counts under the other and as local dissent',
      sent: [says(deny(ALL), { policy: [{ uri: 'urn:weft:authority:type-1' }, { adress: 'urn:weft:authority:type-1' }] })],
      answers: ['taken: authority-assumed'],
      withheld: 'all: everything',
    },
    {
      why: 'what another authority than Weft’s says beside one changes nothing',
      sent: [
        says(deny(ALL), {
          policy: [{ uri: 'urn:weft:authority:national-data-opt-out' }, { authority: 'https://www.england.nhs.uk' }],
        }),
      ],
      withheld: 'all: planning, research',
    },
    {
      why: 'of two authorities of which one is misspelt the permission counts under neither',
      sent: [
        says(deny('HRESCH')),
        says(permit('HRESCH'), { policy: [{ uri: 'urn:weft:authority:local-dissent' }, { uri: 'urn:weft:authority:typ-1' }] }),
      ],
      answers: ['taken', 'refused: authority-required'],
      withheld: 'all: research',
    },
    ...['URN:weft:authority:national-data-opt-out', 'urn:WEFT:authority:national-data-opt-out'].map((uri) => ({
      why: `urn and the name after it are the same in either case: ${uri}`,
      sent: [says(deny(ALL), { policy: [{ uri: 'urn:weft:authority:type-1' }, { uri }] })],
      withheld: 'all: planning, research',
    })),
    {
      why: 'what follows it is not: the objection counts under the other authority and as local dissent',
      sent: [
        says(deny(ALL), { policy: [{ uri: 'urn:weft:authority:type-1' }, { uri: 'urn:weft:Authority:national-data-opt-out' }] }),
      ],
      answers: ['taken: authority-assumed'],
      withheld: 'all: everything',
    },
    {
      why: 'a permission of one authority lifts no objection under another',
      sent: [says(deny('HRESCH'), {}, NATIONAL), says(permit('HRESCH'))],
      withheld: 'all: research',
    },
  ]);
});

describe('who may make and lift what', () => {
  table([
    {
      why: 'a trust may not lift a national opt-out',
      sent: [says(deny('POPHLTH HRESCH'), {}, NATIONAL), by('RX901', permit('POPHLTH HRESCH'), {}, NATIONAL)],
      answers: ['taken', 'refused: not-yours-to-lift'],
      withheld: 'all: planning, research',
    },
    {
      why: 'nor may a GP practice, nor record one',
      sent: [by('Y90001', deny('HRESCH'), {}, NATIONAL), by('Y90001', permit('HRESCH'), {}, NATIONAL)],
      answers: ['refused: not-yours-to-make', 'refused: not-yours-to-lift'],
      withheld: 'nothing',
    },
    {
      why: 'a GP practice records a type 1 objection and lifts its own',
      sent: [by('Y90001', deny('HRESCH'), {}, TYPE_1), by('Y90001', permit('HRESCH'), {}, TYPE_1)],
      withheld: 'nothing',
    },
    {
      why: 'a trust records no type 1 objection',
      sent: [by('RX901', deny('HRESCH'), {}, TYPE_1)],
      answers: ['refused: not-yours-to-make'],
      withheld: 'nothing',
    },
    {
      why: 'of two authorities the one that is the sender’s to use counts, on the way through the gateway too',
      sent: [
        by('RX901', deny('TREAT HRESCH'), {
          policy: [{ uri: 'urn:weft:authority:withheld-item' }, { uri: 'urn:weft:authority:national-data-opt-out' }],
        }),
      ],
      answers: ['taken: not-yours-to-make'],
      withheld: 'all: everything',
    },
    {
      why: 'an organisation lifts its own dissent',
      sent: [by('RX901', deny('TREAT')), by('RX901', permit('TREAT'))],
      withheld: 'all: care-coordination, planning',
    },
    {
      why: 'an organisation does not lift another’s dissent',
      sent: [by('Y90001', deny('HRESCH')), by('RX901', permit('HRESCH'))],
      withheld: 'all: research',
    },
    {
      why: 'an organisation does not lift what governance recorded',
      sent: [says(deny('HRESCH')), by('RX901', permit('HRESCH'))],
      withheld: 'all: research',
    },
    {
      why: 'governance lifts what an organisation recorded',
      sent: [by('RX901', deny('HRESCH')), says(permit('HRESCH'))],
      withheld: 'nothing',
    },
    {
      why: 'two organisations object: one lifting its own leaves the other’s',
      sent: [by('RX901', deny('HRESCH')), by('Y90001', deny('HRESCH')), by('RX901', permit('HRESCH'))],
      withheld: 'all: research',
    },
    {
      why: 'an organisation’s explicit consent opens what it recorded itself',
      sent: [says(deny('HRESCH'), {}, NATIONAL), by('RX901', permit('HRESCH'), BY_PATIENT, EXPLICIT)],
      entries: [born('1960-01-01')],
      withheld: 'o1 e1 m1 p: research',
    },
    {
      why: 'any organisation may withdraw explicit consent by an objection',
      sent: [
        says(deny('HRESCH'), {}, NATIONAL),
        says(permit('HRESCH'), BY_PATIENT, EXPLICIT),
        by('RX902', deny('HRESCH'), {}, EXPLICIT),
      ],
      withheld: 'all: research',
    },
    {
      why: 'an organisation that consents for its own entries leaves governance’s wider permission as it is',
      sent: [
        says(deny('HRESCH'), {}, NATIONAL),
        says(permit('HRESCH'), BY_PATIENT, EXPLICIT),
        by('RX901', permit('HRESCH'), BY_PATIENT, EXPLICIT),
      ],
      entries: [born('1960-01-01')],
      withheld: 'nothing',
    },
  ]);
});

describe('who gave a permission', () => {
  const NDOO = says(deny('HRESCH'), {}, NATIONAL);
  const consentOfPerson = (performer: unknown, more: object = {}) =>
    by('RX901', permit('HRESCH'), { ...(performer !== undefined && { performer }), ...more }, EXPLICIT);
  const adult = [born('1960-01-01')];
  const opened = 'o1 e1 m1 p: research';
  const closed = 'all: research';
  const refused = ['taken', 'refused: performer-required'];
  table([
    { why: 'the person by their number', sent: [NDOO, consentOfPerson([person()])], entries: adult, withheld: opened },
    {
      why: 'the person by the reference that Consent.patient has',
      sent: [NDOO, consentOfPerson([{ reference: 'Patient/p1' }], { patient: { ...person(), reference: 'Patient/p1' } })],
      entries: adult,
      withheld: opened,
    },
    {
      why: 'the person by a reference with their number',
      sent: [NDOO, consentOfPerson([{ reference: `https://pds.example/Patient/${ANNE}` }])],
      entries: adult,
      withheld: opened,
    },
    {
      why: 'a proxy, whose age is nobody’s question',
      sent: [NDOO, consentOfPerson([{ reference: 'RelatedPerson/mother' }])],
      entries: [born('2020-01-01')],
      withheld: opened,
    },
    {
      why: 'a Patient by a number that is not known to be the person’s is somebody else',
      sent: [NDOO, consentOfPerson([{ type: 'Patient', identifier: { system: 'https://rx901.example/mrn', value: '7' } }])],
      answers: refused,
      withheld: closed,
    },
    { why: 'an absent performer is nobody', sent: [NDOO, consentOfPerson(undefined)], answers: refused, withheld: closed },
    {
      why: 'somebody else’s number is somebody else',
      sent: [NDOO, consentOfPerson([person(BEN)])],
      answers: refused,
      withheld: closed,
    },
    {
      why: 'a Patient by an address that is not the person’s is somebody else',
      sent: [NDOO, consentOfPerson([{ reference: 'Patient/p2' }])],
      answers: refused,
      withheld: closed,
    },
    ...['Practitioner/1', 'PractitionerRole/1', 'Organization/RX901', '#p'].map((reference) => ({
      why: `${reference} cannot give it for the person`,
      sent: [NDOO, consentOfPerson([{ reference }])],
      answers: refused,
      withheld: closed,
    })),
    {
      why: 'a reference that says two things of who it is names nobody',
      sent: [NDOO, consentOfPerson([{ type: 'RelatedPerson', reference: 'Practitioner/1' }])],
      answers: refused,
      withheld: closed,
    },
    {
      why: 'governance vouches for a giver whom it does not name',
      sent: [NDOO, says(permit('HRESCH'), {}, EXPLICIT)],
      withheld: 'nothing',
    },
  ]);
});

describe('a child', () => {
  const NDOO = says(deny('HRESCH'), {}, NATIONAL);
  const agreed = (dateTime: string) => says(permit('HRESCH'), { ...BY_PATIENT, dateTime }, EXPLICIT);
  const closed = 'all: research';
  table([
    { why: 'of eight agrees to nothing', sent: [NDOO, agreed('2026-06-01')], entries: [born('2018-01-01')], withheld: closed },
    {
      why: 'on the day before the thirteenth birthday agrees to nothing',
      sent: [NDOO, agreed('2026-05-31T22:59:59Z')],
      entries: [born('2013-06-01')],
      withheld: closed,
    },
    {
      why: 'on the thirteenth birthday, which begins at midnight in England, may agree',
      sent: [NDOO, agreed('2026-05-31T23:00:00Z')],
      entries: [born('2013-06-01')],
      withheld: 'nothing',
    },
    {
      why: 'who agreed at twelve agrees to nothing when they are thirteen',
      sent: [NDOO, agreed('2026-05-01')],
      entries: [born('2013-06-01')],
      withheld: closed,
    },
    {
      why: 'born on the 29th of February is thirteen on the 1st of March',
      sent: [NDOO, agreed('2025-02-28')],
      entries: [born('2012-02-29')],
      withheld: closed,
    },
    {
      why: 'born on the 29th of February may agree on the 1st of March',
      sent: [NDOO, agreed('2025-03-01')],
      entries: [born('2012-02-29')],
      withheld: 'nothing',
    },
    {
      why: 'born on a day that never was cannot be told',
      sent: [NDOO, agreed('2026-06-01')],
      entries: [born('2011-02-29')],
      withheld: closed,
    },
    {
      why: 'of whom only the year is known cannot be told in the year of the birthday',
      sent: [NDOO, agreed('2026-06-01')],
      entries: [born('2013')],
      withheld: closed,
    },
    {
      why: 'of whom only the year is known may agree in the year after',
      sent: [NDOO, agreed('2026-06-01')],
      entries: [born('2012')],
      withheld: 'nothing',
    },
    {
      why: 'of whom only the month is known cannot be told in that month',
      sent: [NDOO, agreed('2026-06-15')],
      entries: [born('2013-06')],
      withheld: closed,
    },
    {
      why: 'of whom two birth dates are recorded agrees only if both allow it',
      sent: [NDOO, agreed('2026-06-01')],
      entries: [born('1960-01-01'), entry('RX901', { resourceType: 'Patient', id: 'q', birthDate: '2018-01-01' })],
      withheld: closed,
    },
    {
      why: 'may be anybody whose birth date is not recorded: an organisation’s word for it is not enough',
      sent: [NDOO, by('RX901', permit('HRESCH'), BY_PATIENT, EXPLICIT)],
      withheld: closed,
    },
    {
      why: 'is objected for by anybody, and objects as anybody',
      sent: [says(deny('HRESCH'), BY_PATIENT)],
      entries: [born('2020-01-01')],
      withheld: closed,
    },
    {
      why: 'lifts no objection that was made for it',
      sent: [says(deny('HRESCH'), { performer: [{ reference: 'RelatedPerson/mother' }] }), says(permit('HRESCH'), BY_PATIENT)],
      entries: [born('2018-01-01')],
      withheld: closed,
    },
    {
      why: 'lifts no objection by a later version of its Consent',
      sent: [says(deny('HRESCH'), { id: 'v' }), says(permit('HRESCH'), { id: 'v', ...BY_PATIENT })],
      entries: [born('2018-01-01')],
      withheld: closed,
    },
    {
      why: 'whose parent permits is permitted for',
      sent: [says(deny('HRESCH'), BY_PATIENT), says(permit('HRESCH'), { performer: [{ reference: 'RelatedPerson/mother' }] })],
      entries: [born('2018-01-01')],
      withheld: 'nothing',
    },
  ]);
});

describe('which of two decisions is the later', () => {
  const later = (permitted: string, objected: string): Sent[] => [
    says(permit('HRESCH'), dated(permitted)),
    says(deny('HRESCH'), dated(objected)),
  ];
  const earlier = (objected: string, permitted: string): Sent[] => [
    says(deny('HRESCH'), dated(objected)),
    says(permit('HRESCH'), dated(permitted)),
  ];
  const closed = 'all: research';
  table([
    { why: 'an objection of a day counts from its end', sent: later('2026-05-19T09:00:00Z', '2026-05-19'), withheld: closed },
    {
      why: 'though a permission of that day is sent after it',
      sent: earlier('2026-05-19', '2026-05-19T21:00:00Z'),
      withheld: closed,
    },
    {
      why: 'and a permission of a day counts from its beginning',
      sent: earlier('2026-05-19T00:00:00Z', '2026-05-19'),
      withheld: closed,
    },
    { why: 'two of the same day: the objection', sent: earlier('2026-05-19', '2026-05-19'), withheld: closed },
    {
      why: 'a permission at the first instant of a day and an objection of that day: the objection',
      sent: earlier('2026-05-19', '2026-05-18T23:00:00.000Z'),
      withheld: closed,
    },
    { why: 'a permission of the day after it ends an objection', sent: earlier('2026-05-19', '2026-05-20'), withheld: 'nothing' },
    {
      why: 'a day begins at midnight in England: in summer an hour before it does in UTC',
      sent: earlier('2026-05-19', '2026-05-19T23:00:00Z'),
      withheld: 'nothing',
    },
    {
      why: 'one millisecond before that it is still the day',
      sent: earlier('2026-05-19', '2026-05-19T22:59:59.999Z'),
      withheld: closed,
    },
    { why: 'in winter at the same time', sent: earlier('2026-01-19', '2026-01-19T23:00:00Z'), withheld: closed },
    {
      why: 'the day on which the clocks go forward has 23 hours',
      sent: earlier('2026-03-29', '2026-03-29T23:00:00Z'),
      withheld: 'nothing',
    },
    {
      why: 'the day on which the clocks go back has 25 hours',
      sent: earlier('2025-10-26', '2025-10-26T23:59:59.999Z'),
      withheld: closed,
    },
    { why: 'and ends then', sent: earlier('2025-10-26', '2025-10-27T00:00:00Z'), withheld: 'nothing' },
    { why: 'an objection of a month counts from its end', sent: earlier('2026-05', '2026-05-31T22:00:00Z'), withheld: closed },
    { why: 'which is the end of the month in England', sent: earlier('2026-05', '2026-05-31T23:00:00Z'), withheld: 'nothing' },
    { why: 'an objection of a year counts from its end', sent: earlier('2025', '2025-12-31T23:59:59Z'), withheld: closed },
    { why: 'a permission of a year counts from its beginning', sent: earlier('2025-01-01T00:00:01Z', '2025'), withheld: closed },
    { why: 'a permission of this year ends an objection of last year', sent: earlier('2025', '2026'), withheld: 'nothing' },
    {
      why: 'an objection of this month has been received, so it counts from its receipt at the latest',
      sent: [says(deny('HRESCH'), dated('2026-06')), says(permit('HRESCH'))],
      withheld: 'nothing',
    },
    { why: 'of one instant: the objection', sent: earlier('2026-05-19T09:00:00Z', '2026-05-19T09:00:00Z'), withheld: closed },
    { why: 'whichever is sent first', sent: later('2026-05-19T09:00:00Z', '2026-05-19T09:00:00Z'), withheld: closed },
    {
      why: 'however the instant is written',
      sent: earlier('2026-05-19T09:00:00.000Z', '2026-05-19T10:00:00+01:00'),
      withheld: closed,
    },
    {
      why: 'a millisecond later is later',
      sent: earlier('2026-05-19T09:00:00Z', '2026-05-19T09:00:00.001Z'),
      withheld: 'nothing',
    },
    {
      why: 'an earlier objection that arrives late gives way',
      sent: [says(permit('HRESCH'), dated('2026-05-20')), says(deny('HRESCH'), dated('2026-05-01'))],
      withheld: 'nothing',
    },
    {
      why: 'a permission from a clock that is ahead counts from its receipt, so an objection after it is the later',
      sent: [says(permit('HRESCH'), dated('2026-06-16T11:00:00Z')), says(deny('HRESCH'), dated('2026-06-15T12:00:02Z'))],
      answers: ['taken: ahead', 'taken'],
      withheld: closed,
    },
    {
      why: 'an objection from a clock that is ahead does not outrank a permission after it',
      sent: [says(deny('HRESCH'), dated('2026-06-16T11:00:00Z')), says(permit('HRESCH'))],
      answers: ['taken: ahead', 'taken'],
      withheld: 'nothing',
    },
    {
      why: 'a permission from a clock more than a day ahead is refused',
      sent: [says(deny('HRESCH')), says(permit('HRESCH'), dated('2026-06-17T12:00:00Z'))],
      answers: ['taken', 'refused: too-late'],
      withheld: closed,
    },
    {
      why: 'an objection from a clock years ahead counts from its receipt',
      sent: [says(deny('HRESCH'), dated('2099-01-01'))],
      answers: ['taken: too-late'],
      withheld: closed,
    },
    {
      why: 'an objection without a date counts from its receipt',
      sent: [says(deny('TREAT'))],
      withheld: 'all: all but research',
    },
    {
      why: 'received at one instant, without dates: the objection',
      sent: [
        { ...says(deny('HRESCH')), at: '2026-06-15T12:00:01Z' },
        { ...says(permit('HRESCH')), at: '2026-06-15T12:00:01Z' },
      ],
      withheld: closed,
    },
    {
      why: 'an objection whose date cannot be read counts from its receipt',
      sent: [says(permit('HRESCH'), dated('2026-06-14')), says(deny('HRESCH'), dated('yesterday'))],
      answers: ['taken', 'taken: malformed'],
      withheld: closed,
    },
    {
      why: 'a time without a zone is no instant',
      sent: [says(deny('HRESCH'), dated('2026-05-01')), says(permit('HRESCH'), dated('2026-05-19T09:00:00'))],
      answers: ['taken', 'refused: malformed'],
      withheld: closed,
    },
    {
      why: 'a 30th of February is no day',
      sent: [says(deny('HRESCH'), dated('2026-01-01')), says(permit('HRESCH'), dated('2026-02-30'))],
      answers: ['taken', 'refused: malformed'],
      withheld: closed,
    },
  ]);
});

describe('from when until when', () => {
  const ABSENT = {
    extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }],
  };
  const during = (start?: string, end?: string) => ({ period: { ...(start && { start }), ...(end && { end }) } });
  const closed = 'all: research';
  const objection = (start?: string, end?: string) => [says(deny('HRESCH', during(start, end)))];
  const permission = (start?: string, end?: string) => [says(deny('HRESCH')), says(permit('HRESCH', during(start, end)))];
  table([
    { why: 'an objection begins when its day does', sent: objection('2026-07-01'), at: '2026-06-30T23:00:00Z', withheld: closed },
    { why: 'and not before', sent: objection('2026-07-01'), at: '2026-06-30T22:59:59.999Z', withheld: 'nothing' },
    {
      why: 'it ends when its last day does',
      sent: objection(undefined, '2026-07-31'),
      at: '2026-07-31T22:59:59.999Z',
      withheld: closed,
    },
    { why: 'and then is over', sent: objection(undefined, '2026-07-31'), at: '2026-07-31T23:00:00Z', withheld: 'nothing' },
    {
      why: 'an end that is an instant is part of it',
      sent: objection(undefined, '2026-07-31T10:00:00Z'),
      at: '2026-07-31T10:00:00Z',
      withheld: closed,
    },
    {
      why: 'and the next is not',
      sent: objection(undefined, '2026-07-31T10:00:00Z'),
      at: '2026-07-31T10:00:00.001Z',
      withheld: 'nothing',
    },
    {
      why: 'a permission begins when its first day is certainly over',
      sent: permission('2026-07-01'),
      at: '2026-07-01T22:59:59Z',
      withheld: closed,
    },
    { why: 'and is in force then', sent: permission('2026-07-01'), at: '2026-07-01T23:00:00Z', withheld: 'nothing' },
    {
      why: 'it ends where its last day may begin',
      sent: permission(undefined, '2026-07-31'),
      at: '2026-07-30T23:00:00Z',
      withheld: closed,
    },
    {
      why: 'and counts until then',
      sent: permission(undefined, '2026-07-31'),
      at: '2026-07-30T22:59:59.999Z',
      withheld: 'nothing',
    },
    {
      why: 'when a permission has expired the objection counts again',
      sent: permission('2026-06-01', '2026-06-30'),
      at: '2026-07-01T00:00:00Z',
      withheld: closed,
    },
    {
      why: 'a permission within one day is in force at no certain time',
      sent: permission('2026-07-01', '2026-07-01'),
      answers: ['taken', 'refused: empty-period'],
      withheld: closed,
    },
    {
      why: 'an objection whose period ends before it begins has none',
      sent: objection('2026-12-02', '2026-12-01'),
      answers: ['taken: empty-period'],
      withheld: closed,
    },
    {
      why: 'an objection whose period was over before it was made has none',
      sent: [says(deny('HRESCH', during('2020', '2021')), dated('2026-06-01'))],
      answers: ['taken: empty-period'],
      withheld: closed,
    },
    {
      why: 'nor has one whose period may have been over before it was made',
      sent: [says(deny('HRESCH', during(undefined, '2026-03')), dated('2026'))],
      answers: ['taken: empty-period'],
      withheld: closed,
    },
    {
      why: 'one that was made on the day on which it ends ends with that day',
      sent: [says(deny('HRESCH', during(undefined, '2026-06-01')), dated('2026-06-01'))],
      withheld: 'nothing',
    },
    {
      why: 'one of this year that ends after its receipt ends as it says',
      sent: [says(deny('HRESCH', during(undefined, '2026-07')), dated('2026'))],
      at: '2026-08-01T00:00:00Z',
      withheld: 'nothing',
    },
    {
      why: 'one whose period was over when it is received has been in force',
      sent: [says(deny('HRESCH', during('2020', '2021')), dated('2020-01-01'))],
      withheld: 'nothing',
    },
    {
      why: 'an objection of which the beginning cannot be read has always begun',
      sent: objection('soon', '2026-07-31'),
      answers: ['taken: malformed'],
      withheld: closed,
    },
    {
      why: 'an objection of which the end cannot be read never ends',
      sent: objection('2026-06-01', 'some day'),
      answers: ['taken: malformed'],
      at: '2040-01-01T00:00:00Z',
      withheld: closed,
    },
    ...[{ _end: ABSENT }, { start: '2026-06-01', _end: ABSENT }, { ends: '2026-06-02' }].map((period) => ({
      why: `a permission with a period that says more than is understood (${Object.keys(period).join(', ')}) counts for nothing`,
      sent: [says(deny('HRESCH')), says(permit('HRESCH', { period }))],
      answers: ['taken', 'refused: malformed'],
      withheld: 'all: research',
    })),
    {
      why: 'an objection of which the beginning is not known has always begun, and ends as it says',
      sent: [says(deny('HRESCH', { period: { _start: ABSENT, end: '2026-07-31' } }))],
      at: '2026-07-31T22:59:59Z',
      answers: ['taken: malformed'],
      withheld: 'all: research',
    },
    {
      why: 'an objection from a clock that is ahead ends as it says',
      sent: [says(deny('HRESCH', { period: { end: '2026-07-01' } }), { dateTime: '2027-01-01T00:00:00Z' })],
      at: '2026-07-02T00:00:00Z',
      answers: ['taken: too-late'],
      withheld: 'nothing',
    },
    {
      why: 'a permission of which the end cannot be read counts for nothing',
      sent: permission('2026-01-01', 'some day'),
      answers: ['taken', 'refused: malformed'],
      withheld: closed,
    },
  ]);
});

describe('the purpose', () => {
  table([
    { why: 'TREAT covers in an objection what lies below it', sent: [says(deny('TREAT'))], withheld: 'all: all but research' },
    {
      why: 'TREAT in a permission is direct care alone',
      sent: [says(deny(ALL)), says(permit('TREAT'))],
      withheld: 'all: care-coordination, planning, research',
    },
    { why: 'COC is care coordination alone', sent: [says(deny('COC'))], withheld: 'all: care-coordination' },
    { why: 'POPHLTH is planning alone', sent: [says(deny('POPHLTH'))], withheld: 'all: planning' },
    ...['ETREAT', 'BTG', 'ERTREAT', 'CLINTRL'].map((code) => ({
      why: `${code} lies below TREAT: an objection to it is one to direct care`,
      sent: [says(deny(code))],
      withheld: 'all: direct-care',
    })),
    ...['CLINTRCH', 'PRECLINTRCH', 'BIORCH', 'DSRCH'].map((code) => ({
      why: `${code} lies below HRESCH: an objection to it is one to research`,
      sent: [says(deny(code))],
      withheld: 'all: research',
    })),
    ...['ETREAT', 'BTG', 'CLINTRCH', 'PurposeOfUse'].map((code) => ({
      why: `${code} permits nothing`,
      sent: [says(deny(ALL)), says(permit(code))],
      answers: ['taken', 'refused: unknown-purpose'],
      withheld: 'all: everything',
    })),
    {
      why: 'the root of all purposes covers every use in an objection',
      sent: [says(deny('PurposeOfUse'))],
      withheld: 'all: everything',
    },
    ...['HMARKT', 'HPAYMT', 'HOPERAT', 'PUBHLTH', 'TRAIN'].map((code) => ({
      why: `${code} is a use for which nothing is shared: an objection to it withholds nothing, and says so`,
      sent: [says(deny(code))],
      answers: ['taken: purpose-not-used'],
      withheld: 'nothing',
    })),
    ...['FooBar', 'hresch', 'constructor', 'toString', '__proto__'].map((code) => ({
      why: `an unknown purpose, ${code}, is every use in an objection`,
      sent: [says(deny(code))],
      answers: ['taken: unknown-purpose'],
      withheld: 'all: everything',
    })),
    {
      why: 'an unknown purpose beside a known one is every use in an objection',
      sent: [says(deny('HRESCH FooBar'))],
      answers: ['taken: unknown-purpose'],
      withheld: 'all: everything',
    },
    {
      why: 'an unknown purpose beside a known one adds nothing to a permission',
      sent: [says(deny(ALL)), says(permit('HRESCH FooBar'))],
      answers: ['taken', 'taken: unknown-purpose'],
      withheld: 'all: all but research',
    },
    {
      why: 'an empty list of purposes is every use in an objection',
      sent: [says({ type: 'deny', purpose: [] })],
      answers: ['taken: unknown-purpose'],
      withheld: 'all: everything',
    },
    {
      why: 'an empty list of purposes permits nothing',
      sent: [says(deny(ALL)), says({ type: 'permit', purpose: [] })],
      answers: ['taken', 'refused: unknown-purpose'],
      withheld: 'all: everything',
    },
    {
      why: 'somebody else’s code is unknown though it is spelt like HL7’s: every use in an objection',
      sent: [says({ type: 'deny', purpose: [{ system: 'http://example.org/purposes', code: 'TRAIN' }] })],
      answers: ['taken: unknown-purpose'],
      withheld: 'all: everything',
    },
    {
      why: 'somebody else’s code permits nothing though it is spelt like HL7’s',
      sent: [
        says(deny('HRESCH')),
        says({ type: 'permit', purpose: [{ system: 'http://example.org/purposes', code: 'HRESCH' }] }),
      ],
      answers: ['taken', 'refused: unknown-purpose'],
      withheld: 'all: research',
    },
    {
      why: 'a code of Weft’s own means one use exactly',
      sent: [says({ type: 'deny', purpose: [{ system: 'urn:weft:purpose', code: 'TREAT' }] })],
      withheld: 'all: direct-care',
    },
    {
      why: 'a name of Weft’s own as well',
      sent: [says({ type: 'deny', purpose: [{ system: 'urn:weft:purpose', code: 'care-coordination' }] })],
      withheld: 'all: care-coordination',
    },
    {
      why: 'a code that Weft’s system does not have is unknown',
      sent: [says({ type: 'deny', purpose: [{ system: 'urn:weft:purpose', code: 'ETREAT' }] })],
      answers: ['taken: unknown-purpose'],
      withheld: 'all: everything',
    },
  ]);
});

describe('the actor', () => {
  /** RX901 in the place of an organisation, by somebody who works there. */
  const somebody = (named: object) => {
    const { reference, ...more } = actor('PROV', 'RX901') as { reference: { identifier: unknown } };
    return { actor: [{ ...more, reference: { identifier: reference.identifier, ...named } }] };
  };
  const recipient = (role: string) => says(deny('TREAT', actors(role, 'RX901')));
  const everybody = 'all: all but research';
  const custodian = (system: string, value: string) => says(deny('COC', { actor: [actor('CST', value, system)] }));
  const of = 'care-coordination';
  table([
    { why: 'CST is who recorded the entry', sent: [says(deny('COC', recordedBy('RX901')))], withheld: `c1: ${of}` },
    {
      why: 'PROV on an organisation of the region as well',
      sent: [says(deny('COC', actors('PROV', 'RX901')))],
      withheld: `c1: ${of}`,
    },
    ...['IRCP', 'PRCP', 'GRANTEE', 'AUT', 'cst'].map((role) => ({
      why: `${role} is who may not be told: until recipients are known that is everybody`,
      sent: [recipient(role)],
      answers: ['taken: unclear'],
      withheld: everybody,
    })),
    {
      why: 'a role of somebody else’s that is spelt like HL7’s is unknown',
      sent: [
        says(deny('COC', { actor: [{ ...actor('CST', 'RX901'), role: { coding: [{ system: 'http://x', code: 'CST' }] } }] })),
      ],
      answers: ['taken: unclear'],
      withheld: `all: ${of}`,
    },
    {
      why: 'two roles of which one is a recipient’s: everybody',
      sent: [says(deny('COC', { actor: [{ ...actor('CST', 'RX901'), role: { coding: [{ code: 'CST' }, { code: 'IRCP' }] } }] }))],
      answers: ['taken: unclear'],
      withheld: `all: ${of}`,
    },
    {
      why: 'a permission to a recipient is one to nobody',
      sent: [says(deny('COC')), says(permit('COC', toldTo('RX901')))],
      answers: ['taken', 'refused: unclear'],
      withheld: `all: ${of}`,
    },
    {
      why: '“nobody but my GP” is nobody, until recipients are known',
      sent: [says(deny('TREAT', except({ type: 'permit', ...toldTo('Y90001') })))],
      answers: ['taken: unclear'],
      withheld: everybody,
    },
    {
      why: '“only what my GP wrote” is what the GP wrote',
      sent: [says(deny('COC', except({ type: 'permit', ...recordedBy('Y90001') })))],
      withheld: `c1 m1: ${of}`,
    },
    { why: 'a code in lower case is the same organisation', sent: [custodian('organization', 'rx901')], withheld: `c1: ${of}` },
    { why: 'a site is its organisation', sent: [custodian('site', 'RX9S1')], withheld: `c1: ${of}` },
    { why: 'a site in lower case too', sent: [custodian('site', 'rx9s2')], withheld: `c1: ${of}` },
    {
      why: 'PROV with a site in lower case',
      sent: [says(deny('COC', { actor: [actor('PROV', 'y9000a', 'site')] }))],
      withheld: `o1 e1: ${of}`,
    },
    {
      why: 'a site that is given as an organisation is its organisation',
      sent: [custodian('organization', 'RX9S1')],
      withheld: `c1: ${of}`,
    },
    {
      why: 'a site that nobody knows cannot be told',
      sent: [custodian('site', 'ZZ9S1')],
      answers: ['taken: unclear'],
      withheld: `all: ${of}`,
    },
    {
      why: 'an organisation that is not of the region covers nothing, and is named',
      sent: [custodian('organization', 'ZZ999')],
      answers: ['taken: unknown-organisation'],
      withheld: 'nothing',
    },
    {
      why: 'an organisation that is not of the region opens nothing',
      sent: [says(deny('COC', except({ type: 'permit', ...recordedBy('ZZ999') })))],
      answers: ['taken: unknown-organisation'],
      withheld: `all: ${of}`,
    },
    {
      why: 'an organisation by the address of somebody’s server cannot be told',
      sent: [
        says(
          deny('COC', {
            actor: [
              {
                role: concept('PROV', 'http://terminology.hl7.org/CodeSystem/v3-RoleClass'),
                reference: { reference: 'https://ehr/fhir/Organization/1' },
              },
            ],
          }),
        ),
      ],
      answers: ['taken: unclear'],
      withheld: `all: ${of}`,
    },
    {
      why: 'nor by an address that looks like its code',
      sent: [
        says(
          deny('COC', {
            actor: [
              {
                role: concept('CST', 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType'),
                reference: { reference: 'Organization/RX901' },
              },
            ],
          }),
        ),
      ],
      answers: ['taken: unclear'],
      withheld: `all: ${of}`,
    },
    ...[{ type: 'PractitionerRole' }, { type: 'Device' }, { reference: 'Practitioner/1' }, { reference: '#me' }].map((named) => ({
      why: `who carries an organisation’s code and is none (${JSON.stringify(named)}) cannot be told: an objection to all`,
      sent: [says(deny('COC', somebody(named)))],
      answers: ['taken: unclear'],
      withheld: `all: ${of}`,
    })),
    {
      why: 'and a permission to nobody',
      sent: [says(deny('COC', except({ type: 'permit', ...somebody({ type: 'PractitionerRole' }) })))],
      answers: ['taken: unclear'],
      withheld: `all: ${of}`,
    },
    {
      why: 'of several organisations any',
      sent: [says(deny('COC', recordedBy('RX901', 'RX902')))],
      withheld: `c1 m1: ${of}`,
    },
    {
      why: 'several of which one cannot be read: an objection to all',
      sent: [says(deny('COC', { actor: [actor('CST', 'RX901'), actor('IRCP', 'RX902')] }))],
      answers: ['taken: unclear'],
      withheld: `all: ${of}`,
    },
    {
      why: 'several of which one cannot be read: a permission to the other',
      sent: [says(deny('COC', except({ type: 'permit', actor: [actor('CST', 'RX901'), actor('IRCP', 'RX902')] })))],
      answers: ['taken: unclear'],
      withheld: `o1 e1 m1: ${of}`,
    },
  ]);
});

describe('an entry that is named', () => {
  const of = 'care-coordination';
  const hidden = (reference: string, meaning = 'instance') => [says(deny('COC', item(reference, meaning)))];
  const ofSystem = (system: string) => [
    { ...entry('RX901', { resourceType: 'Condition', id: 's' }), id: `RX901:${system}/Condition/s` },
  ];
  const chain = [
    entry('Y90001', { resourceType: 'Observation', id: 'x1', encounter: { reference: 'Encounter/e1' } }),
    entry('Y90001', { resourceType: 'Observation', id: 'x2', derivedFrom: [{ reference: 'Observation/x1' }] }),
    entry('Y90001', { resourceType: 'DiagnosticReport', id: 'x3', result: [{ reference: 'Observation/x2' }] }),
    entry('Y90001', { resourceType: 'Composition', id: 'x4', section: [{ entry: [{ reference: 'DiagnosticReport/x3' }] }] }),
  ];
  table([
    { why: 'with its organisation', sent: hidden('RX901/Condition/c1'), withheld: `c1: ${of}` },
    { why: 'with its organisation in lower case', sent: hidden('rx901/Condition/c1'), withheld: `c1: ${of}` },
    { why: 'with another organisation is another', sent: hidden('RX902/Condition/c1'), withheld: 'nothing' },
    {
      why: 'without an organisation is everybody’s of that name',
      sent: hidden('Condition/c1'),
      entries: [entry('RX902', { resourceType: 'Condition', id: 'c1', onsetDateTime: '2020' })],
      withheld: `c1: ${of}`,
    },
    { why: 'by an address', sent: hidden('https://ehr.example/fhir/Condition/c1'), withheld: `c1: ${of}` },
    {
      why: 'by the address of a version',
      sent: hidden('https://ehr.example/fhir/Condition/c1/_history/3'),
      withheld: `c1: ${of}`,
    },
    { why: 'by a relative address of a version', sent: hidden('Condition/c1/_history/3'), withheld: `c1: ${of}` },
    { why: 'that is not there: nothing', sent: hidden('Condition/xyz'), withheld: 'nothing' },
    ...['fhir/Condition/c1', '/fhir/r4/Condition/c1', 'HTTPS://ehr.example/fhir/Condition/c1', 'Patient/7/Condition/c1'].map(
      (reference) => ({
        why: `by ${reference}, a path on somebody’s server: by its type and id`,
        sent: hidden(reference),
        withheld: `c1: ${of}`,
      }),
    ),
    {
      why: 'with an organisation that is not of the region: everybody’s of that name',
      sent: hidden('RX999/Condition/c1'),
      withheld: `c1: ${of}`,
    },
    {
      why: 'with one of an organisation’s systems: that system’s',
      sent: hidden('rx901:lab/Condition/s'),
      entries: ofSystem('lab'),
      withheld: `s: ${of}`,
    },
    {
      why: 'with another of its systems is another',
      sent: hidden('RX901:ehr/Condition/s'),
      entries: ofSystem('lab'),
      withheld: 'nothing',
    },
    ...['lab', 'ehr/two'].map((system) => ({
      why: `without an organisation is that of its system ${system} too`,
      sent: hidden('Condition/s'),
      entries: ofSystem(system),
      withheld: `s: ${of}`,
    })),
    {
      why: 'in a permission with a system that has no such entry: not another’s of that name',
      sent: [says(deny('COC', except({ type: 'permit', ...item('RX901:ehr/Condition/c1') })))],
      withheld: `all: ${of}`,
    },
    {
      why: 'in a permission with a system: that system’s',
      sent: [says(deny('COC', except({ type: 'permit', ...item('RX901:lab/Condition/s') })))],
      entries: ofSystem('lab'),
      withheld: `o1 e1 c1 m1: ${of}`,
    },
    {
      why: 'in a permission by an address cannot be told of governance, which has no server',
      sent: [says(deny('COC', except({ type: 'permit', ...item('https://ehr.example/fhir/Condition/c1') })))],
      answers: ['taken: unclear'],
      withheld: `all: ${of}`,
    },
    {
      why: 'in an organisation’s permission by an address is its own',
      sent: [by('RX901', deny('COC', except({ type: 'permit', ...item('https://ehr.example/fhir/Condition/c1') })))],
      withheld: `o1 e1 m1: ${of}`,
    },
    {
      why: 'in an organisation’s permission by an address is nobody else’s',
      sent: [by('RX902', deny('COC', except({ type: 'permit', ...item('https://ehr.example/fhir/Condition/c1') })))],
      withheld: `all: ${of}`,
    },
    {
      why: 'in a permission by a path on somebody’s server cannot be told',
      sent: [says(deny('COC', except({ type: 'permit', ...item('/fhir/Condition/c1') })))],
      answers: ['taken: unclear'],
      withheld: `all: ${of}`,
    },
    ...['urn:uuid:6fd1f3b6-0c07-4e7a-9d3e-0d6c1d2d6a10', '#c1', 'Condition?code=1', 'condition/c1', 'c1'].map((reference) => ({
      why: `by ${reference}, which cannot be told: an objection to all`,
      sent: hidden(reference),
      answers: ['taken: unclear'],
      withheld: `all: ${of}`,
    })),
    {
      why: 'by a business identifier cannot be told: an objection to all',
      sent: [
        says(deny('COC', { data: [{ meaning: 'instance', reference: { type: 'Condition', identifier: { value: '1' } } }] })),
      ],
      answers: ['taken: unclear'],
      withheld: `all: ${of}`,
    },
    {
      why: 'as an author cannot be told: an objection to all',
      sent: hidden('Practitioner/x', 'authoredby'),
      answers: ['taken: unclear'],
      withheld: `all: ${of}`,
    },
    {
      why: 'of several of which one cannot be read: an objection to all',
      sent: [says(deny('COC', items('Condition/c1', '#x')))],
      answers: ['taken: unclear'],
      withheld: `all: ${of}`,
    },
    {
      why: 'of several of which one cannot be read: a permission to the other',
      sent: [says(deny('COC', except({ type: 'permit', ...items('Condition/c1', '#x') })))],
      answers: ['taken: unclear'],
      withheld: `o1 e1 m1: ${of}`,
    },
    {
      why: 'in a permission without its organisation, while two use that name: neither',
      sent: [says(deny('COC', except({ type: 'permit', ...item('Condition/c1') })))],
      entries: [entry('RX902', { resourceType: 'Condition', id: 'c1' })],
      withheld: `all: ${of}`,
    },
    {
      why: 'in a permission with its organisation: that one',
      sent: [says(deny('COC', except({ type: 'permit', ...item('RX901/Condition/c1') })))],
      withheld: `o1 e1 m1: ${of}`,
    },
    { why: 'instance: not what refers to it', sent: hidden('Encounter/e1'), entries: chain.slice(0, 1), withheld: `e1: ${of}` },
    ...['related', 'dependents'].map((meaning) => ({
      why: `${meaning}: what hangs on it, three steps and more`,
      sent: hidden('Encounter/e1', meaning),
      entries: chain,
      withheld: `e1 x1 x2 x3 x4: ${of}`,
    })),
    {
      why: 'related, backwards: what it hangs on',
      sent: hidden('DiagnosticReport/x3', 'related'),
      entries: chain,
      withheld: `e1 x1 x2 x3 x4: ${of}`,
    },
    {
      why: 'what hangs on it by the address of a version',
      sent: hidden('Encounter/e1', 'dependents'),
      entries: [
        entry('Y90001', {
          resourceType: 'Observation',
          id: 'x1',
          encounter: { reference: 'https://gp.example/Encounter/e1/_history/2' },
        }),
      ],
      withheld: `e1 x1: ${of}`,
    },
    {
      why: 'another organisation’s entry refers to its own encounter of that name',
      sent: hidden('Y90001/Encounter/e1', 'related'),
      entries: [entry('RX901', { resourceType: 'Observation', id: 'x1', encounter: { reference: 'Encounter/e1' } })],
      withheld: `e1: ${of}`,
    },
    {
      why: 'another organisation refers to it by its business identifier',
      sent: hidden('Y90001/Encounter/v1', 'related'),
      entries: [
        entry('Y90001', { resourceType: 'Encounter', id: 'v1', identifier: [{ system: 'http://visits', value: '7' }] }),
        entry('RX901', {
          resourceType: 'Observation',
          id: 'x1',
          encounter: { type: 'Encounter', identifier: { system: 'http://visits', value: '7' } },
        }),
      ],
      withheld: `v1 x1: ${of}`,
    },
    {
      why: 'and by that alone, without the type of what it refers to',
      sent: hidden('Y90001/Encounter/v1', 'related'),
      entries: [
        entry('Y90001', { resourceType: 'Encounter', id: 'v1', identifier: [{ system: 'http://visits', value: '7' }] }),
        entry('RX901', {
          resourceType: 'Observation',
          id: 'x1',
          encounter: { identifier: { system: 'http://visits', value: '7' } },
        }),
      ],
      withheld: `v1 x1: ${of}`,
    },
    {
      why: 'a document that has the identifier of another for its own does not refer to it',
      sent: hidden('Y90001/Encounter/v1', 'related'),
      entries: [
        entry('Y90001', { resourceType: 'Encounter', id: 'v1', identifier: [{ system: 'http://visits', value: '7' }] }),
        entry('RX901', { resourceType: 'Composition', id: 'x1', identifier: { system: 'http://visits', value: '7' } }),
      ],
      withheld: `v1: ${of}`,
    },
    {
      why: 'a meaning that FHIR does not have reaches as far as any in an objection',
      sent: hidden('Encounter/e1', 'everything'),
      entries: chain,
      withheld: `e1 x1 x2 x3 x4: ${of}`,
    },
    {
      why: 'a permission reaches what hangs on it, and not what it hangs on',
      sent: [says(deny('COC', except({ type: 'permit', ...item('Y90001/Observation/x2', 'dependents') })))],
      entries: chain,
      withheld: `o1 e1 c1 m1 x1 x4: ${of}`,
    },
  ]);
});

describe('a code', () => {
  const of = 'care-coordination';
  const hidden = [says(deny('COC', coded(HIV)))];
  const found = { code: concept(HIV) };
  table([
    { why: 'in Observation.code', sent: hidden, entries: [observation('x', found)], withheld: `x: ${of}` },
    {
      why: 'of another system',
      sent: hidden,
      entries: [observation('x', { code: concept(HIV, 'http://local') })],
      withheld: `x: ${of}`,
    },
    {
      why: 'of no system',
      sent: hidden,
      entries: [observation('x', { code: { coding: [{ code: HIV }] } })],
      withheld: `x: ${of}`,
    },
    {
      why: 'in the second coding',
      sent: hidden,
      entries: [observation('x', { code: { coding: [{ code: 'y' }, { code: HIV }] } })],
      withheld: `x: ${of}`,
    },
    { why: 'in reasonCode', sent: hidden, entries: [observation('x', { reasonCode: [concept(HIV)] })], withheld: `x: ${of}` },
    {
      why: 'in value[x]',
      sent: hidden,
      entries: [observation('x', { valueCodeableConcept: concept(HIV) })],
      withheld: `x: ${of}`,
    },
    {
      why: 'in a component',
      sent: hidden,
      entries: [observation('x', { component: [{ code: concept(HIV), valueBoolean: true }] })],
      withheld: `x: ${of}`,
    },
    {
      why: 'in conclusionCode',
      sent: hidden,
      entries: [observation('x', { conclusionCode: [concept(HIV)] })],
      withheld: `x: ${of}`,
    },
    {
      why: 'in what the entry contains',
      sent: hidden,
      entries: [
        observation('x', {
          contained: [{ resourceType: 'Medication', id: 'm', ...found }],
          medicationReference: { reference: '#m' },
        }),
      ],
      withheld: `x: ${of}`,
    },
    {
      why: 'in an extension',
      sent: hidden,
      entries: [observation('x', { extension: [{ url: 'http://x', valueCoding: { code: HIV } }] })],
      withheld: `x: ${of}`,
    },
    {
      why: 'in an extension that is a bare code',
      sent: hidden,
      entries: [observation('x', { extension: [{ url: 'http://x', valueCode: HIV }] })],
      withheld: `x: ${of}`,
    },
    {
      why: 'in an extension of an extension of a text',
      sent: hidden,
      entries: [observation('x', { _status: { extension: [{ extension: [{ valueCodeableConcept: concept(HIV) }] }] } })],
      withheld: `x: ${of}`,
    },
    {
      why: 'in what the entry gives as its reason',
      sent: hidden,
      entries: [
        entry('RX902', { resourceType: 'Condition', id: 'x', ...found }),
        entry('RX902', { resourceType: 'Encounter', id: 'y', reasonReference: [{ reference: 'Condition/x' }] }),
      ],
      withheld: `x y: ${of}`,
    },
    {
      why: 'in what it gives as its reason by urn:uuid',
      sent: hidden,
      entries: [
        entry('RX902', { resourceType: 'Condition', id: '6fd1f3b6', ...found }),
        entry('RX902', { resourceType: 'Encounter', id: 'y', reasonReference: [{ reference: 'urn:uuid:6fd1f3b6' }] }),
      ],
      withheld: `6fd1f3b6 y: ${of}`,
    },
    { why: 'in meta.tag', sent: hidden, entries: [observation('x', { meta: { tag: [{ code: HIV }] } })], withheld: `x: ${of}` },
    ...[
      [HIV, `${HIV}:263502005=90734009`],
      [HIV, `${HIV}|Human immunodeficiency virus infection|`],
      [HIV, `=== ${HIV} |Human immunodeficiency virus infection| : 263502005 |Clinical course| = 90734009`],
      [HIV, `404684003:246075003=${HIV}`],
      [`${HIV} |Human immunodeficiency virus infection|`, HIV],
      ['B20', 'b20'],
      ['B20', 'B20X'],
      ['B20.9', 'B209'],
      ['B20.-', 'B20'],
      ['A17.0', 'A170D'],
      ['43C3', '43C3.'],
      ['43C3', '43C3.00'],
      ['43C3.00', '43C3.'],
      ['43C3.11', '43C3'],
    ].map(([denied = '', carried = '']) => ({
      why: `of an objection to ${denied}, which another entry has, is ${carried} too`,
      sent: [says(deny('COC', coded(denied)))],
      entries: [observation('x', { code: concept(denied) }), observation('y', { code: concept(carried) })],
      withheld: `x y: ${of}`,
    })),
    ...[
      ['B20', 'B21'],
      ['B20', 'B20.9'],
      ['43C3.', '43C4.'],
      ['8640600', HIV],
      [HIV, `1${HIV}`],
    ].map(([denied = '', carried = '']) => ({
      why: `of an objection to ${denied} is not ${carried}`,
      sent: [says(deny('COC', coded(denied)))],
      entries: [observation('x', { code: concept(denied) }), observation('y', { code: concept(carried) })],
      withheld: `x: ${of}`,
    })),
    {
      why: 'that no entry has as it is written is not known by another spelling: an objection to all',
      sent: [says(deny('COC', coded('b20')))],
      entries: [observation('x', { code: concept('B20') })],
      withheld: `all: ${of}`,
    },
    {
      why: 'in a permission is as it is written',
      sent: [says(deny('COC', except({ type: 'permit', ...coded('B20', '43C3') })))],
      entries: [observation('x', { code: concept('b20') }), observation('y', { code: concept('43C3.') })],
      withheld: `all: ${of}`,
    },
    {
      why: 'that no entry has may be a group of codes: an objection to all',
      sent: [says(deny('COC', coded('74732009')))],
      withheld: `all: ${of}`,
    },
    {
      why: 'that some entry has is known: an objection to that one',
      sent: [says(deny('COC', coded('35489007')))],
      withheld: `m1: ${of}`,
    },
    {
      why: 'one known and one unknown: an objection to all',
      sent: [says(deny('COC', coded('35489007', '74732009')))],
      withheld: `all: ${of}`,
    },
    {
      why: 'in words only: an objection to all',
      sent: [says(deny('COC', { code: [{ text: 'sexual health' }] }))],
      answers: ['taken: unclear'],
      withheld: `all: ${of}`,
    },
    {
      why: 'in words beside one that is known: an objection to all',
      sent: [says(deny('COC', { code: [concept('35489007'), { text: 'and the like' }] }))],
      answers: ['taken: unclear'],
      withheld: `all: ${of}`,
    },
    {
      why: 'in a permission is of its system',
      sent: [says(deny('COC', except({ type: 'permit', ...coded('38341003') })))],
      withheld: `o1 e1 m1: ${of}`,
    },
    {
      why: 'in a permission of another system is another code',
      sent: [says(deny('COC', except({ type: 'permit', code: [concept('38341003', 'http://other')] })))],
      withheld: `all: ${of}`,
    },
    {
      why: 'in a permission without a system is not that of SNOMED',
      sent: [says(deny('COC', except({ type: 'permit', code: [{ coding: [{ code: '38341003' }] }] })))],
      withheld: `all: ${of}`,
    },
    {
      why: 'permitted is the entry’s own, not one that it refers to',
      sent: [says(deny('COC', except({ type: 'permit', ...coded('38341003') })))],
      entries: [entry('RX901', { resourceType: 'Encounter', id: 'y', reasonReference: [{ reference: 'Condition/c1' }] })],
      withheld: `o1 e1 m1 y: ${of}`,
    },
  ]);
});

describe('a class', () => {
  const of = 'care-coordination';
  table([
    { why: 'that is a resource type', sent: [says(deny('COC', ofClass('Condition')))], withheld: `c1 m1: ${of}` },
    {
      why: 'that is a resource type of which there is none',
      sent: [says(deny('COC', ofClass('Immunization')))],
      withheld: 'nothing',
    },
    {
      why: 'of a local list that nobody knows: an objection to all',
      sent: [says(deny('COC', { class: [{ system: 'http://local/classes', code: 'mental-health' }] }))],
      withheld: `all: ${of}`,
    },
    {
      why: 'a resource type beside one that nobody knows: an objection to all',
      sent: [says(deny('COC', { class: [...(ofClass('Condition')['class'] as object[]), { code: 'mental-health' }] }))],
      withheld: `all: ${of}`,
    },
    {
      why: 'by what sort of document it is',
      sent: [says(deny('COC', { class: [{ system: 'http://loinc.org', code: '34133-9' }] }))],
      entries: [entry('RX901', { resourceType: 'DocumentReference', id: 'd', type: concept('34133-9', 'http://loinc.org') })],
      withheld: `d: ${of}`,
    },
    {
      why: 'that is a resource type in a permission',
      sent: [says(deny('COC', except({ type: 'permit', ...ofClass('Condition') })))],
      withheld: `o1 e1: ${of}`,
    },
    {
      why: 'of a local list in a permission is no resource type, though it is spelt like one',
      sent: [says(deny('COC', except({ type: 'permit', class: [{ system: 'http://local', code: 'Condition' }] })))],
      withheld: `all: ${of}`,
    },
  ]);
});

describe('a label', () => {
  const of = 'care-coordination';
  const labels = (id: string, ...codes: string[]) => observation(id, { meta: { security: labelled(...codes)['securityLabel'] } });
  const levels = [labels('u', 'U'), labels('l', 'L'), labels('m', 'M'), labels('n', 'N'), labels('r', 'R'), labels('v', 'V')];
  const plain = [...RECORD.map(({ id }) => id.split('/').at(-1))].join(' ');
  const denied: readonly [string, string][] = [
    ['U', `${plain} u l m n r v`],
    ['L', `${plain} l m n r v`],
    ['M', `${plain} m n r v`],
    ['N', `${plain} n r v`],
    ['R', 'r v'],
    ['V', 'v'],
  ];
  const left: readonly [string, string][] = [
    ['U', `${plain} l m n r v`],
    ['L', `${plain} m n r v`],
    ['M', `${plain} n r v`],
    ['N', 'r v'],
    ['R', 'v'],
  ];
  table([
    ...denied.map(([level, names]) => ({
      why: `an objection to ${level} covers it and what is above; no label is N`,
      sent: [says(deny('COC', labelled(level)))],
      entries: levels,
      withheld: `${names}: ${of}`,
    })),
    ...left.map(([level, names]) => ({
      why: `an exception for ${level} opens it and what is below`,
      sent: [says(deny('COC', except({ type: 'permit', ...labelled(level) })))],
      entries: levels,
      withheld: `${names}: ${of}`,
    })),
    {
      why: 'an exception for V opens everything',
      sent: [says(deny('COC', except({ type: 'permit', ...labelled('V') })))],
      entries: levels,
      withheld: 'nothing',
    },
    {
      why: 'of several labels of an entry the highest counts',
      sent: [says(deny('COC', labelled('R')))],
      entries: [labels('x', 'N', 'R'), labels('y', 'R', 'L')],
      withheld: `x y: ${of}`,
    },
    {
      why: 'and in a permission too',
      sent: [says(deny('COC', except({ type: 'permit', ...labelled('N') })))],
      entries: [labels('x', 'N', 'R')],
      withheld: `x: ${of}`,
    },
    {
      why: 'a level without a system is one',
      sent: [says(deny('COC', { securityLabel: [{ code: 'R' }] }))],
      entries: [observation('x', { meta: { security: [{ code: 'V' }] } })],
      withheld: `x: ${of}`,
    },
    {
      why: 'a level that HL7 does not have cannot be told: it is denied',
      sent: [says(deny('COC', labelled('R')))],
      entries: [
        observation('x', {
          meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'VERY' }] },
        }),
      ],
      withheld: `x: ${of}`,
    },
    {
      why: 'and not permitted',
      sent: [says(deny('COC', except({ type: 'permit', ...labelled('V') })))],
      entries: [
        observation('x', {
          meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'VERY' }] },
        }),
      ],
      withheld: `x: ${of}`,
    },
    ...['http://hl7.org/fhir/v3/Confidentiality', 'urn:oid:2.16.840.1.113883.5.25', 'https://ehr.example/labels'].map(
      (system) => ({
        why: `an entry whose level is of ${system} is as confidential as it says: it is denied`,
        sent: [says(deny('COC', labelled('R')))],
        entries: [observation('x', { meta: { security: [{ system, code: 'V' }] } }), labels('y', 'R')],
        withheld: `x y: ${of}`,
      }),
    ),
    ...['http://hl7.org/fhir/v3/Confidentiality', 'https://ehr.example/labels'].map((system) => ({
      why: `an objection to a level of ${system} covers what is above it too`,
      sent: [says(deny('COC', { securityLabel: [{ system, code: 'R' }] }))],
      entries: [labels('x', 'R'), labels('y', 'V')],
      withheld: `x y: ${of}`,
    })),
    ...['http://hl7.org/fhir/v3/Confidentiality', 'https://ehr.example/labels'].map((system) => ({
      why: `nor is what says with a level of ${system} that it is restricted`,
      sent: [says(deny('COC', except({ type: 'permit', ...labelled('N') })))],
      entries: [observation('x', { meta: { security: [{ system, code: 'V' }] } })],
      withheld: `x: ${of}`,
    })),
    {
      why: 'a level of somebody else’s system opens nothing, though it is spelt like HL7’s',
      sent: [says(deny('COC', except({ type: 'permit', securityLabel: [{ system: 'https://ehr.example/labels', code: 'N' }] })))],
      withheld: `all: ${of}`,
    },
    ...[{ display: 'very restricted' }, { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality' }].map((label) => ({
      why: `a label without a code (${JSON.stringify(label)}) cannot be told: it is denied`,
      sent: [says(deny('COC', labelled('R')))],
      entries: [observation('x', { meta: { security: [label] } })],
      withheld: `x: ${of}`,
    })),
    {
      why: 'and is not permitted',
      sent: [says(deny('COC', except({ type: 'permit', ...labelled('N') })))],
      entries: [observation('x', { meta: { security: [{ display: 'very restricted' }] } })],
      withheld: `x: ${of}`,
    },
    {
      why: 'a document says beside its label how confidential it is',
      sent: [says(deny('COC', labelled('R')))],
      entries: [
        entry('RX901', {
          resourceType: 'DocumentReference',
          id: 'd',
          securityLabel: [concept('R', 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality')],
        }),
        entry('RX901', { resourceType: 'Composition', id: 'k', confidentiality: 'V' }),
      ],
      withheld: `d k: ${of}`,
    },
    {
      why: 'a sensitivity is one of the entry’s labels',
      sent: [says(deny('COC', labelled('PSY')))],
      entries: [labels('x', 'PSY')],
      withheld: `x: ${of}`,
    },
    {
      why: 'a sensitivity that no entry is labelled with cannot be told: an objection to all',
      sent: [says(deny('COC', labelled('ETH')))],
      withheld: `all: ${of}`,
    },
    {
      why: 'an objection by a level or a sensitivity covers either',
      sent: [says(deny('COC', labelled('V', 'PSY')))],
      entries: [labels('x', 'PSY'), labels('y', 'V')],
      withheld: `x y: ${of}`,
    },
  ]);
});

describe('when the fact happened', () => {
  const of = 'care-coordination';
  const dataPeriod = (start?: string, end?: string) => ({ dataPeriod: { ...(start && { start }), ...(end && { end }) } });
  const hidden = (start?: string, end?: string) => [says(deny('COC', dataPeriod(start, end)))];
  const stay = (id: string, period: object) => entry('RX901', { resourceType: 'Encounter', id, period });
  table([
    { why: 'in the period', sent: hidden('2024', '2024'), withheld: `o1 e1: ${of}` },
    { why: 'not in the period', sent: hidden('2021', '2023'), withheld: 'nothing' },
    {
      why: 'a year of which the period is a part cannot be told: it is denied',
      sent: hidden('2024-06', '2024-07'),
      entries: [observation('x', { effectiveDateTime: '2024' })],
      withheld: `x: ${of}`,
    },
    {
      why: 'and not permitted',
      sent: [says(deny('COC', except({ type: 'permit', ...dataPeriod('2024-06', '2024-08') })))],
      entries: [observation('x', { effectiveDateTime: '2024' })],
      withheld: `all: ${of}`,
    },
    {
      why: 'an entry that says no time is denied',
      sent: hidden('2021', '2023'),
      entries: [observation('x', {})],
      withheld: `x: ${of}`,
    },
    {
      why: 'the instant at which the period ends is part of it',
      sent: hidden(undefined, '2019-01-01T10:00:00Z'),
      entries: [observation('x', { effectiveDateTime: '2019-01-01T10:00:00Z' })],
      withheld: `x: ${of}`,
    },
    {
      why: 'a stay that began before it and ended in it',
      sent: hidden('2022', '2022'),
      entries: [stay('x', { start: '2021-12-20', end: '2022-01-15' })],
      withheld: `x: ${of}`,
    },
    {
      why: 'a stay that has not ended',
      sent: hidden('2022', '2022'),
      entries: [stay('x', { start: '2021-12-20' })],
      withheld: `x: ${of}`,
    },
    {
      why: 'a stay of which only the end is known',
      sent: hidden('2022', '2022'),
      entries: [stay('x', { end: '2023-01-15' })],
      withheld: `x: ${of}`,
    },
    {
      why: 'a stay that ended before it',
      sent: hidden('2022', '2022'),
      entries: [stay('x', { start: '2021-12-20', end: '2021-12-31' })],
      withheld: 'nothing',
    },
    {
      why: 'a permission is for what lies wholly in it',
      sent: [says(deny('COC', except({ type: 'permit', ...dataPeriod('2023-01-01', '2024-02-10') })))],
      withheld: `e1 c1 m1: ${of}`,
    },
    {
      why: 'a period that cannot be read is no limit to an objection',
      sent: hidden('long ago'),
      answers: ['taken: malformed'],
      withheld: `all: ${of}`,
    },
    {
      why: 'one of which a part can be read is limited by that part',
      sent: hidden('long ago', '2020'),
      answers: ['taken: malformed'],
      withheld: `c1 m1: ${of}`,
    },
  ]);
});

describe('exceptions', () => {
  const of = 'care-coordination';
  const nested = (depth: number): object =>
    depth === 0 ? deny('', labelled('R')) : { ...permit(''), ...except(nested(depth - 1) as Record<string, unknown>) };
  const restricted = observation('r', { meta: { security: labelled('R')['securityLabel'] } });
  table([
    {
      why: 'a nested objection counts also where the permission around it does not cover',
      sent: [says(permit('COC', labelled('N'), except(deny('', labelled('R')))))],
      entries: [restricted],
      withheld: `r: ${of}`,
    },
    {
      why: 'a nested permission counts only where what is around it covers',
      sent: [says(deny('COC', recordedBy('RX901'), except(permit('', ofClass('Condition')))))],
      withheld: 'nothing',
    },
    {
      why: 'a nested permission outside what is around it opens nothing that another objection closes',
      sent: [
        says(deny('HRESCH'), {}, NATIONAL),
        says(deny('HRESCH', recordedBy('RX901'), except(permit('', ofClass('Condition')))), BY_PATIENT, EXPLICIT),
      ],
      withheld: 'o1 e1 m1: research',
    },
    {
      why: 'where what is around it cannot be told a nested permission opens nothing',
      sent: [
        says(deny('HRESCH'), {}, NATIONAL),
        says(deny('HRESCH', toldTo('RX902'), except(permit('', recordedBy('RX901')))), BY_PATIENT, EXPLICIT),
      ],
      answers: ['taken', 'taken: unclear'],
      withheld: 'all: research',
    },
    {
      why: 'a nested objection outweighs a nested permission',
      sent: [says(deny('COC', except(permit('', ofClass('Condition')), deny('', recordedBy('RX902')))))],
      withheld: `o1 e1 m1: ${of}`,
    },
    {
      why: 'a nested permission that cannot be read is left out, and the objection counts',
      sent: [
        says({
          type: 'deny',
          provision: [
            {
              type: 'permit',
              purpose: [{ code: 'BTG' }],
              actor: [{ role: { coding: [{ code: 'IRCP' }] }, reference: { reference: 'Group/x' } }],
            },
          ],
        }),
      ],
      answers: ['taken: unknown-purpose, unclear'],
      withheld: 'all: everything',
    },
    {
      why: 'a nested provision without a type is an objection',
      sent: [says(permit('COC', except(recordedBy('RX902'))))],
      withheld: `m1: ${of}`,
    },
    { why: 'at depth five', sent: [says(nested(4))], entries: [restricted], withheld: 'r: everything' },
    {
      why: 'deeper than is read: what may be denied there is denied whole',
      sent: [says(nested(9))],
      answers: ['taken: too-deep'],
      entries: [restricted],
      withheld: 'all: everything',
    },
    {
      why: 'a nested objection takes over the purpose as an objection reads it',
      sent: [says(permit('TREAT', except(deny('', labelled('R')))))],
      entries: [restricted],
      withheld: 'r: all but research',
    },
    {
      why: 'a nested objection under a purpose that is not known is for every use',
      sent: [says(permit('FooBar', except(deny('', labelled('R')))))],
      answers: ['taken: unknown-purpose'],
      entries: [restricted],
      withheld: 'r: everything',
    },
    {
      why: 'a nested permission takes over the purpose as a permission reads it',
      sent: [says(deny('TREAT', except(permit('', recordedBy('RX901')))))],
      withheld: 'o1 e1 m1: direct-care; all: care-coordination, planning',
    },
    {
      why: 'a nested permission under a purpose that is not known opens nothing',
      sent: [
        says(deny('HRESCH'), {}, NATIONAL),
        says(deny('FooBar', except(permit('', recordedBy('RX901')))), BY_PATIENT, EXPLICIT),
      ],
      answers: ['taken', 'taken: unclear, unknown-purpose'],
      withheld: 'all: everything',
    },
    {
      why: 'a nested objection counts for as long as the text around it allows',
      sent: [says(permit('COC', { period: { end: '2026-06-15' } }, except(deny('', labelled('R')))))],
      entries: [restricted],
      at: '2026-06-15T22:00:00Z',
      withheld: `r: ${of}`,
    },
    {
      why: 'more provisions than there is room for: what they may deny is denied whole',
      sent: [says(permit('COC', except(...Array.from({ length: 101 }, () => deny('', labelled('R'))))))],
      answers: ['taken: too-many'],
      withheld: 'all: everything',
    },
    {
      why: 'more permissions than there is room for are none',
      sent: [says(deny('COC')), says(permit('COC', except(...Array.from({ length: 101 }, () => permit('', labelled('R'))))))],
      answers: ['taken', 'refused: too-many'],
      withheld: `all: ${of}`,
    },
    {
      why: 'more codes than there is room for: an objection to all',
      sent: [says(deny('COC', coded(...Array.from({ length: 1001 }, (_, index) => `${index}`))))],
      answers: ['taken: too-many'],
      withheld: `all: ${of}`,
    },
    {
      why: 'a code longer than there is room for cannot be read: an objection to all',
      sent: [says(deny('COC', coded('9'.repeat(257))))],
      answers: ['taken: unclear'],
      withheld: `all: ${of}`,
    },
  ]);
});

describe('what is not in force, or not understood', () => {
  const NDOO = says(deny('HRESCH'), {}, NATIONAL);
  const agrees = (more: object) => says(permit('HRESCH'), { ...BY_PATIENT, ...more }, EXPLICIT);
  const closed = 'all: research';
  const modifier = { modifierExtension: [{ url: 'urn:not', valueBoolean: true }] };
  table([
    ...['draft', 'proposed', 'perhaps'].map((status) => ({
      why: `a permission of status ${status} permits nothing`,
      sent: [says(deny('HRESCH')), says(permit('HRESCH'), { status })],
      answers: ['taken', 'refused: not-in-force'],
      withheld: closed,
    })),
    ...['draft', 'proposed', 'perhaps'].map((status) => ({
      why: `an objection of status ${status} counts`,
      sent: [says(deny('HRESCH'), { status })],
      answers: ['taken: not-in-force'],
      withheld: closed,
    })),
    { why: 'what was rejected was refused', sent: [says(permit('HRESCH'), { status: 'rejected' })], withheld: closed },
    {
      why: 'what was rejected has no exceptions',
      sent: [says(deny('COC', except(permit('', recordedBy('RX901')))), { status: 'rejected' })],
      withheld: 'all: care-coordination',
    },
    ...['inactive', 'entered-in-error'].map((status) => ({
      why: `an objection of status ${status} is none`,
      sent: [says(deny('HRESCH'), { status })],
      withheld: 'nothing',
    })),
    {
      why: 'a permission that was not verified permits nothing',
      sent: [NDOO, agrees({ verification: [{ verified: false }] })],
      answers: ['taken', 'refused: not-verified'],
      withheld: closed,
    },
    { why: 'one that was verified does', sent: [NDOO, agrees({ verification: [{ verified: true }] })], withheld: 'nothing' },
    {
      why: 'a list of no verifications says nothing',
      sent: [NDOO, agrees({ verification: [] })],
      answers: ['taken', 'refused: not-verified'],
      withheld: 'all: research',
    },
    {
      why: 'one that was verified and was not does not',
      sent: [NDOO, agrees({ verification: [{ verified: true }, { verified: false }] })],
      answers: ['taken', 'refused: not-verified'],
      withheld: closed,
    },
    {
      why: 'an exception of an objection that does not say it was verified is left out',
      sent: [says(deny('HRESCH', except(permit('', recordedBy('RX901')))), { verification: [{ verified: 'true' }] })],
      answers: ['taken: not-verified'],
      withheld: closed,
    },
    {
      why: 'an objection that was not verified counts',
      sent: [says(deny('HRESCH'), { verification: [{ verified: false }] })],
      answers: ['taken: not-verified'],
      withheld: closed,
    },
    {
      why: 'a permission under rules that are not known permits nothing',
      sent: [NDOO, agrees({ implicitRules: 'http://x' })],
      answers: ['taken', 'refused: unclear'],
      withheld: closed,
    },
    {
      why: 'a permission that an extension may turn round permits nothing',
      sent: [NDOO, agrees(modifier)],
      answers: ['taken', 'refused: unclear'],
      withheld: closed,
    },
    {
      why: 'nor one whose provision an extension may turn round',
      sent: [NDOO, says(permit('HRESCH', modifier), BY_PATIENT, EXPLICIT)],
      answers: ['taken', 'refused: unclear'],
      withheld: closed,
    },
    {
      why: 'nor an exception of one',
      sent: [says(deny('COC', modifier, except(permit('', recordedBy('RX901')))))],
      answers: ['taken: unclear'],
      withheld: 'all: care-coordination',
    },
    {
      why: 'nor one whose actor an extension may turn round',
      sent: [says(deny('COC', except(permit('', { actor: [{ ...actor('CST', 'RX901'), ...modifier }] }))))],
      answers: ['taken: unclear'],
      withheld: 'all: care-coordination',
    },
    {
      why: 'an objection whose actor an extension may turn round is to all',
      sent: [says(deny('COC', { actor: [{ ...actor('CST', 'RX901'), ...modifier }] }))],
      answers: ['taken: unclear'],
      withheld: 'all: care-coordination',
    },
    ...[{ actor: [{}] }, { data: [{}] }].flatMap((empty) => [
      {
        why: `an objection with an empty limit is to all: ${JSON.stringify(empty)}`,
        sent: [says(deny('COC', empty))],
        answers: ['taken: unclear'],
        withheld: 'all: care-coordination',
      },
      {
        why: `an exception with an empty limit excepts nothing: ${JSON.stringify(empty)}`,
        sent: [says(deny('COC', except(permit('', empty))))],
        answers: ['taken: unclear'],
        withheld: 'all: care-coordination',
      },
    ]),
    {
      why: 'an objection whose entry an extension may turn round is to all',
      sent: [says(deny('COC', { data: [{ meaning: 'instance', reference: { reference: 'Condition/c1' }, ...modifier }] }))],
      answers: ['taken: unclear'],
      withheld: 'all: care-coordination',
    },
    {
      why: 'an authority that an extension may turn round is none',
      sent: [NDOO, agrees({ policy: [{ uri: 'urn:weft:authority:explicit-consent', ...modifier }] })],
      answers: ['taken', 'refused: authority-required'],
      withheld: closed,
    },
    {
      why: 'an objection that an extension may turn round counts',
      sent: [says(deny('HRESCH', modifier), modifier)],
      answers: ['taken: unclear'],
      withheld: closed,
    },
    {
      why: 'a nested objection that an extension may turn round takes over no purpose: it is to every use',
      sent: [says(permit('COC', except(deny('', recordedBy('RX901'), modifier))))],
      answers: ['taken: unclear'],
      withheld: 'c1: everything',
    },
    {
      why: 'nor one of which a member is unknown, which may be the uses it is about',
      sent: [says(permit('COC', except(deny('', recordedBy('RX901'), { purposes: [{ code: 'HRESCH' }] }))))],
      answers: ['taken: unclear'],
      withheld: 'c1: everything',
    },
    {
      why: 'nor a period',
      sent: [says(permit('COC', { period: { start: '2027' } }, except(deny('COC', recordedBy('RX901'), modifier))))],
      answers: ['taken: unclear'],
      withheld: 'c1: care-coordination',
    },
    {
      why: 'nor from a provision around it that an extension may turn round',
      sent: [says(permit('COC', { period: { start: '2027' }, ...modifier }, except(deny('', recordedBy('RX901')))))],
      answers: ['taken: unclear'],
      withheld: 'c1: everything',
    },
    {
      why: 'nor from one further out',
      sent: [says(permit('COC', modifier, except(permit('', except(deny('', recordedBy('RX901')))))))],
      answers: ['taken: unclear'],
      withheld: 'c1: everything',
    },
    {
      why: 'nor from a Consent that an extension may turn round',
      sent: [says(permit('COC', except(deny('', recordedBy('RX901')))), modifier)],
      answers: ['taken: unclear'],
      withheld: 'c1: everything',
    },
    {
      why: 'a nested objection that is understood takes over what is around it',
      sent: [says(permit('COC', except(deny('', recordedBy('RX901')))))],
      withheld: 'c1: care-coordination',
    },
    {
      why: 'a permission whose limit is misspelt permits nothing by it',
      sent: [says(deny('COC', except(permit('', { actors: [actor('CST', 'RX901')] }))))],
      answers: ['taken: unclear'],
      withheld: 'all: care-coordination',
    },
    {
      why: 'a Consent of FHIR R5, whose provision is a list, denies everything',
      sent: [says(undefined, { decision: 'permit', provision: [{ purpose: [{ code: 'HRESCH' }] }] })],
      answers: ['taken: unclear, malformed'],
      withheld: 'all: everything',
    },
    {
      why: 'an action that is no sharing does not limit an objection',
      sent: [says(deny('HRESCH', { action: [concept('correct', 'http://terminology.hl7.org/CodeSystem/consentaction')] }))],
      answers: ['taken: unclear'],
      withheld: closed,
    },
    {
      why: 'what somebody else’s system calls use may be anything: it permits nothing',
      sent: [says(deny('HRESCH')), says(permit('HRESCH', { action: [concept('use', 'http://local/actions')] }))],
      answers: ['taken', 'refused: unclear'],
      withheld: 'all: research',
    },
    {
      why: 'an action that is no sharing permits none',
      sent: [
        NDOO,
        says(
          permit('HRESCH', { action: [concept('correct', 'http://terminology.hl7.org/CodeSystem/consentaction')] }),
          BY_PATIENT,
          EXPLICIT,
        ),
      ],
      answers: ['taken', 'refused: unclear'],
      withheld: closed,
    },
  ]);
});

describe('a provision without a type', () => {
  const under = { policy: [{ uri: 'urn:weft:authority:local-dissent' }] };
  table([
    { why: 'no provision at all denies everything', sent: [says(undefined)], withheld: 'all: everything' },
    { why: 'an empty one too', sent: [says({})], withheld: 'all: everything' },
    { why: 'under OPTOUT too', sent: [says({}, { ...OPTOUT, ...under })], withheld: 'all: everything' },
    {
      why: 'under OPTIN, and with nothing more, it permits',
      sent: [says(deny(ALL)), says({}, { ...OPTIN, ...under })],
      withheld: 'nothing',
    },
    {
      why: 'and so does OPTIN without a provision',
      sent: [says(deny(ALL)), says(undefined, { ...OPTIN, ...under })],
      withheld: 'nothing',
    },
    {
      why: 'somebody else’s OPTIN means something else: it denies',
      sent: [says(undefined, { policyRule: concept('OPTIN', 'https://ehr.example/rules') })],
      withheld: 'all: everything',
    },
    {
      why: 'OPTIN with exceptions permits all but those',
      sent: [says(except(deny('COC', recordedBy('RX901'))), { ...OPTIN, ...under })],
      withheld: 'c1: care-coordination',
    },
    {
      why: 'under OPTIN and with a limit it may be what is opted out, as in HL7’s examples: it denies',
      sent: [says(recordedBy('RX901'), { ...OPTIN, ...under })],
      withheld: 'c1: everything',
    },
    {
      why: 'under OPTIN and with a purpose as well',
      sent: [says({ purpose: deny('HRESCH')['purpose'] }, { ...OPTIN, ...under })],
      withheld: 'all: research',
    },
    {
      why: 'under OPTOUT and with a limit it may be what is opted in: it denies',
      sent: [says(recordedBy('RX901'), { ...OPTOUT, ...under })],
      withheld: 'c1: everything',
    },
    {
      why: 'under both it denies',
      sent: [says({}, { ...under, policyRule: { coding: [{ code: 'OPTIN' }, { code: 'OPTOUT' }] } })],
      withheld: 'all: everything',
    },
    {
      why: 'OPTOUT and the type permit: the type',
      sent: [says(deny('HRESCH')), says(permit('HRESCH'), { ...OPTOUT, ...under })],
      withheld: 'nothing',
    },
    {
      why: 'OPTIN and a type that FHIR does not have: denied',
      sent: [says({ type: 'maybe' }, { ...OPTIN, ...under })],
      withheld: 'all: everything',
    },
  ]);
});

describe('versions of one Consent', () => {
  const version = (versionId: string | undefined, provision: object, more: object = {}): Sent =>
    says(provision, { id: 'v', ...(versionId !== undefined && { meta: { versionId } }), ...more });
  const closed = 'all: research';
  table([
    {
      why: 'a later one replaces an earlier, whatever its scope',
      sent: [version('1', deny('COC', recordedBy('RX901'))), version('2', deny('COC', recordedBy('RX902')))],
      withheld: 'm1: care-coordination',
    },
    {
      why: 'an earlier one that arrives late changes nothing',
      sent: [version('2', deny('HRESCH')), version('1', permit('HRESCH'))],
      withheld: closed,
    },
    {
      why: 'nor does an earlier objection',
      sent: [version('2', permit('HRESCH')), version('1', deny('HRESCH'))],
      withheld: 'nothing',
    },
    {
      why: 'by meta.lastUpdated too',
      sent: [
        version(undefined, deny('HRESCH'), { meta: { lastUpdated: '2026-06-02T00:00:00Z' } }),
        version(undefined, permit('HRESCH'), { meta: { lastUpdated: '2026-06-01T00:00:00Z' } }),
      ],
      withheld: closed,
    },
    {
      why: 'without either by arrival',
      sent: [version(undefined, deny('HRESCH')), version(undefined, permit('HRESCH'))],
      withheld: 'nothing',
    },
    {
      why: 'of equal versions the one that came later',
      sent: [version('1', permit('HRESCH')), version('1', deny('HRESCH'))],
      withheld: closed,
    },
    {
      why: 'version 10 is later than version 9',
      sent: [version('9', deny('HRESCH')), version('10', permit('HRESCH'))],
      withheld: 'nothing',
    },
    {
      why: 'a version that is no number is told by arrival',
      sent: [version('b', deny('HRESCH')), version('a', permit('HRESCH'))],
      withheld: 'nothing',
    },
    {
      why: 'inactive takes all away',
      sent: [version('1', deny('HRESCH')), version('2', deny('HRESCH'), { status: 'inactive' })],
      withheld: 'nothing',
    },
    {
      why: 'entered in error too',
      sent: [
        version('1', deny('HRESCH')),
        version('2', permit('HRESCH')),
        version('3', deny('HRESCH'), { status: 'entered-in-error' }),
      ],
      withheld: 'nothing',
    },
    ...['inactive', 'entered-in-error'].map((status) => ({
      why: `${status} takes all away, whatever was excepted in what it names, and by whomever`,
      sent: [
        by('RX901', deny('HRESCH', except(permit('', ofClass('Condition')))), { id: 'v' }, EXPLICIT),
        by('RX901', deny('HRESCH', toldTo('RX902'), except(permit('', ofClass('Condition')))), { id: 'v', status }, EXPLICIT),
      ],
      answers: ['taken: performer-required', 'taken: unclear'],
      withheld: 'nothing',
    })),
    ...['permit', 'inactive'].map((how) => ({
      why: `a version that is dated ahead of its receipt overtakes no objection received later: ${how}`,
      sent: [
        version(undefined, how === 'permit' ? permit('HRESCH') : deny('HRESCH'), {
          meta: { lastUpdated: '2099-01-01T00:00:00Z' },
          ...(how === 'inactive' && { status: 'inactive' }),
        }),
        version(undefined, deny('HRESCH'), { meta: { lastUpdated: '2026-05-01T00:00:00Z' } }),
      ],
      answers: [how === 'permit' ? 'refused: too-late' : 'taken: too-late', 'taken'],
      withheld: 'all: research',
    })),
    {
      why: 'an objection that is dated ahead of its receipt counts from its receipt',
      sent: [
        version(undefined, deny('HRESCH'), { meta: { lastUpdated: '2099-01-01T00:00:00Z' } }),
        version(undefined, permit('HRESCH'), { meta: { lastUpdated: '2026-05-01T00:00:00Z' } }),
      ],
      answers: ['taken: too-late', 'taken'],
      withheld: 'all: research',
    },
    {
      why: 'and ends with what is updated after that',
      sent: [
        version(undefined, deny('HRESCH'), { meta: { lastUpdated: '2099-01-01T00:00:00Z' } }),
        {
          ...version(undefined, permit('HRESCH'), { meta: { lastUpdated: '2026-12-01T00:00:00Z' } }),
          at: '2026-12-02T00:00:00Z',
        },
      ],
      answers: ['taken: too-late', 'taken'],
      withheld: 'nothing',
      at: '2026-12-03T00:00:00Z',
    },
    {
      why: 'inactive of another source takes nothing away',
      sent: [version('1', deny('HRESCH')), by('RX901', deny('HRESCH'), { id: 'v', status: 'inactive' })],
      withheld: closed,
    },
    {
      why: 'another source’s Consent of that id is another',
      sent: [version('1', deny('HRESCH')), by('RX901', permit('HRESCH'), { id: 'v', meta: { versionId: '2' } })],
      withheld: closed,
    },
    {
      why: 'a later version under another authority ends no objection',
      sent: [says(deny('HRESCH'), { id: 'v' }, NATIONAL), says(permit('HRESCH'), { id: 'v' }, LOCAL)],
      withheld: closed,
    },
    {
      why: 'inactive under another authority ends no objection',
      sent: [says(deny('HRESCH'), { id: 'v' }, NATIONAL), says(deny('HRESCH'), { id: 'v', status: 'inactive' }, LOCAL)],
      withheld: closed,
    },
    {
      why: 'a later version that permits less ends what the earlier one permitted',
      sent: [
        says(deny('HRESCH'), {}, NATIONAL),
        says(permit('HRESCH'), { ...BY_PATIENT, id: 'v' }, EXPLICIT),
        says(permit('HRESCH', recordedBy('RX901')), { ...BY_PATIENT, id: 'v' }, EXPLICIT),
      ],
      withheld: 'o1 e1 m1: research',
    },
    {
      why: 'a later version that has not begun leaves the earlier one in force',
      sent: [version('1', deny('HRESCH')), version('2', permit('HRESCH', { period: { start: '2026-07-01T00:00:00Z' } }))],
      withheld: closed,
    },
    {
      why: 'until it does',
      sent: [version('1', deny('HRESCH')), version('2', permit('HRESCH', { period: { start: '2026-07-01T00:00:00Z' } }))],
      at: '2026-07-01T00:00:00Z',
      withheld: 'nothing',
    },
    {
      why: 'a draft with a small objection does not end a large one',
      sent: [
        version('1', deny('HRESCH')),
        version('2', permit('HRESCH', except(deny('', recordedBy('RX901')))), { status: 'draft' }),
      ],
      answers: ['taken', 'taken: not-in-force'],
      withheld: closed,
    },
    {
      why: 'nor does a version without an authority',
      sent: [version('1', deny('HRESCH')), says(permit('HRESCH', except(deny('', recordedBy('RX901')))), { id: 'v' }, null)],
      answers: ['taken', 'taken: authority-required, authority-assumed'],
      withheld: closed,
    },
    {
      why: 'nor a narrower objection that is only drafted',
      sent: [version('1', deny('HRESCH')), version('2', deny('HRESCH', recordedBy('RX901')), { status: 'draft' })],
      answers: ['taken', 'taken: not-in-force'],
      withheld: closed,
    },
    {
      why: 'nor one whose permission is not the sender’s to give, on the way through the gateway too',
      sent: [
        by('RX901', deny('HRESCH'), { id: 'v' }, EXPLICIT),
        by('RX901', permit('HRESCH', except(deny('', recordedBy('RX902')))), { id: 'v' }, EXPLICIT),
      ],
      answers: ['taken', 'taken: performer-required'],
      withheld: closed,
    },
    {
      why: 'inactive, but with rules that are not known, ends no objection',
      sent: [version('1', deny('HRESCH')), version('2', deny('HRESCH'), { status: 'inactive', implicitRules: 'http://x' })],
      answers: ['taken', 'taken: unclear'],
      withheld: closed,
    },
    {
      why: 'versions whose numbers and times go round in a circle do not end each other',
      sent: [
        version(undefined, deny('HRESCH'), { meta: { versionId: '2' } }),
        version(undefined, deny('HRESCH'), { meta: { lastUpdated: '2026-05-01T00:00:00Z' } }),
        version(undefined, deny('HRESCH'), { meta: { versionId: '1', lastUpdated: '2026-06-01T00:00:00Z' } }),
      ],
      withheld: closed,
    },
    {
      why: 'a Consent without an id has no versions: each is one of its own',
      sent: [says(deny('COC', recordedBy('RX901'))), says(deny('COC', recordedBy('RX902')))],
      withheld: 'c1 m1: care-coordination',
    },
    {
      why: 'nor has one whose id is none of FHIR',
      sent: [says(deny('COC', recordedBy('RX901')), { id: 'a b' }), says(deny('COC', recordedBy('RX902')), { id: 'a b' })],
      answers: ['taken: malformed', 'taken: malformed'],
      withheld: 'c1 m1: care-coordination',
    },
  ]);
});

describe('the scope of a decision', () => {
  const of = 'care-coordination';
  table([
    {
      why: 'a permission of all does not end an objection to a part',
      sent: [says(deny('COC', recordedBy('RX901'))), says(permit('COC'))],
      withheld: `c1: ${of}`,
    },
    {
      why: 'a permission of a part does not end an objection to all',
      sent: [says(deny('COC')), says(permit('COC', recordedBy('RX901')))],
      withheld: `all: ${of}`,
    },
    {
      why: 'a permission of the same part does, in whatever order it is named',
      sent: [says(deny('COC', recordedBy('RX901', 'RX902'))), says(permit('COC', recordedBy('RX902', 'RX901')))],
      withheld: 'nothing',
    },
    {
      why: 'an objection to what cannot be read has no limits, so a permission without limits ends it',
      sent: [says(deny('COC', toldTo('RX901'))), says(permit('COC'))],
      answers: ['taken: unclear', 'taken'],
      withheld: 'nothing',
    },
    {
      why: 'an objection to what cannot be read makes no exception to an earlier one to all',
      sent: [says(deny('COC')), says(deny('COC', toldTo('RX902'), except(permit('', recordedBy('RX901')))))],
      answers: ['taken', 'taken: unclear'],
      withheld: `all: ${of}`,
    },
    {
      why: 'a later objection to all with an exception replaces the one without',
      sent: [says(deny('COC')), says(deny('COC', except(permit('', recordedBy('RX901')))))],
      withheld: `o1 e1 m1: ${of}`,
    },
  ]);
});

describe('types that are wrong', () => {
  const wrong: readonly unknown[] = [7, true, null, 'x', [], [[]], {}, { toString: 1 }, [{ toString: 1 }]];
  it.each(wrong)('%j instead of any member leaves an objection an objection, and never throws', (junk) => {
    const provision = { ...deny('HRESCH'), provision: [permit('', recordedBy('RX901'))] };
    for (const member of [
      'scope',
      'category',
      'dateTime',
      'performer',
      'policy',
      'policyRule',
      'verification',
      'meta',
      'id',
      'status',
    ]) {
      const { decisions } = decide([says(provision, { [member]: junk })]);
      expect({ member, left: withheld(decisions, RECORD, NOW + 3_600_000).includes('m1: research') }).toEqual({
        member,
        left: true,
      });
    }
    for (const member of Object.keys(
      deny('COC', recordedBy('RX901'), coded(HIV), labelled('R'), { period: {}, dataPeriod: {}, action: [] }),
    )) {
      if (member === 'type') continue;
      const { decisions } = decide([says({ ...deny('HRESCH', { [member]: junk }) })]);
      const left = withheld(decisions, RECORD, NOW + 3_600_000);
      expect({ member, left: spelledOut('all: research', RECORD).every((one) => left.includes(one)) }).toEqual({
        member,
        left: true,
      });
    }
  });

  it('a status in a list withdraws nothing', () => {
    const { decisions } = decide([says(deny('HRESCH'), { id: 'v' }), says(deny('HRESCH'), { id: 'v', status: ['inactive'] })]);
    expect(withheld(decisions, RECORD, NOW + 3_600_000)).toEqual(spelledOut('all: research', RECORD));
  });
});
