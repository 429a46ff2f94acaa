// A stand-in of what a region asks of the nation: PDS (FHIR R4, its token endpoint), and MNS' signals in an SQS-shaped and a
// MESH-shaped inbox. It keeps everything in memory, and does what the real ones do that hurts: no order, doubled messages, 408, 429.
import { createHash, createHmac, createPublicKey, randomUUID, verify } from 'node:crypto';
import { createServer } from 'node:http';
import { clearInterval, setInterval } from 'node:timers';
import { URLSearchParams } from 'node:url';

const MAILBOX = 'X26HC999';
const PASSWORD = 'stand-in-password';
const SHARED_KEY = 'stand-in-shared-key';
const ACCESS_KEY = { accessKeyId: 'AKIDSTANDIN', secretAccessKey: 'stand-in-secret' };
const MNS_SOURCE = 'https://fhir.nhs.uk/Id/nhsSpineASID/000000000001';
const PDS_PATH = '/personal-demographics/FHIR/R4';
const TEST_SIGNAL = 'mns-test-signal-1';

/**
 * @param port 0 lets the system choose
 * @param people as `put` takes them
 * @param publicKey PEM: PDS asks for an access token, which the token endpoint gives for an assertion signed with its private key
 * @param duplicates from 0 to 1: how often a message is given twice
 * @param shuffles whether messages are given in any order
 * @param testSignalSeconds how often the test signal is sent (MNS: 900); 0: never
 * @param form in which signals are sent: `fhir` or `cloudevent`
 */
