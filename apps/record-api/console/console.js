/* global document, window, fetch, crypto, FormData */

const PURPOSES = {
  'direct-care': { name: 'Direct care', code: 'TREAT', saying: 'those who treat the person' },
  'care-coordination': { name: 'Care coordination', code: 'COC', saying: 'those who arrange their care' },
  'population-health': { name: 'Population health', code: 'POPHLTH', saying: 'those who plan services, without names' },
  research: { name: 'Research', code: 'HRESCH', saying: 'approved researchers, without names' },
};
const AUTHORITIES = {
  'national-data-opt-out': 'National data opt-out',
  'type-1': 'Type 1 objection',
  'local-dissent': 'Local choice',
  'withheld-item': 'Withheld item',
  'explicit-consent': 'Asked in person',
};
const BY = {
  patient: 'the person',
  proxy: 'somebody for them',
  organisation: 'an organisation',
  'not-stated': 'nobody named',
};
const BEYOND_CARE = ['population-health', 'research'];

const at = (id) => document.getElementById(id);

/** An element with attributes and children; texts are texts, never markup. */
function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === true) element.setAttribute(key, '');
    else if (value !== false) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== null));
  return element;
}

let shown = null;

class Refusal extends Error {
  constructor(title, lines, status = 0) {
    super(title);
    this.lines = lines;
    this.status = status;
  }
}

/** A request as whoever the token names. Throws Refusal with what the problem details say. */
async function ask(path, init = {}) {
  const token = at('token').value.trim();
  let response;
  try {
    response = await fetch(path, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });
  } catch {
    throw new Refusal('Weft does not answer', ['Check your connection, then try again']);
  }
  const text = await response.text();
  let body = null;
  try {
    body = JSON.parse(text);
  } catch {
    // Said by the status alone.
  }
  if (response.ok) return { status: response.status, body };
  const lines = body?.errors?.map(({ field, message }) => `${field}: ${message}`) ?? [];
  throw new Refusal(
    body?.title ?? 'There is a problem',
    lines.length > 0 ? lines : [body?.detail ?? `The answer was ${response.status}`],
    response.status,
  );
}

/** The number asked about, without spaces. Throws Refusal with all that is missing. */
function nhsNumber() {
  const number = at('nhs').value.replace(/\s/g, '');
  const missing = [];
  if (at('token').value.trim() === '') missing.push('Paste an access token');
  if (!/^\d{10}$/.test(number)) missing.push('Enter an NHS number of 10 digits');
  if (missing.length > 0) throw new Refusal('There is a problem', missing);
  return number;
}

function instant() {
  const text = at('at').value;
  return text === '' ? null : new Date(text).toISOString();
}

function say(text) {
  at('status').textContent = text;
}

function complain(error) {
  say('');
  const lines = error instanceof Refusal ? error.lines : ['Something went wrong on this page'];
  at('problem').replaceChildren(
    make('h2', {}, error instanceof Refusal ? error.message : 'There is a problem'),
    make(
      'ul',
      {},
      lines.map((line) => make('li', {}, line)),
    ),
  );
  at('problem').hidden = false;
  at('problem').focus();
}

/** Runs what a button asked for, with the buttons disabled meanwhile, and shows what goes wrong. */
async function attempt(form, saying, work) {
  const buttons = [...form.querySelectorAll('button')];
  for (const button of buttons) button.disabled = true;
  at('problem').hidden = true;
  say(saying);
  try {
    await work();
  } catch (error) {
    complain(error);
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const time = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });

/** FHIR dates may end with the year or the month: those are shown as they are. */
function dateOf(text) {
  if (text === null || text === undefined) return 'No date';
  return /^\d{4}-\d{2}-\d{2}/.test(text) ? day.format(new Date(text)) : text;
}

const words = (resourceType) => resourceType.replace(/([a-z])([A-Z])/g, (_, a, b) => `${a} ${b.toLowerCase()}`);

