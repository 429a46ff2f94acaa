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

/** By which text would read otherwise than it stands, or that nobody sees: controls, and marks of direction. */
const UNSEEN = /(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** As it stands: such a character is written out, as JSON does, so that it changes nothing of what stands beside it. */
const plain = (text) => text.replace(UNSEEN, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);

const put = (id, text) => at(id).replaceChildren(plain(text));

/** An element with attributes and children; texts are texts, never markup. */
function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === true) element.setAttribute(key, '');
    else if (value !== false) element.setAttribute(key, value);
  }
  const present = children.flat().filter((child) => child !== null);
  element.append(...present.map((child) => (typeof child === 'string' ? plain(child) : child)));
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

/** By the object that holds it and its name there, a number as its sender wrote it. Browsers that do not tell show it as they would write it. */
const DIGITS = new WeakMap();

function notingDigits(name, value, context) {
  if (typeof value === 'number' && context !== undefined && context.source !== String(value)) {
    DIGITS.set(this, { ...DIGITS.get(this), [name]: context.source });
  }
  return value;
}

const digitsOf = (owner, name) => DIGITS.get(owner)?.[name];

const jsonOf = (resource) =>
  JSON.stringify(
    resource,
    function withDigits(name, value) {
      const digits = digitsOf(this, name);
      return digits === undefined ? value : JSON.rawJSON(digits);
    },
    2,
  );

const PROBLEM = 'There is a problem';
/** What this page calls the fields that it asks for. */
const FIELDS = { nhs: 'NHS number', at: 'At this time' };

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
    body = JSON.parse(text, notingDigits);
  } catch {
    // Said by the status alone.
  }
  if (response.ok) return { status: response.status, body };
  const lines = body?.errors?.map(({ field, message }) => `${FIELDS[field] ?? field}: ${message}`) ?? [];
  throw new Refusal(
    response.status === 400 ? PROBLEM : (body?.title ?? PROBLEM),
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
  if (missing.length > 0) throw new Refusal(PROBLEM, missing);
  return number;
}

function instant() {
  const text = at('at').value;
  return text === '' ? null : new Date(text).toISOString();
}

function say(text, lines = []) {
  const list = make(
    'ul',
    {},
    lines.map((line) => make('li', {}, line)),
  );
  at('status').replaceChildren(...(text === '' ? [] : [make('p', {}, text)]), ...(lines.length === 0 ? [] : [list]));
}

/** Nobody's record: an answer must never stand under a number, a time or a token that it was not asked with. */
function forget() {
  shown = null;
  at('answer').hidden = true;
  for (const id of [
    'person-name',
    'person-born',
    'person-number',
    'cards',
    'why',
    'withheld',
    'waiting',
    'review',
    'seen',
    'decisions',
    'looks-rows',
  ]) {
    at(id).replaceChildren();
  }
  at('looks').hidden = true;
  at('looks-note').hidden = true;
  at('look').hidden = false;
  at('look-more').textContent = 'Show the audit';
  at('choose').reset();
  offerPurposes();
}

function complain(error) {
  say('');
  const lines = error instanceof Refusal ? error.lines : ['Something went wrong on this page'];
  at('problem').replaceChildren(
    make('h2', {}, error instanceof Refusal ? error.message : PROBLEM),
    make(
      'ul',
      {},
      lines.map((line) => make('li', {}, line)),
    ),
  );
  at('problem').hidden = false;
  at('problem').focus();
}

/** Runs what a button asked for, with nothing to press or to edit meanwhile, and shows what goes wrong. */
async function attempt(saying, work) {
  const buttons = [...document.querySelectorAll('main form button')];
  const inputs = [...at('ask').querySelectorAll('input')];
  for (const button of buttons) button.disabled = true;
  for (const input of inputs) input.readOnly = true;
  at('problem').hidden = true;
  say(saying);
  try {
    await work();
  } catch (error) {
    complain(error);
  } finally {
    for (const button of buttons) button.disabled = false;
    for (const input of inputs) input.readOnly = false;
  }
}

