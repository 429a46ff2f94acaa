// npm run pds: a stand-in of PDS and of MNS' inboxes on this machine, for development and tests.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startPds } from './server.mjs';

const HELP = `npm run pds -- [options]
  A stand-in of the Personal Demographics Service (FHIR R4, with its token endpoint) and of the inboxes of national
  events (SQS-shaped and MESH-shaped). People who do not exist, kept in memory. Ctrl-C ends it.

  --port P              default 9080; 0 lets the system choose
  --people FILE         JSON: a list of { nhsNumber, version?, security?, deceasedDateTime?, deathNotificationStatus?,
                        generalPractitioner?, supersededBy?, invalidated? }
  --public-key FILE     PEM: PDS asks for an access token, given for an assertion that its private key signed (RS512)
  --form F              of signals: fhir (default) or cloudevent
  --duplicates N        from 0 to 1: how often a signal comes twice (default 0)
  --shuffle             signals come in any order
  --visibility S        seconds until a message that was taken and not deleted comes again (default 60)
  --test-signal S       sends the test signal every S seconds, as MNS does every 900 (default: never)
  --help                this

While it runs (each answers 204):
  POST /stand-in/people   a person, as in the file: what PDS says of them from now on
  POST /stand-in/signals  { type, subject?, versionId?, form? }: a signal into both inboxes
  POST /stand-in/faults   { nhsNumber?, status, retryAfter?, times? }: what PDS answers instead; without status it is over
  POST /stand-in/raw      anything: a message as it is
  GET  /stand-in          { asked, inbox }: whom PDS was asked for; how many messages nobody has acknowledged`;

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '9080' },
    people: { type: 'string' },
    'public-key': { type: 'string' },
    form: { type: 'string', default: 'fhir' },
    duplicates: { type: 'string', default: '0' },
    shuffle: { type: 'boolean', default: false },
    visibility: { type: 'string', default: '60' },
    'test-signal': { type: 'string', default: '0' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(HELP);
else await start();

async function start() {
  const numbers = ['port', 'duplicates', 'visibility', 'test-signal'];
  const wrong = numbers.find((name) => !(Number(values[name]) >= 0));
  if (wrong !== undefined || !['fhir', 'cloudevent'].includes(values.form)) {
    console.error(`--${wrong ?? 'form'} cannot be ${values[wrong ?? 'form']}; --help says what there is`);
    process.exit(2);
  }
  const standIn = await startPds({
    port: Number(values.port),
    people: values.people === undefined ? [] : JSON.parse(readFileSync(values.people, 'utf8')),
    ...(values['public-key'] !== undefined && { publicKey: readFileSync(values['public-key'], 'utf8') }),
    form: values.form,
    duplicates: Number(values.duplicates),
    shuffles: values.shuffle,
    visibilityMs: Number(values.visibility) * 1_000,
    testSignalSeconds: Number(values['test-signal']),
  });
  const { url, pdsUrl, tokenUrl, queueUrl, mailbox, password, sharedKey, credentials } = standIn;
  console.log(JSON.stringify({ url, pdsUrl, tokenUrl, queueUrl, ...credentials, mailbox, password, sharedKey }));
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void standIn.stop().then(() => process.exit(0)));
}