function titleOf(resource) {
  const concept =
    resource.code ?? resource.medicationCodeableConcept ?? resource.vaccineCode ?? resource.type?.[0] ?? resource.type;
  const named = concept?.text ?? concept?.coding?.find(({ display }) => display)?.display;
  return named ?? resource.title ?? resource.description ?? null;
}

/** Why, as governance may see it; null for a clinician, who may read the record of now and no reasons. */
async function explanationsOf(number, when) {
  try {
    return (await ask(`/records/${number}/explain${when === null ? '' : `?at=${encodeURIComponent(when)}`}`)).body;
  } catch (error) {
    if (error.status !== 403 || when !== null) throw error;
    return null;
  }
}

const counted = (count, one, many) => `${count} ${count === 1 ? one : many}`;

async function show() {
  const number = nhsNumber();
  const when = instant();
  const explained = await explanationsOf(number, when);
  const records = new Map();
  if (when === null) records.set('direct-care', (await ask(`/records/${number}`)).body);
  const titles = new Map(records.get('direct-care')?.entries.map(({ id, resource }) => [id, titleOf(resource)]));
  shown = { number, when, explained, records, titles };
  for (const id of ['short', 'reasons', 'choices', 'choosing']) at(id).hidden = explained === null;
  offerViews();
  if (explained !== null) {
    showBasis();
    showCards();
    showDecisions();
  }
  await showPurpose();
  at('answer').hidden = false;
  if (explained === null) return say('The record of now. Why each entry is shared is for the role governance.');
  const moved =
    explained.movedTo === null ? '' : ' This NHS number was merged into another one; what is shown is the whole person’s.';
  const entries = counted(explained.entries.length, 'entry', 'entries');
  say(`${entries}, ${counted(explained.decisions.length, 'decision', 'decisions')}.${moved}`);
}

/** Without reasons there are only the purposes of a clinician. */
function offerViews() {
  for (const radio of document.querySelectorAll('input[name="purpose"]')) {
    radio.disabled = shown.explained === null && BEYOND_CARE.includes(radio.value);
    if (radio.disabled && radio.checked) document.querySelector('input[name="purpose"]').checked = true;
  }
}

function showBasis() {
  const { explained, when } = shown;
  const policy =
    explained.policyVersion === null
      ? 'before any sharing policy'
      : `under “${explained.policyName}”, version ${explained.policyVersion}`;
  at('basis').textContent = `${when === null ? 'Now' : `As it was on ${time.format(new Date(explained.at))}`}, ${policy}.`;
}

const explanationOf = (entry, purpose) => entry.purposes.find((one) => one.purpose === purpose);
const stateOf = ({ included, rule }) => (included ? 'shared' : rule === 'not-of-concern' ? 'outside' : 'withheld');

function showCards() {
  at('cards').replaceChildren(
    ...Object.entries(PURPOSES).map(([purpose, { name, saying }]) => {
      const states = shown.explained.entries.map((entry) => stateOf(explanationOf(entry, purpose)));
      const count = (state) => states.filter((one) => one === state).length;
      return make(
        'li',
        {},
        make('h3', {}, name),
        make('p', { class: 'count' }, `${count('shared')} shared`),
        make('p', {}, count('withheld') === 0 ? 'Nothing withheld' : `${count('withheld')} withheld`),
        make('p', { class: 'minor' }, `For ${saying}`),
      );
    }),
  );
}

const TAGS = { shared: 'Shared', withheld: 'Withheld', outside: 'Not looked at' };

function rowOf(entry, purpose) {
  const why = explanationOf(entry, purpose);
  const state = stateOf(why);
  const title = shown.titles.get(entry.id);
  const { decision } = why;
  const basis =
    decision === null
      ? null
      : `${AUTHORITIES[decision.authority]}, decided ${dateOf(decision.decidedAt)} by ${BY[decision.decidedBy] ?? decision.decidedBy}.`;
  return make(
    'tr',
    {},
    cell('Date', dateOf(entry.occurredAt)),
    cell('What', words(entry.resourceType), title ? make('span', { class: 'minor' }, title) : null),
    cell('Recorded by', entry.organisation),
    cell('Shared?', make('span', { class: `tag ${state}` }, TAGS[state])),
    cell('Why', why.plainEnglish, basis === null ? null : make('span', { class: 'minor' }, basis)),
  );
}