const DAY = { day: 'numeric', month: 'short', year: 'numeric' };
const day = new Intl.DateTimeFormat('en-GB', DAY);
/** A date without a time is that day wherever it is read. */
const wholeDay = new Intl.DateTimeFormat('en-GB', { ...DAY, timeZone: 'UTC' });
const time = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });

/** FHIR dates may end with the year or the month: those are shown as they are. */
function dateOf(text) {
  if (text === null || text === undefined) return 'No date';
  if (!/^\d{4}-\d{2}-\d{2}/.test(text)) return text;
  return (text.length === 10 ? wholeDay : day).format(new Date(text));
}

/** A death is an entry of its own, told by a Patient. */
const kindOf = ({ id, resourceType }) => (/\/death\/[^/]+$/.test(id) ? 'Death' : words(resourceType));
const words = (resourceType) => resourceType.replace(/([a-z])([A-Z])/g, (_, a, b) => `${a} ${b.toLowerCase()}`);

function titleOf(resource) {
  const medication = resource.contained?.find(({ id }) => `#${id}` === resource.medicationReference?.reference);
  const concept =
    resource.code ??
    resource.medicationCodeableConcept ??
    medication?.code ??
    resource.vaccineCode ??
    resource.type?.[0] ??
    resource.type;
  const named = concept?.text ?? concept?.coding?.find(({ display }) => display)?.display;
  return named ?? resource.title ?? resource.description ?? nameOf(resource) ?? null;
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

const USUAL = ['active', 'final', 'finished', 'completed', 'fulfilled', 'confirmed'];

/** How much, and how it stands where that is not the usual: what is resolved, refuted or not done must not read as what is. */
function sayingOf(resource) {
  const parts = [resource, ...(resource.component ?? [])].map(valueOf).filter(Boolean);
  const standing = [
    deathOf(resource),
    resource.status,
    resource.clinicalStatus?.coding?.[0]?.code,
    resource.verificationStatus?.coding?.[0]?.code,
    resource.doNotPerform === true ? 'not to be done' : undefined,
  ].filter((one) => one !== undefined && !USUAL.includes(one));
  return [parts.join(' / '), standing.length === 0 ? '' : `(${standing.join(', ')})`].filter(Boolean).join(' ');
}

/** One line of what an entry says. */
const lineOf = (resource) => [titleOf(resource), sayingOf(resource)].filter(Boolean).join(' ');

function valueOf({ valueQuantity, valueCodeableConcept, valueString }) {
  if (valueQuantity?.value !== undefined) {
    const { comparator = '', value, unit = '' } = valueQuantity;
    return `${comparator}${digitsOf(valueQuantity, 'value') ?? value} ${unit.replace(/\{.*?\}/, '').replace('mm[Hg]', 'mmHg')}`.trim();
  }
  return valueCodeableConcept?.text ?? valueCodeableConcept?.coding?.[0]?.display ?? valueString;
}

/** As people read it: 999 000 0018. */
const spaced = (number) => number.replace(/^(\d{3})(\d{3})(\d{4})$/, '$1 $2 $3');

const distinct = (values) => [...new Set(values.filter((value) => typeof value === 'string' && value !== ''))];

/** As the NHS writes names: the family's first. */
function nameOf({ resourceType, name = [] }) {
  if (resourceType !== 'Patient') return undefined;
  const { text, family, given = [] } = name.find(({ use }) => use === 'official' || use === 'usual') ?? name[0] ?? {};
  if (family === undefined) return text;
  return [family.toUpperCase(), given.join(' ')].filter(Boolean).join(', ');
}

function ageOf(birthDate) {
  const [year, month, date] = birthDate.split('-').map(Number);
  if (date === undefined) return '';
  const today = new Date();
  const isBefore = today.getMonth() + 1 < month || (today.getMonth() + 1 === month && today.getDate() < date);
  return ` (${today.getFullYear() - year - (isBefore ? 1 : 0)} years)`;
}

function deathOf({ deceasedBoolean, deceasedDateTime }) {
  if (deceasedDateTime !== undefined) return `died ${dateOf(deceasedDateTime)}`;
  return deceasedBoolean === true ? 'has died' : undefined;
}

/** Who it is, by every Patient that may be shown: where organisations differ all is said, and that they differ. */
function identityOf(entries, number, movedTo) {
  const patients = entries.filter(({ resourceType }) => resourceType === 'Patient').map(({ resource }) => resource);
  const [names, births, deaths] = [nameOf, ({ birthDate }) => birthDate, deathOf].map((of) => distinct(patients.map(of)));
  const born = births.map((date) => `${dateOf(date)}${deaths.length === 0 ? ageOf(date) : ''}`);
  return {
    name: names.join(' or ') || 'Name not shown',
    born: [born.length === 0 ? 'date of birth not shown' : `born ${born.join(' or ')}`, ...deaths].join(', '),
    number: spaced(number) + (movedTo === null ? '' : `, merged into ${spaced(movedTo)}`),
    differ: names.length > 1 || births.length > 1 || deaths.length > 1,
  };
}

function showIdentity({ person, when }) {
  put('person-name', person.name);
  put('person-born', person.born);
  put('person-number', person.number);
  const notes = [
    ...(person.differ ? ['Organisations do not agree on who this is: check before you go on.'] : []),
    ...(when === null ? [] : ['Name and dates are those of now.']),
  ];
  put('person-note', notes.join(' '));
  at('person-note').hidden = notes.length === 0;
}

/** The record of now; empty where governance may see decisions, and no reader anything. */
async function recordOfNow(number, explained) {
  try {
    return (await ask(`/records/${number}`)).body;
  } catch (error) {
    if (explained === null || error.status !== 404) throw error;
    return { entries: [] };
  }
}

const counted = (count, one, many) => `${count} ${count === 1 ? one : many}`;

async function show() {
  forget();
  const number = nhsNumber();
  const when = instant();
  const explained = await explanationsOf(number, when);
  const record = await recordOfNow(number, explained);
  const titles = new Map(when === null ? record.entries.map(({ id, resource }) => [id, lineOf(resource)]) : []);
  const person = identityOf(record.entries, number, explained?.movedTo ?? null);
  shown = { number, when, explained, pages: new Map(), titles, person };
  for (const id of ['short', 'reasons', 'choices', 'choosing', 'audit']) at(id).hidden = explained === null;
  showIdentity(shown);
  offerViews();
  if (explained !== null) {
    showBasis();
    showCards();
    showDecisions();
  }
  showAside(explained?.setAside ?? []);
  showCorrected(explained?.corrected ?? []);
  await showPurpose();
  at('answer').hidden = false;
  if (explained === null) return say('This is the record of now. Why each entry is shared is shown to governance alone.');
  const moved =
    explained.movedTo === null ? '' : ' This NHS number was merged into another one; what is shown is the whole person’s.';
  const entries = counted(explained.entries.length, 'entry', 'entries');
  say(`${entries}, ${counted(explained.decisions.length, 'decision', 'decisions')}.${moved}`);
}

/** What changed nothing, or counts by its arrival alone: the latest first. */
function showAside(versions) {
  at('aside').hidden = versions.length === 0;
  at('aside-list').replaceChildren(
    ...versions
      .toReversed()
      .map(({ entry, recordedAt, plainEnglish }) =>
        make('li', {}, `${plainEnglish} `, minor(`${entry}, came ${time.format(new Date(recordedAt))}`)),
      ),
  );
}

/** What moved from one NHS number to another, or may be somebody else's. */
function showCorrected(entries) {
  at('corrected').hidden = entries.length === 0;
  at('corrected-list').replaceChildren(
    ...entries.map(({ entry, plainEnglish }) => make('li', {}, `${plainEnglish} `, minor(entry))),
  );
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
  put('basis', `${when === null ? 'Now' : `As it was on ${time.format(new Date(explained.at))}`}, ${policy}.`);
}

const explanationOf = (entry, purpose) => entry.purposes.find((one) => one.purpose === purpose);
const STATES = { 'not-of-concern': 'outside', replaced: 'replaced' };
const stateOf = ({ included, rule }) => (included ? 'shared' : (STATES[rule] ?? 'withheld'));

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

const TAGS = { shared: 'Shared', withheld: 'Withheld', outside: 'Not looked at', replaced: 'Replaced' };

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
    cell('What', kindOf(entry), title ? make('span', { class: 'minor' }, title) : null),
    cell('Recorded by', entry.organisation),
    cell('Shared?', make('span', { class: `tag ${state}` }, TAGS[state])),
    cell('Why', why.plainEnglish, basis === null ? null : make('span', { class: 'minor' }, basis)),
  );
}