export async function startPds(options = {}) {
  const { port = 0, host = '127.0.0.1', people = [], publicKey, testSignalSeconds = 0 } = options;
  const state = {
    ...{ duplicates: 0, shuffles: false, form: 'fhir', visibilityMs: 60_000, random: Math.random, ...options },
    key: publicKey === undefined ? null : createPublicKey(publicKey),
    people: new Map(),
    /** What is answered instead, by number or for everybody (`*`), and how many more times. */
    faults: new Map(),
    asked: [],
    messages: new Map(),
    tokens: new Map(),
    used: new Set(),
  };
  for (const person of people) put(state, person);
  const server = createServer((request, response) => void answer(state, request, response));
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  const url = `http://${host}:${server.address().port}`;
  state.url = url;
  const ticking = testSignalSeconds > 0 ? setInterval(() => send(state, { type: TEST_SIGNAL }), testSignalSeconds * 1_000) : null;
  return {
    url,
    pdsUrl: `${url}${PDS_PATH}`,
    tokenUrl: `${url}/oauth2/token`,
    queueUrl: `${url}/000000000000/national-events`,
    ...{ mailbox: MAILBOX, password: PASSWORD, sharedKey: SHARED_KEY, credentials: ACCESS_KEY },
    put: (person) => put(state, person),
    fail: (fault) => fail(state, fault),
    send: (signal) => send(state, signal),
    sendRaw: (body) => queue(state, body),
    giveAgain: () => state.messages.forEach((message) => (message.hiddenUntil = 0)),
    dropTokens: () => state.tokens.clear(),
    asked: () => [...state.asked],
    inboxed: () => state.messages.size,
    async stop() {
      clearInterval(ticking);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A person as PDS has them from now on; without a version it is one more than before. */
function put(state, person) {
  const before = state.people.get(person.nhsNumber);
  const version = person.version ?? (before?.version ?? 0) + 1;
  state.people.set(person.nhsNumber, { security: 'U', ...person, version });
}

function fail(state, { nhsNumber = '*', status, code, retryAfter, times = Infinity }) {
  if (status === undefined) state.faults.delete(nhsNumber);
  else state.faults.set(nhsNumber, { status, code, retryAfter, times });
}

/** Puts a signal into both inboxes. Gives its id. */
function send(state, { type, subject, versionId, form = state.form, id = randomUUID(), time = new Date().toISOString() }) {
  const address = subject === undefined ? undefined : `https://pds.example${PDS_PATH}/Patient/${subject}`;
  const signal = { id, type, time, subject, versionId, address };
  queue(state, JSON.stringify(form === 'fhir' ? bundleOf(signal) : cloudEventOf(signal)));
  return id;
}

function queue(state, body) {
  for (let copies = state.random() < state.duplicates ? 2 : 1; copies > 0; copies -= 1) {
    state.messages.set(randomUUID(), { body, hiddenUntil: 0 });
  }
}

const cloudEventOf = ({ id, type, time, subject, versionId, address }) => ({
  ...{ specversion: '1.0', id, source: MNS_SOURCE, type, time, subject },
  // A change of record names its version, and has no address.
  ...(versionId === undefined ? { dataref: address } : { versionid: versionId }),
});

function bundleOf({ id, type, time, subject, versionId, address }) {
  const part = (name, value) => ({ name, ...value });
  const event = [
    part('event-number', { valueString: '1' }),
    part('timestamp', { valueInstant: time }),
    ...(address === undefined ? [] : [part('focus', { valueReference: { reference: address } })]),
  ];
  const context = [
    part('event-type', { valueString: type }),
    part('source', { valueUri: MNS_SOURCE }),
    ...(subject === undefined ? [] : [part('subject', { valueReference: { identifier: { value: subject } } })]),
    ...(versionId === undefined ? [] : [part('version-id', { valueString: versionId })]),
  ];
  const parameter = [
    part('subscription', { valueReference: { reference: 'https://mns.example/Subscription/1' } }),
    part('status', { valueCode: 'active' }),
    part('type', { valueCode: 'event-notification' }),
    part('notification-event', { part: event }),
    part('additional-context', { part: context }),
  ];
  const profile = ['http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-status-r4'];
  const resource = { resourceType: 'Parameters', meta: { profile }, parameter };
  return { resourceType: 'Bundle', type: 'history', id, timestamp: time, entry: [{ fullUrl: `urn:uuid:${id}`, resource }] };
}

// ---------------------------------------------------------------- HTTP

async function answer(state, request, response) {
  const url = new URL(request.url, state.url);
  let body = '';
  for await (const chunk of request) body += chunk;
  const routes = [
    [/^\/personal-demographics\/FHIR\/R4\/Patient\/([^/]+)$/, 'GET', patient],
    [/^\/oauth2\/token$/, 'POST', token],
    [/^\/$/, 'POST', sqs],
    [/^\/messageexchange\/([^/]+)\/inbox(?:\/([^/]+)(\/status\/acknowledged)?)?$/, request.method, mesh],
    [/^\/stand-in\/(people|faults|signals|raw)$/, 'POST', control],
    [/^\/stand-in$/, 'GET', () => ({ status: 200, body: { asked: state.asked, inbox: state.messages.size } })],
  ];
  const found = routes.find(([path, method]) => path.test(url.pathname) && method === request.method);
  const given = { request, body, match: found?.[0].exec(url.pathname) };
  const said = found === undefined ? { status: 404, body: {} } : await found[2](state, given);
  const text = typeof said.body === 'string' ? said.body : JSON.stringify(said.body ?? {});
  response.writeHead(said.status, { 'content-type': 'application/json', ...said.headers }).end(text);
}

function control(state, { match: [, what], body }) {
  if (what === 'raw') queue(state, body);
  else ({ people: put, faults: fail, signals: send })[what](state, JSON.parse(body));
  return { status: 204, body: '' };
}

// ---------------------------------------------------------------- PDS

const outcome = (status, code, headers = {}) => ({
  status,
  headers,
  body: {
    resourceType: 'OperationOutcome',
    issue: [
      {
        severity: 'error',
        code: 'value',
        details: { coding: [{ system: 'https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode', code }] },
      },
    ],
  },
});

function patient(state, { request, match: [, nhsNumber] }) {
  state.asked.push(nhsNumber);
  if (!isUuid(request.headers['x-request-id'])) return outcome(412, 'PRECONDITION_FAILED');
  if (state.key !== null && !isCurrent(state, request.headers.authorization)) return outcome(401, 'ACCESS_DENIED');
  for (const whose of [nhsNumber, '*']) {
    const fault = state.faults.get(whose);
    if (fault === undefined || fault.times <= 0) continue;
    fault.times -= 1;
    const headers = fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) };
    return outcome(fault.status, fault.code ?? 'UNABLE_TO_CALL_SERVICE', headers);
  }
  if (!isNhsNumber(nhsNumber)) return outcome(400, 'INVALID_RESOURCE_ID');
  const found = survivorOf(state, nhsNumber);
  if (found === undefined) return outcome(404, 'RESOURCE_NOT_FOUND');
  if (found.invalidated) return outcome(404, 'INVALIDATED_RESOURCE');
  return {
    status: 200,
    headers: { etag: `W/"${found.version}"`, 'content-type': 'application/fhir+json' },
    body: resourceOf(found),
  };
}

/** Who was superseded is answered for by whoever is there now. */
function survivorOf(state, nhsNumber) {
  let found = state.people.get(nhsNumber);
  for (let steps = 0; found?.supersededBy !== undefined && steps < 10; steps += 1) found = state.people.get(found.supersededBy);
  return found;
}

function resourceOf({ nhsNumber, version, security, deceasedDateTime, deathNotificationStatus, generalPractitioner }) {
  // Of a restricted person PDS withholds where they are to be found.
  const isRestricted = security !== 'U';
  return {
    resourceType: 'Patient',
    id: nhsNumber,
    meta: {
      versionId: String(version),
      security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: security }],
    },
    identifier: [{ system: 'https://fhir.nhs.uk/Id/nhs-number', value: nhsNumber }],
    name: [{ id: 'name', use: 'usual', family: 'Somebody', given: ['Nobody'] }],
    birthDate: '1970-01-01',
    ...(deceasedDateTime !== undefined && { deceasedDateTime }),
    ...(deathNotificationStatus !== undefined && { extension: [deathStatus(deathNotificationStatus)] }),
    ...(!isRestricted && { address: [{ id: 'home', use: 'home', line: ['1 No Street'], postalCode: 'ZZ99 9ZZ' }] }),
    ...(!isRestricted && { telecom: [{ id: 'phone', system: 'phone', value: '01632 960000' }] }),
    ...(!isRestricted && generalPractitioner !== undefined && { generalPractitioner: [practice(generalPractitioner)] }),
  };
}