/** A cell that knows its column, for narrow screens, which show no heads. */
const cell = (label, first, ...rest) =>
  make('td', { 'data-label': label }, typeof first === 'string' ? make('span', {}, first) : first, ...rest);

const emptyRow = (columns, text) => make('tr', {}, make('td', { colspan: columns }, text));

const chosenPurpose = () => document.querySelector('input[name="purpose"]:checked').value;

function showReasons(purpose, name) {
  const entries = shown.explained.entries.toSorted((a, b) => ((a.occurredAt ?? '') < (b.occurredAt ?? '') ? 1 : -1));
  at('why-caption').textContent = `What is shared for ${name.toLowerCase()}, latest first`;
  at('why').replaceChildren(
    ...(entries.length === 0 ? [emptyRow(5, 'There was nothing in the record.')] : entries.map((entry) => rowOf(entry, purpose))),
  );
}

/** Governance alone is told how many are withheld. */
const countOf = ({ withheld }) => (withheld === undefined ? [] : [withheld === 0 ? 'nothing withheld' : `${withheld} withheld`]);

async function showPurpose() {
  const purpose = chosenPurpose();
  const { name } = PURPOSES[purpose];
  if (shown.explained !== null) showReasons(purpose, name);
  at('seen-title').textContent = `What a reader for ${name.toLowerCase()} is given`;
  at('seen').replaceChildren();
  at('withheld').hidden = true;
  if (shown.when !== null) {
    at('seen-note').textContent = 'Readers are only ever given the record of now. Leave the time empty to see it.';
    return;
  }
  const asked = shown;
  const body = asked.records.get(purpose) ?? (await ask(`/records/${asked.number}?purpose=${purpose}`)).body;
  asked.records.set(purpose, body);
  if (shown !== asked || chosenPurpose() !== purpose) return;
  at('withheld').textContent = body.notice ?? '';
  at('withheld').hidden = body.notice === undefined;
  at('seen-note').textContent = `${[counted(body.entries.length, 'entry', 'entries'), ...countOf(body)].join(', ')}.`;
  at('seen').replaceChildren(
    ...body.entries.map(({ resourceType, occurredAt, organisation, resource }) =>
      make(
        'details',
        {},
        make(
          'summary',
          {},
          [words(resourceType), titleOf(resource), dateOf(occurredAt), organisation].filter(Boolean).join(', '),
        ),
        make('pre', { tabindex: '0' }, JSON.stringify(resource, null, 2)),
      ),
    ),
  );
}

/** What narrows a decision, as a person reads it; null stands for what was not understood. */
const LIMITS = {
  'recorded-by': ({ organisations }) =>
    `What ${organisations.map((ods) => ods ?? 'somebody not understood').join(', ')} recorded`,
  entries: ({ entries }) => `Only ${entries.map((named) => named?.entry ?? 'an entry not understood').join(', ')}`,
  codes: ({ codes }) => `Only what carries ${codesOf(codes)}`,
  classes: ({ codes }) => `Only ${codesOf(codes)}`,
  labels: ({ codes }) => `Only what is labelled ${codesOf(codes)}`,
  'data-period': () => 'Only what happened in a time',
  unread: ({ field }) => `Not understood: ${field}`,
};
const codesOf = (codes) => codes.map((one) => one?.code ?? 'a code not understood').join(', ');

function coverageOf({ limits }) {
  return limits.length === 0 ? 'Everything' : limits.map((limit) => LIMITS[limit.kind](limit)).join('; ');
}

