import { status, type sendUnaryData, type ServerReadableStream, type ServerUnaryCall } from '@grpc/grpc-js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import type {
  AppendReq as AppendRequest,
  AppendResp as AppendResponse,
  BatchAppendReq as BatchRequest,
  DeleteReq as DeleteRequest,
} from '@eventstore/db-client/generated/streams_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { Refusal, type Expected, type FakeLog, type NewRecord } from './fake-log.js';
import { failure } from './failure.js';

const { AppendResp, DeleteResp, TombstoneResp } = streams;

/** `lose`: written, and then the server dies instead of answering. */
export function append(
  { log, limitBytes }: { readonly log: FakeLog; readonly limitBytes: number },
  call: ServerReadableStream<AppendRequest, AppendResponse>,
  answer: sendUnaryData<AppendResponse>,
  lose: (() => void) | undefined,
): void {
  const events: NewRecord[] = [];
  let options: AppendRequest.Options | undefined;
  let bytes = 0;
  call.on('data', (request: AppendRequest) => {
    options ??= request.getOptions();
    const message = request.getProposedMessage();
    if (message === undefined) return;
    const event = newRecord(message);
    bytes += sizeOf(event);
    events.push(event);
  });
  call.on('end', () => {
    if (bytes > limitBytes) return answer(tooLarge(limitBytes));
    if (events.some(isUnfit)) return answer(failure(status.UNKNOWN, 'Exception was thrown by handler.'));
    const stream = Buffer.from(options?.getStreamIdentifier()?.getStreamName() ?? '').toString();
    try {
      const { last, position } = log.append(stream, expectedOf(options), events);
      if (lose !== undefined) return lose();
      answer(null, success(last, position));
    } catch (error) {
      refuse(error, stream, options, answer);
    }
  });
}

export function remove(
  log: FakeLog,
  call: ServerUnaryCall<DeleteRequest, unknown>,
  answer: sendUnaryData<unknown>,
  how: 'delete' | 'tombstone',
): void {
  const stream = Buffer.from(call.request.getOptions()?.getStreamIdentifier()?.getStreamName() ?? '').toString();
  try {
    if (how === 'delete') log.softDelete(stream);
    else log.tombstone(stream);
    answer(null, how === 'delete' ? new DeleteResp() : new TombstoneResp());
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    answer(
      failure(status.FAILED_PRECONDITION, error.reason, {
        exception: error.reason,
        'stream-name': stream,
        'expected-version': '-2',
      }),
    );
  }
}

export function newRecord(message: AppendRequest.ProposedMessage | BatchRequest.ProposedMessage): NewRecord {
  return {
    id: message.getId()?.getString() ?? '',
    type: message.getMetadataMap().get('type') ?? '',
    contentType: message.getMetadataMap().get('content-type') ?? '',
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  };
}

export function sizeOf({ data, metadata, type }: NewRecord): number {
  return data.length + metadata.length + type.length * 2;
}

export function isUnfit({ id, type }: NewRecord): boolean {
  return !/^[0-9a-f-]{36}$/i.test(id) || type === '';
}

function expectedOf(options: AppendRequest.Options | undefined): Expected {
  if (options?.hasRevision() === true) return Number(options.getRevision());
  if (options?.hasNoStream() === true) return 'no-stream';
  return options?.hasStreamExists() === true ? 'stream-exists' : 'any';
}

function success(last: number, at: bigint): AppendResponse {
  const position = new AppendResp.Position();
  position.setCommitPosition(String(at));
  position.setPreparePosition(String(at));
  const done = new AppendResp.Success();
  done.setCurrentRevision(String(last));
  done.setPosition(position);
  const response = new AppendResp();
  response.setSuccess(done);
  return response;
}

function refuse(
  error: unknown,
  stream: string,
  options: AppendRequest.Options | undefined,
  answer: sendUnaryData<AppendResponse>,
): void {
  if (!(error instanceof Refusal)) throw error;
  if (error.reason === 'stream-deleted') {
    return answer(
      failure(status.FAILED_PRECONDITION, 'stream is deleted', { exception: 'stream-deleted', 'stream-name': stream }),
    );
  }
  const wrong = new AppendResp.WrongExpectedVersion();
  if (error.current < 0) wrong.setCurrentNoStream(new shared.Empty());
  else wrong.setCurrentRevision(String(error.current));
  if (options?.hasRevision() === true) wrong.setExpectedRevision(options.getRevision());
  else if (options?.hasNoStream() === true) wrong.setExpectedNoStream(new shared.Empty());
  const response = new AppendResp();
  response.setWrongExpectedVersion(wrong);
  answer(null, response);
}

function tooLarge(limitBytes: number): ReturnType<typeof failure> {
  return failure(status.INVALID_ARGUMENT, `Maximum Append Size of ${limitBytes} Exceeded.`, {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': String(limitBytes),
  });
}
