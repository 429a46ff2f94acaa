import {
  AccessDeniedError,
  DeadlineExceededError,
  MaxAppendSizeExceededError,
  StreamDeletedError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import type { Status } from '@eventstore/db-client/generated/status_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { BatchAppendReq, BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import { NO_STREAM } from '@weft/processing';
import { sentSize, type SentEvent } from './stored-event.js';

/** More than this goes in several requests: gRPC bounds one message, and the ids of many small events outweigh their data. */
const REQUEST_BYTES = 1_048_576;
/** What a request carries with an event besides what the server counts. */
const FRAME_BYTES = 120;

/** One append as the server takes it: requests of one correlation id, the first with the options, the last one final. */
export function appendRequests(id: string, stream: string, expected: number, events: readonly SentEvent[]): BatchAppendReq[] {
  const requests = inRequests(events).map((some) => {
    const request = new streams.BatchAppendReq();
    request.setCorrelationId(new shared.UUID().setString(id));
    request.setProposedMessagesList(some.map(message));
    return request;
  });
  requests[0]?.setOptions(optionsFor(stream, expected));
  requests.at(-1)?.setIsFinal(true);
  return requests;
}

function inRequests(events: readonly SentEvent[]): SentEvent[][] {
  const requests: SentEvent[][] = [];
  let bytes = Infinity;
  for (const event of events) {
    if (bytes > REQUEST_BYTES) {
      requests.push([]);
      bytes = 0;
    }
    requests.at(-1)?.push(event);
    bytes += sentSize([event]) + FRAME_BYTES;
  }
  return requests;
}

/** Without a deadline: the server would compare it with its own clock, and one that is ahead of ours would refuse everything. */
function optionsFor(stream: string, expected: number): BatchAppendReq.Options {
  const options = new streams.BatchAppendReq.Options();
  options.setStreamIdentifier(new shared.StreamIdentifier().setStreamName(new TextEncoder().encode(stream)));
  if (expected === NO_STREAM) options.setNoStream(new shared.Empty());
  else options.setStreamPosition(String(expected));
  return options;
}

function message({ id, type, data, isJson, metadata }: SentEvent): BatchAppendReq.ProposedMessage {
  const proposed = new streams.BatchAppendReq.ProposedMessage();
  proposed.setId(new shared.UUID().setString(id));
  proposed
    .getMetadataMap()
    .set('type', type)
    .set('content-type', isJson ? 'application/json' : 'application/octet-stream');
  proposed.setData(data);
  if (metadata !== undefined) proposed.setCustomMetadata(metadata);
  return proposed;
}

/** Revision of the last event. Throws what the client throws for the same refusal of an append by itself. */
export function revisionIn(answer: BatchAppendResp, stream: string): number {
  const refusal = answer.getError();
  if (refusal !== undefined) throw errorOf(refusal, stream);
  const success = answer.getSuccess();
  if (success === undefined) throw new Error('the answer to an append says neither that it is written nor why not');
  return Number(success.getCurrentRevision());
}

function errorOf(refusal: Status, stream: string): Error {
  const details = refusal.getDetails();
  const bytes = details?.getValue_asU8() ?? new Uint8Array();
  switch (details?.getTypeName()) {
    case 'event_store.client.WrongExpectedVersion':
      return WrongExpectedVersionError.fromWrongExpectedVersion(shared.WrongExpectedVersion.deserializeBinary(bytes), stream);
    case 'event_store.client.StreamDeleted':
      return StreamDeletedError.fromStreamName(stream);
    case 'event_store.client.MaximumAppendSizeExceeded':
      return MaxAppendSizeExceededError.fromMaxAppendSize(
        shared.MaximumAppendSizeExceeded.deserializeBinary(bytes).getMaxappendsize(),
      );
    case 'event_store.client.AccessDenied':
      return new AccessDeniedError();
    case 'event_store.client.Timeout':
      return new DeadlineExceededError();
    case 'event_store.client.BadRequest':
      return withCode(refusal, shared.BadRequest.deserializeBinary(bytes).getMessage());
    default:
      return withCode(refusal, refusal.getMessage());
  }
}

function withCode(refusal: Status, text: string): Error {
  return Object.assign(new Error(text), { code: refusal.getCode() });
}