const deathStatus = (code) => ({
  url: 'https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DeathNotificationStatus',
  extension: [
    {
      url: 'deathNotificationStatus',
      valueCodeableConcept: { coding: [{ system: 'https://fhir.hl7.org.uk/CodeSystem/UKCore-DeathNotificationStatus', code }] },
    },
  ],
});

const practice = (value) => ({
  id: 'gp',
  type: 'Organization',
  identifier: { system: 'https://fhir.nhs.uk/Id/ods-organization-code', value, period: { start: '2020-01-01' } },
});

const isUuid = (text) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text ?? '');

function isNhsNumber(text) {
  if (!/^\d{10}$/.test(text)) return false;
  const sum = [...text.slice(0, 9)].reduce((total, digit, place) => total + Number(digit) * (10 - place), 0);
  return (11 - (sum % 11)) % 11 === Number(text[9]);
}

// ---------------------------------------------------------------- access tokens

const TOKEN_SECONDS = 600;
const ASSERTION_SECONDS_MAX = 300;

function isCurrent(state, authorization) {
  const endsAt = state.tokens.get(/^Bearer (.+)$/.exec(authorization ?? '')?.[1]);
  return endsAt !== undefined && Date.now() < endsAt;
}

function token(state, { body }) {
  const wrong = wrongOf(state, new URLSearchParams(body));
  if (wrong !== null) return { status: 400, body: { error: 'invalid_request', error_description: wrong } };
  const access = randomUUID();
  state.tokens.set(access, Date.now() + TOKEN_SECONDS * 1_000);
  return { status: 200, body: { access_token: access, token_type: 'Bearer', expires_in: String(TOKEN_SECONDS - 1) } };
}

/** What NHS England's platform asks of an assertion. */
function wrongOf(state, form) {
  if (form.get('grant_type') !== 'client_credentials') return 'grant_type';
  if (form.get('client_assertion_type') !== 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    return 'client_assertion_type';
  const parts = (form.get('client_assertion') ?? '').split('.');
  if (parts.length !== 3) return 'client_assertion';
  const [header, claims] = parts.slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));
  if (header.alg !== 'RS512' || !header.kid) return 'header';
  const now = Date.now() / 1_000;
  if (claims.iss !== claims.sub || claims.aud !== `${state.url}/oauth2/token`) return 'iss, sub or aud';
  if (!(claims.exp > now && claims.exp <= now + ASSERTION_SECONDS_MAX)) return 'exp';
  if (!isUuid(claims.jti) || state.used.has(claims.jti)) return 'jti';
  state.used.add(claims.jti);
  const signed = Buffer.from(parts.slice(0, 2).join('.'));
  return state.key !== null && verify('sha512', signed, state.key, Buffer.from(parts[2], 'base64url')) ? null : 'signature';
}

