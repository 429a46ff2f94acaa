import { describeInbox, type InboxHarness } from '@weft/testing';
import { type StandIn, startPds } from '../../../../infra/pds/server.mjs';
import type { Inbox } from '../ports.js';
import { openMeshInbox } from './mesh-inbox.js';
import { openSqsInbox } from './sqs-inbox.js';
import { world } from './world.fixture.js';

const sqsOf = ({ queueUrl: url, credentials }: StandIn): Inbox =>
  openSqsInbox({ url, region: 'eu-west-2', credentials, waitSeconds: 0 }, world.clock);
const meshOf = ({ url, mailbox, password, sharedKey }: StandIn): Inbox =>
  openMeshInbox({ url, mailbox, password, sharedKey, pollSeconds: 0 }, world);

const harnessOf = (open: (standIn: StandIn) => Inbox) => async (): Promise<InboxHarness> => {
  const standIn = await startPds({ visibilityMs: 3_600_000 });
  return {
    inbox: open(standIn),
    another: open(standIn),
    put: (body) => standIn.sendRaw(body),
    count: () => standIn.inboxed(),
    giveAgain: () => standIn.giveAgain(),
    close: () => standIn.stop(),
  };
};

describeInbox('a queue of SQS', harnessOf(sqsOf));
describeInbox('a mailbox of MESH', harnessOf(meshOf));

describe.each([
  [
    'a queue of SQS',
    (standIn: StandIn) => sqsOf({ ...standIn, credentials: { ...standIn.credentials, secretAccessKey: 'other' } }),
  ],
  ['a mailbox of MESH', (standIn: StandIn) => meshOf({ ...standIn, password: 'other' })],
])('%s that does not let the region in', (_, open) => {
  it('is said to be away, with what it answered', async () => {
    const standIn = await startPds();
    const inbox = open(standIn);
    await expect(inbox.receive(new AbortController().signal)).rejects.toThrow(/^(sqs|mesh): refuses .* \(HTTP 403\)$/);
    await standIn.stop();
  });
});
