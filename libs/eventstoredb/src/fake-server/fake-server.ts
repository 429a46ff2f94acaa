import {
  Server,
  ServerCredentials,
  status,
  type Metadata,
  type ServiceError,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { GossipService } from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import gossip from '@eventstore/db-client/generated/gossip_pb.js';
import { ServerFeaturesService } from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import features from '@eventstore/db-client/generated/serverfeatures_pb.js';
import { StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { failure, type Fault } from './failure.js';
import { FakeLog } from './fake-log.js';
import { read, tooSlow } from './fake-reads.js';
import { FakeNetwork } from './fake-network.js';
import { serveBatches, type BatchHost } from './fake-batches.js';
import { append, remove } from './fake-writes.js';

/**
 * A fake EventStoreDB: the wire protocol of its Streams service, spoken by the real gRPC library, over a log in memory. It follows
 * what was observed on a 23.10 server and what that version's sources say, also where that is inconvenient. It proves that the
 * adapter and the client work together over a connection that breaks; it cannot prove that the real server behaves as described.
 */
export class FakeServer {
  readonly log = new FakeLog();
  /** Method names, one for each call that came; and `append` also for each append of a batch. */
  readonly calls: string[] = [];
  /** Calls that did not ask for the leader. */
  leaderless = 0;
  /** Events that subscriptions handed to the network. */
  eventsSent = 0;
  readonly network = new FakeNetwork();
  private server: Server | undefined;
  /** Calls of BatchAppend that are open. */
  batches = 0;
  /** Its MaxAppendSize. */
  limitBytes = 1_048_576;
  private held: (() => void)[] | undefined;
  private faults: { readonly method: string; readonly fault: Fault }[] = [];

  get connectionString(): string {
    return `esdb://${this.address}?tls=false`;
  }

  get address(): string {
    return `127.0.0.1:${this.network.port}`;
  }

  /** Listens on the port that it had before, if it had one. */
  async start(): Promise<void> {
    const server = new Server();
    server.addService(StreamsService as never, this.streams());
    server.addService(GossipService as never, {
      read: (_call: unknown, answer: (error: null, info: unknown) => void) => answer(null, this.members()),
    });
    server.addService(ServerFeaturesService as never, {
      getSupportedMethods: (_call: unknown, answer: (error: null, methods: unknown) => void) => {
        this.calls.push('getSupportedMethods');
        answer(null, supportedMethods());
      },
    });
    this.server = server;
    const inner = await new Promise<number>((resolve, reject) => {
      const credentials = ServerCredentials.createInsecure();
      server.bindAsync('127.0.0.1:0', credentials, (error, port) => (error === null ? resolve(port) : reject(error)));
    });
    await this.network.listen(inner);
  }

  /** As kill -9: connections break, what was written stays, what was only in memory is gone. */
  kill(): void {
    this.network.cut();
    this.server?.forceShutdown();
    this.server = undefined;
    this.log.forgetIds();
  }

  /** The next calls of a method go wrong. */
  willFail(method: string, ...faults: Fault[]): void {
    this.faults.push(...faults.map((fault) => ({ method, fault })));
  }

  /** Nothing goes wrong any more. */
  heal(): void {
    this.faults = [];
  }

  /** Appends of batches are done and not answered, until what this gives is called: then the last one first. */
  holdAnswers(): () => void {
    const held: (() => void)[] = (this.held = []);
    return () => {
      this.held = undefined;
      for (const send of held.reverse()) send();
    };
  }

  private streams(): UntypedServiceImplementation {
    const handle =
      (method: string, work: (call: never, answer: never, lose: (() => void) | undefined) => void) =>
      (call: { metadata: Metadata }, answer: (error: ServiceError) => void) => {
        this.calls.push(method);
        if (call.metadata.get('requires-leader')[0] !== 'true') this.leaderless += 1;
        const fault = this.takeFault(method);
        const fail = (error: ServiceError) =>
          typeof answer === 'function' ? answer(error) : (call as unknown as NodeJS.EventEmitter).emit('error', error);
        switch (fault) {
          case 'mute':
            return;
          case 'busy':
            return fail(failure(status.UNAVAILABLE, 'Server Is Too Busy'));
          case 'unimplemented':
            return fail(failure(status.UNIMPLEMENTED, 'Method is unimplemented.'));
          case 'too-slow':
            return fail(tooSlow());
          case 'access-denied':
            return fail(failure(status.PERMISSION_DENIED, 'Access Denied', { exception: 'access-denied' }));
          case 'not-leader':
            return fail(failure(status.NOT_FOUND, 'Leader info available', this.leader()));
          default:
            return work(call as never, answer as never, fault === 'lost' ? () => this.kill() : undefined);
        }
      };
    return {
      read: handle('read', (call) => read(this.log, call, this)),
      append: handle('append', (call, answer, lose) => append(this, call, answer, lose)),
      delete: handle('delete', (call, answer) => remove(this.log, call, answer, 'delete')),
      tombstone: handle('tombstone', (call, answer) => remove(this.log, call, answer, 'tombstone')),
      batchAppend: handle('batchAppend', (call) => serveBatches(this.batchHost(), call)),
    } as unknown as UntypedServiceImplementation;
  }

  private batchHost(): BatchHost {
    this.batches += 1;
    return {
      log: this.log,
      limitBytes: this.limitBytes,
      onAppend: () => {
        this.calls.push('append');
        return this.takeFault('append');
      },
      answer: (send) => (this.held === undefined ? send() : void this.held.push(send)),
      leader: () => this.leader(),
      kill: () => this.kill(),
      onEnd: () => (this.batches -= 1),
    };
  }

  private takeFault(method: string): Fault | undefined {
    const index = this.faults.findIndex((fault) => fault.method === method);
    return index < 0 ? undefined : this.faults.splice(index, 1)[0]?.fault;
  }

  private leader(): Record<string, string> {
    return { exception: 'not-leader', 'leader-endpoint-host': '127.0.0.1', 'leader-endpoint-port': String(this.network.port) };
  }

  private members(): unknown {
    const member = new gossip.MemberInfo();
    member.setState(gossip.MemberInfo.VNodeState.LEADER);
    member.setIsAlive(true);
    const endPoint = new gossip.EndPoint();
    endPoint.setAddress('127.0.0.1');
    endPoint.setPort(this.network.port);
    member.setHttpEndPoint(endPoint);
    const info = new gossip.ClusterInfo();
    info.setMembersList([member]);
    return info;
  }
}

/** Says that batched appends are there, so that a client that asks would use them. */
function supportedMethods(): unknown {
  const method = new features.SupportedMethod();
  method.setMethodName('batchappend');
  method.setServiceName('event_store.client.streams.streams');
  const methods = new features.SupportedMethods();
  methods.setEventStoreServerVersion('23.10.7');
  methods.setMethodsList([method]);
  return methods;
}