/** A cell that knows its column, for narrow screens, which show no heads. */
const cell = (label, first, ...rest) =>
  make(
    'td',
    { 'data-label': label },
    make('div', {}, typeof first === 'string' ? make('span', {}, first) : first, ...present(rest)),
  );

const present = (children) => children.filter((child) => child !== null);

const emptyRow = (columns, text) => make('tr', {}, make('td', { colspan: columns }, text));

const chosenPurpose = () => document.querySelector('input[name="purpose"]:checked').value;

/** Of a long record only so many entries stand in the page at a time. */
const PAGE = 100;

/** Which part of a list is shown, and buttons to the parts before and after; `turn` is given the first entry of the one chosen. */
function showPages(id, { from, count, total, turn }) {
  const button = (name, first, there) => {
    const element = make('button', { type: 'button', class: 'secondary', disabled: !there }, name);
    element.addEventListener('click', () => attempt('Loading…', async () => say(await turn(first))));
    return element;
  };
  at(id).hidden = total <= PAGE;
  at(id).replaceChildren(
    button('Previous', Math.max(0, from - PAGE), from > 0),
    make('span', {}, ` ${from + 1} to ${from + count} of ${total} `),
    button('Next', from + PAGE, from + count < total),
  );
}

function showReasons(purpose, name, from = 0) {
  const all = shown.explained.entries.toSorted((a, b) => ((a.occurredAt ?? '') < (b.occurredAt ?? '') ? 1 : -1));
  const entries = all.slice(from, from + PAGE);
  at('why-caption').textContent = `What is shared for ${name.toLowerCase()}, latest first`;
  at('why').replaceChildren(
    ...(entries.length === 0 ? [emptyRow(5, 'There was nothing in the record.')] : entries.map((entry) => rowOf(entry, purpose))),
  );
  const turn = (first) => showReasons(purpose, name, first);
  showPages('why-pages', { from, count: entries.length, total: all.length, turn });
  return `Entries ${from + 1} to ${from + entries.length}.`;
}