// ---------------------------------------------------------------- inboxes

/** What is not given to anybody now, in the order in which it may be given. */
function visible(state) {
  const now = Date.now();
  const found = [...state.messages].filter(([, { hiddenUntil }]) => hiddenUntil <= now);
  return state.shuffles
    ? found
        .map((one) => [state.random(), one])
        .sort(([a], [b]) => a - b)
        .map(([, one]) => one)
    : found;
}

async function sqs(state, { request, body }) {
  if (!isSigned(request, body)) return { status: 403, body: { __type: 'SignatureDoesNotMatch' } };
  const given = JSON.parse(body);
  if (!given.QueueUrl?.startsWith(state.url)) return { status: 400, body: { __type: 'QueueDoesNotExist' } };
  if (request.headers['x-amz-target'] === 'AmazonSQS.DeleteMessage') {
    state.messages.delete(given.ReceiptHandle);
    return { status: 200, body: {} };
  }
  const until = Date.now() + given.WaitTimeSeconds * 1_000;
  let found = visible(state);
  for (; found.length === 0 && Date.now() < until && !request.destroyed; found = visible(state)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const taken = found.slice(0, given.MaxNumberOfMessages);
  for (const [, message] of taken) message.hiddenUntil = Date.now() + state.visibilityMs;
  const Messages = taken.map(([id, { body: text }]) => ({
    ...{ MessageId: id, ReceiptHandle: id, Body: text, MD5OfBody: createHash('md5').update(text).digest('hex') },
  }));
  return { status: 200, body: Messages.length === 0 ? {} : { Messages } };
}

const hmac = (key, text) => createHmac('sha256', key).update(text).digest();
const sha256 = (text) => createHash('sha256').update(text).digest('hex');

/** AWS Signature Version 4. */
function isSigned({ method, headers }, body) {
  const found =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/sqs\/aws4_request, SignedHeaders=([^,]+), Signature=(\w+)$/.exec(
      headers.authorization ?? '',
    );
  if (found === null || found[1] !== ACCESS_KEY.accessKeyId) return false;
  const [, , day, region, names, signature] = found;
  const lines = names.split(';').map((name) => `${name}:${headers[name]}\n`);
  const canonical = `${method}\n/\n\n${lines.join('')}\n${names}\n${sha256(body)}`;
  const text = `AWS4-HMAC-SHA256\n${headers['x-amz-date']}\n${day}/${region}/sqs/aws4_request\n${sha256(canonical)}`;
  const key = hmac(hmac(hmac(hmac(`AWS4${ACCESS_KEY.secretAccessKey}`, day), region), 'sqs'), 'aws4_request');
  return hmac(key, text).toString('hex') === signature;
}

function mesh(state, { request, match: [, mailbox, id, acknowledges] }) {
  if (mailbox !== MAILBOX || !isOfMailbox(state, request.headers.authorization)) return { status: 403, body: {} };
  if (id === undefined) return { status: 200, body: { messages: visible(state).map(([one]) => one) } };
  const message = state.messages.get(id);
  if (request.method === 'PUT' && acknowledges) {
    state.messages.delete(id);
    return { status: 200, body: '' };
  }
  if (message === undefined) return { status: 404, body: {} };
  const headers = { 'mex-messageid': id, 'mex-messagetype': 'DATA', 'mex-workflowid': 'MNS_EVENTS' };
  return { status: 200, headers, body: message.body };
}

/** A nonce is taken once, and a time within two hours. */
function isOfMailbox(state, authorization) {
  const [scheme, rest = ''] = (authorization ?? '').split(' ');
  const [mailbox, nonce, count, time, hash] = rest.split(':');
  if (scheme !== 'NHSMESH' || state.used.has(`${nonce}:${count}`) || !/^\d{12}$/.test(time ?? '')) return false;
  state.used.add(`${nonce}:${count}`);
  const [year, month, day, hour, minute] = [time.slice(0, 4), ...time.slice(4).match(/../g)].map(Number);
  if (Math.abs(Date.UTC(year, month - 1, day, hour, minute) - Date.now()) > 7_200_000) return false;
  return hmac(SHARED_KEY, [mailbox, nonce, count, PASSWORD, time].join(':')).toString('hex') === hash;
}
