// A real EventStoreDB for tests: the one that WEFT_EVENTSTORE_URL names, or a container where a Docker engine answers.
import { dockerEngine } from '../docker-engine.mjs';

const IMAGE = 'eventstore/eventstore:23.10.7-bookworm-slim';
const PORT = 2113;

/** Says aloud which server it is, or why there is none: no registry but Docker's has one to start. */
export async function eventStoreOrReason() {
  const found = await startEventStore().catch((error) => ({ reason: `Docker could not start it: ${error.message}` }));
  const { server, reason } = found;
  process.stderr.write(
    server ? `EventStoreDB for these tests: ${server.kind}\n` : `No EventStoreDB for these tests: ${reason}\n`,
  );
  return found;
}

async function startEventStore() {
  const named = process.env.WEFT_EVENTSTORE_URL;
  if (named) return { server: { kind: 'named', connectionString: named, stop: async () => {} } };
  const docker = await dockerEngine();
  if (docker === null) return { reason: 'WEFT_EVENTSTORE_URL is not set, and no Docker engine answers' };
  const container = await new docker.GenericContainer(IMAGE)
    .withEnvironment({ EVENTSTORE_INSECURE: 'true', EVENTSTORE_CLUSTER_SIZE: '1', EVENTSTORE_RUN_PROJECTIONS: 'None' })
    .withExposedPorts(PORT)
    .withWaitStrategy(docker.Wait.forHttp('/health/live', PORT).forStatusCode(204))
    .start();
  const address = `${container.getHost()}:${container.getMappedPort(PORT)}`;
  return {
    server: {
      kind: 'docker',
      connectionString: `esdb://${address}?tls=false&nodePreference=leader`,
      stop: async () => void (await container.stop()),
    },
  };
}
