import { convertToCommandError } from '@eventstore/db-client';
import type { StreamsClient } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type { BatchAppendReq, BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import { appendRequests, revisionIn } from './append-messages.js';
import type { Calls } from './calls.js';
import type { Client } from './client.js';
import { sentSize, type SentEvent } from './stored-event.js';

interface Waiting {
  readonly resolve: (answer: BatchAppendResp) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One bidirectional call. Each append on it waits for its own answer, by correlation id, and the answers come in any order. Where
 * the call fails, everything that waits on it fails, and nothing else.
 */
class AppendStream {
  private readonly waiting = new Map<string, Waiting>();
  /** Takes no more appends. */
  isOver = false;

  constructor(private readonly call: ReturnType<StreamsClient['batchAppend']>) {
    call.on('data', (answer: BatchAppendResp) => this.settle(answer));
    call.on('error', (error: Error) => this.fail(convertToCommandError(error)));
    call.on('end', () => this.fail(new Error('the server ended the stream of appends')));
  }

  ask(id: string, requests: readonly BatchAppendReq[]): Promise<BatchAppendResp> {
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      for (const request of requests) this.call.write(request);
    });
  }

  /** Whoever asked waits no longer. Where no answer came the call may have hung: it takes no more. */
  leave(id: string): void {
    if (this.waiting.delete(id)) this.retire();
  }

  /** Takes no more, and ends once nobody waits on it. By cancelling: the server does not end a call whose client only ended its side. */
  retire(): void {
    this.isOver = true;
    if (this.waiting.size === 0) this.call.cancel();
  }

  private settle(answer: BatchAppendResp): void {
    const id = answer.getCorrelationId()?.getString() ?? '';
    this.waiting.get(id)?.resolve(answer);
    this.waiting.delete(id);
    if (this.isOver) this.retire();
  }

  private fail(error: Error): void {
    this.isOver = true;
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}

/**
 * Appends, all on one call of the connection that holds now. The client's own batched appends share one table of who waits among all
 * clients of the process, so an error on one connection rejects them all; one call for each append costs three times the CPU.
 */
export class Appends {
  private current: { readonly connection: StreamsClient; readonly stream: AppendStream } | undefined;

  constructor(
    private readonly client: Client,
    private readonly calls: Calls,
  ) {}

  /** Gives the revision of the last event. Throws as the port does; never appends twice. */
  async append(stream: string, expected: number, events: readonly SentEvent[]): Promise<number> {
    const id = this.calls.surroundings.random.uuid();
    const requests = appendRequests(id, stream, expected, events);
    const asked = { stream, expected, get bytes() { return sentSize(events); } }; // prettier-ignore
    let used: AppendStream | undefined;
    try {
      return await this.calls.once(asked, async (isOver) => {
        const answer = await this.client.onConnection((connection) => {
          // It took so long to find a connection that nobody waits any more.
          if (isOver()) throw new Error('no connection in time');
          used = this.streamOn(connection);
          return used.ask(id, requests);
        });
        return revisionIn(answer, stream);
      });
    } finally {
      used?.leave(id);
    }
  }

  close(): void {
    this.current?.stream.retire();
  }

  /** A failed call is followed by a new one, and so is one on a connection that the client has given up. */
  private streamOn(connection: StreamsClient): AppendStream {
    if (this.current?.connection !== connection || this.current.stream.isOver) {
      this.current?.stream.retire();
      this.current = { connection, stream: new AppendStream(this.client.batchAppend(connection)) };
    }
    return this.current.stream;
  }
}