const besides = ({ length }) => `with ${counted(length, 'exception', 'exceptions')}`;

function forceOf({ status, provision: { from, until } }) {
  if (status === 'withdrawn') return 'Withdrawn';
  if (from === undefined && until === undefined) return 'Until changed';
  return [
    from !== undefined && `from ${time.format(new Date(from))}`,
    until !== undefined && `until ${time.format(new Date(until))}`,
  ]
    .filter(Boolean)
    .join(' ');
}

function showDecisions() {
  const decisions = shown.explained.decisions.toSorted((a, b) => b.receivedAt - a.receivedAt);
  at('decisions-caption').textContent =
    'Every decision known, latest first. Of two of the same kind and scope the later one is in force.';
  at('decisions').replaceChildren(
    ...(decisions.length === 0
      ? [emptyRow(7, 'This person has made no choice. The policy alone decides.')]
      : decisions.map((decision) => {
          const { provision } = decision;
          return make(
            'tr',
            {},
            cell('Decided', decidedOn(decision)),
            cell('Kind', AUTHORITIES[decision.authority]),
            cell('Choice', decision.unread ? 'Not read: closed' : provision.effect === 'deny' ? 'Do not share' : 'Share'),
            cell(
              'Purposes',
              provision.purposes.map((purpose) => PURPOSES[purpose].name).join(', ') || 'None that Weft shares for',
            ),
            cell(
              'Covers',
              coverageOf(provision),
              provision.provisions.length === 0 ? null : make('span', { class: 'minor' }, besides(provision.provisions)),
            ),
            cell('In force', forceOf(decision)),
            cell(
              'By',
              BY[decision.decidedBy] ?? decision.decidedBy,
              make('span', { class: 'minor' }, recordedBy(decision.recorder)),
            ),
          );
        })),
  );
}

/** As the Consent writes it, a day as a day; else when it was received. */
function decidedOn({ decidedAt, receivedAt }) {
  if (decidedAt === undefined) return time.format(new Date(receivedAt));
  return decidedAt.includes('T') ? time.format(new Date(decidedAt)) : decidedAt;
}

function recordedBy({ as, organisation, subject }) {
  const who = as === 'organisation' ? (organisation ?? 'nobody known') : [as, organisation].filter(Boolean).join(', ');
  return `recorded by ${subject === null ? who : `${subject} (${who})`}`;
}

function uuid() {
  if (window.isSecureContext) return crypto.randomUUID();
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The choice as a FHIR R4 Consent. */
function consentOf(effect, purposes) {
  const patient = { type: 'Patient', identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: shown.number } };
  return {
    resourceType: 'Consent',
    id: uuid(),
    status: 'active',
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0', display: 'Consent Document' }] }],
    patient,
    dateTime: new Date().toISOString(),
    performer: [patient],
    policy: [{ uri: `urn:weft:authority:${at('authority').value}` }],
    provision: {
      type: effect,
      purpose: purposes.map((purpose) => ({
        // Weft's own system means the purpose exactly; HL7's TREAT would reach what lies below it too.
        system: 'urn:weft:purpose',
        code: PURPOSES[purpose].code,
      })),
    },
  };
}

/** What became of a choice, in a sentence. */
const ANSWERS = {
  obeyed: ({ covers }, effect) => `The choice is recorded, and followed everywhere. ${changedBy(covers, effect)}`,
  pending: () => 'The choice is recorded and cannot be lost. It is not followed everywhere yet: look again in a moment.',
  superseded: () => 'The choice is recorded, but a later one is in force instead of it, so nothing changes.',
  'covers-nothing': () => 'The choice is recorded, but nothing in the record is covered by it, so nothing changes.',
  quarantined: () =>
    'The choice was taken and could not be read. What it may object to is closed until somebody has looked at it.',
};

