import { readJson } from '@weft/care-events';
import { isObject } from '@weft/domain';
import { type Clock, EngineUnavailable } from '@weft/processing';
import type { Delivery, Inbox } from '../ports.js';
import { awsAuthorization, type AwsCredentials } from './aws-signature.js';
import { call } from './call.js';

export interface SqsQueue {
  /** `https://sqs.eu-west-2.amazonaws.com/<account>/<name>` */
  readonly url: string;
  readonly region: string;
  readonly credentials: AwsCredentials;
  /** How long a call waits for something to come, 0 to 20 seconds (default 20). */
  readonly waitSeconds?: number;
}

/** Until it is given again: time for the bus to take it. */
const VISIBILITY_SECONDS = 60;
const MESSAGES_MAX = 10;
const WAIT_SECONDS = 20;
/** Beyond the wait. */
const ANSWER_MS = 10_000;

/** An SQS queue, by its JSON protocol (AWS JSON 1.0). Standard queues give a message at least once, in no order. */
export function openSqsInbox(queue: SqsQueue, clock: Clock): Inbox {
  const { url: QueueUrl, waitSeconds = WAIT_SECONDS } = queue;
  return {
    kind: 'sqs',
    async receive(signal) {
      const asked = {
        QueueUrl,
        MaxNumberOfMessages: MESSAGES_MAX,
        WaitTimeSeconds: waitSeconds,
        VisibilityTimeout: VISIBILITY_SECONDS,
      };
      const { Messages = [] } = await callSqs(queue, clock, 'ReceiveMessage', asked, signal);
      if (!Array.isArray(Messages)) throw new EngineUnavailable('sqs', 'answers with no list of messages');
      return Messages.map((message): Delivery => {
        const { MessageId, ReceiptHandle, Body } = isObject(message) ? message : {};
        if (typeof MessageId !== 'string' || typeof ReceiptHandle !== 'string' || typeof Body !== 'string')
          throw new EngineUnavailable('sqs', 'answers with something that is no message');
        return {
          id: MessageId,
          body: new TextEncoder().encode(Body),
          acknowledge: async () => void (await callSqs(queue, clock, 'DeleteMessage', { QueueUrl, ReceiptHandle })),
        };
      });
    },
  };
}

async function callSqs(
  { url, region, credentials, waitSeconds = WAIT_SECONDS }: SqsQueue,
  clock: Clock,
  action: 'ReceiveMessage' | 'DeleteMessage',
  parameters: object,
  signal?: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const endpoint = new URL('/', url);
  const body = JSON.stringify(parameters);
  const headers = {
    'content-type': 'application/x-amz-json-1.0',
    host: endpoint.host,
    'x-amz-date': new Date(clock.now()).toISOString().replace(/[-:]|\.\d+/g, ''),
    'x-amz-target': `AmazonSQS.${action}`,
  };
  const authorization = awsAuthorization({ method: 'POST', url: endpoint, headers, body }, credentials, {
    region,
    service: 'sqs',
  });
  const timeoutMs = waitSeconds * 1_000 + ANSWER_MS;
  const answer = await call('sqs', endpoint.href, {
    ...{ method: 'POST', headers: { ...headers, authorization }, body, timeoutMs },
    ...(signal !== undefined && { signal }),
  });
  if (answer.status !== 200) throw new EngineUnavailable('sqs', `refuses ${action} (HTTP ${answer.status})`);
  if (answer.body.length === 0) return {};
  const reading = readJson(answer.body, action, answer.body.length);
  if (reading.ok && isObject(reading.event)) return reading.event;
  throw new EngineUnavailable('sqs', `answers ${action} with no JSON object`);
}