/** Governance alone is told how many are withheld. */
const countOf = ({ withheld }) => (withheld === undefined ? [] : [withheld === 0 ? 'nothing withheld' : `${withheld} withheld`]);

/** Perhaps somebody's entry is filed under another person's number. */
function sayReview(review) {
  const of = (isNumber) => review.filter(({ fields }) => fields.includes('nhsNumber') === isNumber).map(({ entry }) => entry);
  const [births, numbers] = [of(false), of(true)];
  const said = [
    births.length > 0 && `these entries say that the person was born on different days: ${births.join(', ')}.`,
    numbers.length > 0 && `versions of these entries name several NHS numbers: ${numbers.join(', ')}.`,
  ];
  return `Please review: ${said.filter(Boolean).join(' And ')}`;
}

/** By its place on the page what the reader has to know before any entry; undefined where there is nothing to say. */
const noticesOf = ({ notice, waiting, review }) => ({
  withheld: notice,
  waiting: waiting === true ? WAITING : undefined,
  review: review && sayReview(review),
});
const WAITING = 'Something that was sent about this person could not be taken in yet. It is missing here.';

async function showPurpose() {
  const purpose = chosenPurpose();
  const { name } = PURPOSES[purpose];
  if (shown.explained !== null) showReasons(purpose, name);
  at('seen-title').textContent = `What a reader for ${name.toLowerCase()} is given`;
  at('seen').replaceChildren();
  at('seen-pages').hidden = true;
  for (const id of Object.keys(noticesOf({}))) at(id).hidden = true;
  if (shown.when !== null) {
    at('seen-note').textContent = 'Readers are only ever given the record of now. Leave the time empty to see it.';
    return;
  }
  await showSeen(purpose, 0);
}

