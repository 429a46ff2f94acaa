import { EventStoreDBClient, type ChannelCredentialOptions, type SingleNodeOptions } from '@eventstore/db-client';
import { StreamsClient } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type { Connection } from './connection-string.js';

/**
 * The client, with those of its edges filed off that can end the process. They are private to 6.2.1, the version that is pinned;
 * a test notices if one of these hooks is no longer called.
 */
export class Client extends EventStoreDBClient {
  private channel: ReturnType<EventStoreDBClient['getChannel']> | undefined;

  constructor(connection: Connection) {
    super(settings(connection), credentials(connection), connection.user);
    // After a failure the client replaces its channel, and waits for nobody to say that it could not: where no member of a cluster
    // is found, that is a rejection nobody handles.
    const replaceChannel = this.handleError;
    this.handleError = (client, error) => replaceChannel(client, error).catch(() => {});
    const getChannel = this.getChannel;
    this.getChannel = () => (this.channel = getChannel());
  }

  /** Does something on the connection that holds now. Where it fails as a connection does, the next call is made on another one. */
  onConnection<T>(action: (connection: StreamsClient) => Promise<T>): Promise<T> {
    return this.execute(StreamsClient, 'batchAppend', async (connection) => action(connection));
  }

  /** A bidirectional call, which lasts until it fails or is cancelled. */
  batchAppend(connection: StreamsClient): ReturnType<StreamsClient['batchAppend']> {
    return connection.batchAppend(...this.callArguments({ requiresLeader: true }, { deadline: Infinity }));
  }

  /** Ends every call of the client's own and the connection. */
  async disconnect(): Promise<void> {
    await this.dispose();
    const channel = await this.channel?.catch(() => undefined);
    channel?.close();
  }
}

function settings({ hosts, discover, options }: Connection): SingleNodeOptions {
  const [first, ...others] = hosts.map((host) => {
    const colon = host.lastIndexOf(':');
    return { address: host.slice(0, colon), port: Number(host.slice(colon + 1)) };
  });
  if (discover) return { ...options, discover: first } as never;
  return (others.length > 0 ? { ...options, endpoints: [first, ...others] } : { ...options, endpoint: first }) as never;
}

function credentials({ tls }: Connection): ChannelCredentialOptions {
  return tls === undefined ? { insecure: true } : { insecure: false, ...tls };
}