function changedBy(covers = {}, effect) {
  const parts = Object.entries(covers)
    .filter(([, entries]) => entries > 0)
    .map(([purpose, entries]) => `${PURPOSES[purpose].name.toLowerCase()} (${counted(entries, 'entry', 'entries')})`);
  if (parts.length === 0) return 'It changes nothing that is in the record now.';
  return effect === 'deny' ? `It withholds from ${parts.join(', ')}.` : `It shares with ${parts.join(', ')}.`;
}

async function choose(effect) {
  const purposes = new FormData(at('choose')).getAll('chosen');
  if (purposes.length === 0) throw new Refusal('There is a problem', ['Choose at least one purpose']);
  const { body } = await ask('/consents', {
    method: 'POST',
    headers: { 'content-type': 'application/fhir+json', prefer: 'wait=15', 'idempotency-key': `"${uuid()}"` },
    body: JSON.stringify(consentOf(effect, purposes)),
  });
  at('at').value = '';
  await show();
  say([ANSWERS[body.state](body, effect), ...body.warnings.map(({ message }) => `Note: ${message}.`)].join(' '));
  at('status').focus();
}

/** The national opt-out and type 1 never touch a person's own care: those purposes are not there to choose. */
function offerPurposes() {
  const beyondOnly = ['national-data-opt-out', 'type-1'].includes(at('authority').value);
  for (const box of document.querySelectorAll('input[name="chosen"]')) {
    const isOffered = !beyondOnly || BEYOND_CARE.includes(box.value);
    box.disabled = !isOffered;
    if (!isOffered) box.checked = false;
    else if (beyondOnly) box.checked = true;
  }
}

const ROLES = { clinician: 'those who care for you', governance: 'those who look after these rules' };

/** Who is told that something is not shown, as a patient reads it; where the policy does not say, as Weft ships. */
function sayNotices({ withheld = Object.keys(ROLES), silent = [] } = {}) {
  if (withheld.length === 0) return 'Nobody is told when something is not shown to them.';
  const told = `When something is not shown, ${withheld.map((role) => ROLES[role] ?? role).join(' and ')} are told so.`;
  if (silent.length === 0) return told;
  return `${told} Nothing at all is said of: ${silent.map((authority) => AUTHORITIES[authority] ?? authority).join(', ')}.`;
}

/** In the order in which they are tried, as a patient reads them. */
async function showRules() {
  const response = await fetch('/policy').catch(() => null);
  if (response === null || !response.ok) {
    at('rules-note').textContent = 'The rules cannot be had just now.';
    return;
  }
  const { rules, notices } = await response.json();
  at('rules-notices').textContent = sayNotices(notices);
  at('rules').replaceChildren(
    ...rules.map(({ effect, plainEnglish, purposes }) =>
      make(
        'li',
        {},
        make(
          'span',
          { class: `tag ${effect === 'permit' ? 'shared' : 'withheld'}` },
          effect === 'permit' ? 'Shared' : 'Withheld',
        ),
        ` ${plainEnglish}`,
        make('span', { class: 'minor' }, `For ${purposes.map((purpose) => PURPOSES[purpose].name.toLowerCase()).join(', ')}`),
      ),
    ),
  );
}

for (const [purpose, { name }] of Object.entries(PURPOSES)) {
  const isFirst = purpose === 'direct-care';
  at('purposes').append(
    make('label', {}, make('input', { type: 'radio', name: 'purpose', value: purpose, checked: isFirst }), name),
  );
  at('chosen').append(make('label', {}, make('input', { type: 'checkbox', name: 'chosen', value: purpose }), name));
}
at('purposes').addEventListener('change', () => showPurpose().catch(complain));
at('authority').addEventListener('change', offerPurposes);
at('ask').addEventListener('submit', (event) => {
  event.preventDefault();
  void attempt(event.target, 'Looking…', show);
});
at('choose').addEventListener('submit', (event) => {
  event.preventDefault();
  const effect = event.submitter?.value ?? 'deny';
  void attempt(event.target, 'Recording the choice…', () => choose(effect));
});
void showRules();