/** The page of what a reader is given that begins with an entry. All pages are of one state: of another one Weft says so. */
async function showSeen(purpose, from) {
  const asked = shown;
  const pages = asked.pages.get(purpose) ?? [`/records/${asked.number}?purpose=${purpose}&limit=${PAGE}`];
  asked.pages.set(purpose, pages);
  const { body } = await ask(pages[from / PAGE]);
  if (body.next !== null) pages[from / PAGE + 1] = body.next;
  if (shown !== asked || chosenPurpose() !== purpose) return '';
  for (const [id, text] of Object.entries(noticesOf(body))) {
    put(id, text ?? '');
    at(id).hidden = text === undefined;
  }
  at('seen-note').textContent = `${[counted(body.total, 'entry', 'entries'), ...countOf(body)].join(', ')}.`;
  at('seen').replaceChildren(
    ...body.entries.map((entry) =>
      make(
        'details',
        {},
        make(
          'summary',
          {},
          [kindOf(entry), lineOf(entry.resource), dateOf(entry.occurredAt), entry.organisation].filter(Boolean).join(', '),
        ),
        make('pre', { tabindex: '0' }, jsonOf(entry.resource)),
      ),
    ),
  );
  const turn = (first) => showSeen(purpose, first);
  showPages('seen-pages', { from, count: body.entries.length, total: body.total, turn });
  return `Entries ${from + 1} to ${from + body.entries.length}.`;
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

const minor = (text) => make('span', { class: 'minor' }, text);
const namesOf = (purposes) => purposes.map((purpose) => PURPOSES[purpose].name).join(', ');

/** In force, to come, or why not; and for which purposes, where it is not for all of its own. */
function forceOf({ status, standsFor, provision: { from, until, purposes } }) {
  const moment = shown.when === null ? Date.now() : Date.parse(shown.when);
  const stands = standsFor.length > 0;
  const state = stands ? (from > moment ? 'To come' : 'In force') : whyNot(status, until <= moment, purposes);
  return [
    make('span', { class: `tag ${state === 'In force' ? 'shared' : 'outside'}` }, state),
    stands && standsFor.length < purposes.length ? minor(`for ${namesOf(standsFor).toLowerCase()} alone`) : null,
    from === undefined ? null : minor(`From ${time.format(new Date(from))}`),
    until === undefined ? null : minor(`Until ${time.format(new Date(until))}`),
  ];
}

function whyNot(status, isOver, { length }) {
  if (status === 'withdrawn') return 'Withdrawn';
  if (isOver) return 'Ended';
  return length === 0 ? 'Of no purpose' : 'Not in force';
}

function showDecisions() {
  const decisions = shown.explained.decisions.toSorted((a, b) => b.receivedAt - a.receivedAt);
  at('decisions-caption').textContent =
    'Every decision known, latest first. Of two of the same kind about the same things the later one is in force, where a sharing rule asks for that kind.';
  at('decisions').replaceChildren(
    ...(decisions.length === 0
      ? [emptyRow(5, 'This person has made no choice. The policy alone decides.')]
      : decisions.map((decision) => {
          const { provision } = decision;
          return make(
            'tr',
            {},
            cell(
              'Decided',
              decidedOn(decision),
              minor(`by ${BY[decision.decidedBy] ?? decision.decidedBy}`),
              minor(recordedBy(decision.recorder)),
            ),
            cell(
              'Choice',
              decision.unread ? 'Not read: closed' : provision.effect === 'deny' ? 'Do not share' : 'Share',
              minor(AUTHORITIES[decision.authority]),
            ),
            cell('Purposes', namesOf(provision.purposes) || 'None that Weft shares for'),
            cell(
              'Covers',
              coverageOf(provision),
              provision.provisions.length === 0 ? null : minor(besides(provision.provisions)),
            ),
            cell('In force?', ...forceOf(decision)),
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
  obeyed: ({ covers }, effect) => `It is followed everywhere. ${changedBy(covers, effect)}`,
  pending: () => 'It cannot be lost, and is not followed everywhere yet: look again in a moment.',
  superseded: () => 'A later choice is in force instead of it, so nothing changes.',
  'covers-nothing': () => 'Nothing in the record of now is covered by it, so nothing changes.',
  quarantined: () => 'It could not be read. What it may object to is closed until somebody has looked at it.',
};

function changedBy(covers = {}, effect) {
  const parts = Object.entries(covers)
    .filter(([, entries]) => entries > 0)
    .map(([purpose, entries]) => `${PURPOSES[purpose].name.toLowerCase()} (${counted(entries, 'entry', 'entries')})`);
  if (parts.length > 0) return `${effect === 'deny' ? 'It withholds from' : 'It shares with'} ${parts.join(', ')}.`;
  return effect === 'deny'
    ? 'Nothing that it covers was shared before, so the record of now does not change.'
    : 'Nothing more is shared than before: what is withheld is so by another choice or a rule. “Entry by entry” says which.';
}

/** From when until when it stands, where it does. */
function spanOf({ standing, since, until }) {
  if (!standing) return [];
  const begins = since === null ? 'It is in force' : `It is in force from ${time.format(new Date(since))}`;
  return [`${begins}, ${until === null ? 'until it is changed' : `until ${time.format(new Date(until))}`}.`];
}

/** A warning, with the names of authorities that this page has for them. */
const noteOf = ({ message }) =>
  `Note: ${Object.entries(AUTHORITIES).reduce((text, [code, name]) => text.replaceAll(code, `“${name}”`), message)}.`;

/** Whether whoever is asked meant it, of this person. */
function isConfirmed(effect, purposes) {
  const { person } = shown;
  const facts = {
    Person: `${person.name}, ${person.born}`,
    'NHS number': person.number,
    Choice: effect === 'deny' ? 'Opt out: do not share' : 'Opt in: share',
    'Kind of choice': AUTHORITIES[at('authority').value],
    'For which purposes': namesOf(purposes),
  };
  const name = effect === 'deny' ? 'opt-out' : 'opt-in';
  at('confirm-title').textContent = `Record this ${name}?`;
  at('confirm-yes').textContent = `Record the ${name}`;
  at('confirm-facts').replaceChildren(
    ...Object.entries(facts).flatMap(([term, fact]) => [make('dt', {}, term), make('dd', {}, fact)]),
  );
  const dialog = at('confirm');
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
  });
}

/** The answer to the choice. Where none comes back it may be recorded all the same, and what is on the page may not be so any more. */
async function record(effect, purposes) {
  try {
    const { body } = await ask('/consents', {
      method: 'POST',
      headers: { 'content-type': 'application/fhir+json', prefer: 'wait=15', 'idempotency-key': `"${uuid()}"` },
      body: JSON.stringify(consentOf(effect, purposes)),
    });
    return body;
  } catch (error) {
    if (error.status !== 0) throw error;
    const { name, number } = shown.person;
    forget();
    throw new Refusal(error.message, [
      `It is not known whether the choice was recorded for ${name}, NHS number ${number}. Show the record again, and look at its decisions`,
    ]);
  }
}

async function choose(effect) {
  const purposes = new FormData(at('choose')).getAll('chosen');
  if (purposes.length === 0) throw new Refusal(PROBLEM, ['Choose at least one purpose']);
  if (!(await isConfirmed(effect, purposes))) return say('Nothing was recorded.');
  say('Recording the choice…');
  const { person } = shown;
  const kind = AUTHORITIES[at('authority').value].toLowerCase();
  const body = await record(effect, purposes);
  const what = `${effect === 'deny' ? 'Opt-out' : 'Opt-in'} for ${namesOf(purposes).toLowerCase()} (${kind})`;
  const told = `${what} is recorded for ${person.name}, NHS number ${person.number}.`;
  at('at').value = '';
  try {
    await show();
  } catch (error) {
    throw new Refusal(error.message, [told, 'The record could not be shown again', ...(error.lines ?? [])]);
  }
  say(told, [ANSWERS[body.state](body, effect), ...spanOf(body), ...body.warnings.map(noteOf)]);
  at('status').focus();
}

/** What the audit calls it, as a person reads it. */
const DID = {
  record: 'Looked at the record',
  everything: 'Looked at everything',
  summary: 'Looked at the summary',
  explain: 'Looked at the reasons',
  audit: 'Looked at this audit',
  quarantine: 'Looked at a message in quarantine',
  redrive: 'Sent a message on',
  decide: 'Recorded a decision',
  'propose-re-identification': 'Proposed to join number and pseudonym',
  'authorise-re-identification': 'Authorised joining number and pseudonym',
  're-identify': 'Was given number and pseudonym together',
  told: 'Was told, as a subscriber',
};
const OUTCOMES = {
  given: 'Given',
  unchanged: 'Unchanged',
  accepted: 'Accepted',
  refused: 'Refused',
  'not-found': 'Nothing known',
};

/** A page of who looked, decided or was told; the next one when it is asked for. */
async function showLooks() {
  const asked = shown;
  const { body } = await ask(asked.looks ?? `/records/${asked.number}/audit`);
  if (shown !== asked) return;
  asked.looks = body.next;
  at('looks-caption').textContent = `From ${dateOf(body.from)} to ${dateOf(body.to)}, oldest first`;
  at('looks-rows').append(...body.entries.map(lookRow));
  if (at('looks-rows').childElementCount === 0) at('looks-rows').append(emptyRow(5, 'Nobody in these days.'));
  at('looks').hidden = false;
  at('looks-note').textContent = body.note ?? '';
  at('looks-note').hidden = body.note === null;
  at('look').hidden = body.next === null;
  at('look-more').textContent = 'Show more';
  say('');
}

const lookRow = (entry) =>
  make(
    'tr',
    {},
    cell('When', time.format(new Date(entry.time))),
    cell('Who', entry.who, minor([entry.organisation, ...entry.roles].filter(Boolean).join(', '))),
    cell('What', DID[entry.action] ?? entry.action),
    cell('Purpose', PURPOSES[entry.purpose]?.name ?? '–'),
    cell('Answered', OUTCOMES[entry.outcome] ?? entry.outcome),
  );

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
at('ask').addEventListener('input', () => {
  say('');
  at('problem').hidden = true;
  forget();
});
for (const [form, saying, work] of [
  ['ask', 'Looking…', show],
  ['choose', '', ({ submitter }) => choose(submitter?.value ?? 'deny')],
  ['look', 'Looking…', showLooks],
]) {
  at(form).addEventListener('submit', (event) => {
    event.preventDefault();
    void attempt(saying, () => work(event));
  });
}
at('confirm-yes').addEventListener('click', () => at('confirm').close('yes'));
at('confirm-no').addEventListener('click', () => at('confirm').close('no'));
void showRules();
