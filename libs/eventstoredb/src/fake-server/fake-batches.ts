import { status, type ServerDuplexStream } from '@grpc/grpc-js';
import codes from '@eventstore/db-client/generated/code_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import statuses from '@eventstore/db-client/generated/status_pb.js';
import type { Status as ErrorStatus } from '@eventstore/db-client/generated/status_pb.js';
import type {
  BatchAppendReq as BatchRequest,
  BatchAppendResp as BatchResponse,
} from '@eventstore/db-client/generated/streams_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import any from 'google-protobuf/google/protobuf/any_pb.js';
import { failure, type Fault } from './failure.js';
import { Refusal, type Expected, type FakeLog, type NewRecord } from './fake-log.js';
import { isUnfit, newRecord, sizeOf } from './fake-writes.js';

const { BatchAppendResp } = streams;
const { Status } = statuses;
const { Code } = codes;

/** What of the server a call needs. */
export interface BatchHost {
  readonly log: FakeLog;
  readonly limitBytes: number;
  /** An append begins: what goes wrong with it. */
  onAppend(): Fault | undefined;
  /** Now, or when the test has it. */
  answer(send: () => void): void;
  leader(): Readonly<Record<string, string>>;
  kill(): void;
  onEnd(): void;
}

interface Gathered {
  readonly options: BatchRequest.Options;
  readonly fault: Fault | undefined;
  readonly events: NewRecord[];
}

/**
 * One bidirectional call of BatchAppend, as BatchAppendWorker of 23.10 serves it: requests of one correlation id are gathered until
 * the final one, the id comes back as it was sent, and a client that ends its side alone waits for ever.
 */
export function serveBatches(host: BatchHost, call: ServerDuplexStream<BatchRequest, BatchResponse>): void {
  const gathered = new Map<string, Gathered>();
  let isOpen = true;
  const onEnd = () => {
    if (isOpen) host.onEnd();
    isOpen = false;
  };
  for (const event of ['cancelled', 'error', 'finish']) call.on(event, onEnd);
  call.on('data', (request: BatchRequest) => {
    const id = request.getCorrelationId()?.getString() ?? '';
    const options = request.getOptions();
    const answer = (response: BatchResponse) =>
      host.answer(() => isOpen && call.write(response.setCorrelationId(request.getCorrelationId())));
    if (options !== undefined && !gathered.has(id)) {
      const fault = host.onAppend();
      if (fault === 'access-denied') return answer(refusing('AccessDenied', Code.PERMISSION_DENIED, new shared.AccessDenied()));
      gathered.set(id, { options, fault, events: [] });
    }
    const write = gathered.get(id);
    if (write === undefined) return;
    write.events.push(...request.getProposedMessagesList().map(newRecord));
    const unfit = unfitness(host, write.events);
    if (unfit !== undefined) answer(unfit);
    if (unfit !== undefined || request.getIsFinal()) gathered.delete(id);
    if (unfit === undefined && request.getIsFinal()) conclude(host, call, write, answer);
  });
}

function unfitness({ limitBytes }: BatchHost, events: readonly NewRecord[]): BatchResponse | undefined {
  if (events.reduce((sum, event) => sum + sizeOf(event), 0) > limitBytes) {
    const details = new shared.MaximumAppendSizeExceeded().setMaxappendsize(limitBytes);
    return refusing('MaximumAppendSizeExceeded', Code.INVALID_ARGUMENT, details);
  }
  if (!events.some(isUnfit)) return undefined;
  return refusing('BadRequest', Code.INVALID_ARGUMENT, new shared.BadRequest().setMessage('Unrecognized Guid format.'));
}

function conclude(
  host: BatchHost,
  call: ServerDuplexStream<BatchRequest, BatchResponse>,
  { options, fault, events }: Gathered,
  answer: (response: BatchResponse) => void,
): void {
  switch (fault) {
    case 'mute':
      return;
    case 'busy':
      return answer(notHandled('Server Is Busy'));
    case 'not-ready':
      return answer(notHandled('Server Is Not Ready'));
    case 'not-leader':
      return void call.emit('error', failure(status.NOT_FOUND, 'Leader info available', host.leader()));
    case 'broken':
      return void call.emit('error', failure(status.UNKNOWN, 'Exception was thrown by handler.'));
    case 'ended':
      return void call.end();
    default:
  }
  const response = written(host.log, options, events);
  if (fault === 'lost') return host.kill();
  answer(fault === 'timed-out' ? refusing('Timeout', Code.DEADLINE_EXCEEDED, new shared.Timeout()) : response);
}

function written(log: FakeLog, options: BatchRequest.Options, events: readonly NewRecord[]): BatchResponse {
  const stream = Buffer.from(options.getStreamIdentifier()?.getStreamName_asU8() ?? '').toString();
  try {
    const { last, position } = log.append(stream, expectedOf(options), events);
    const at = new shared.AllStreamPosition().setCommitPosition(String(position)).setPreparePosition(String(position));
    return new BatchAppendResp().setSuccess(new BatchAppendResp.Success().setCurrentRevision(String(last)).setPosition(at));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.reason === 'stream-deleted') return refusing('StreamDeleted', Code.NOT_FOUND, new shared.StreamDeleted());
    return refusing('WrongExpectedVersion', Code.ALREADY_EXISTS, conflict(options, error.current));
  }
}

function expectedOf(options: BatchRequest.Options): Expected {
  if (options.hasStreamPosition()) return Number(options.getStreamPosition());
  if (options.hasNoStream()) return 'no-stream';
  return options.hasStreamExists() ? 'stream-exists' : 'any';
}

function conflict(options: BatchRequest.Options, current: number): InstanceType<typeof shared.WrongExpectedVersion> {
  const wrong = new shared.WrongExpectedVersion();
  if (current < 0) wrong.setCurrentNoStream(new shared.Empty());
  else wrong.setCurrentStreamRevision(String(current));
  if (options.hasStreamPosition()) return wrong.setExpectedStreamPosition(options.getStreamPosition());
  return wrong.setExpectedNoStream(new shared.Empty());
}

/** The message is the bare name, as a real server's is; what matters stands in the details. */
function refusing(name: string, code: codes.Code, details: { serializeBinary(): Uint8Array }): BatchResponse {
  const packed = new any.Any();
  packed.pack(details.serializeBinary(), `event_store.client.${name}`);
  return refusal(new Status().setMessage(name).setCode(code).setDetails(packed));
}

/** Of what the server did not even try, it sets no code. */
function notHandled(message: string): BatchResponse {
  const packed = new any.Any();
  packed.pack(new Uint8Array(), 'google.protobuf.Empty');
  return refusal(new Status().setMessage(message).setDetails(packed));
}

function refusal(error: ErrorStatus): BatchResponse {
  return new BatchAppendResp().setError(error);
}
