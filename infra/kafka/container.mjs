// The same node from Apache's image, where a Docker engine answers.
import { scramArguments, secretsOf, serverProperties } from './settings.mjs';

const IMAGE = 'apache/kafka:4.4.0';
const DIR = '/tmp/weft-kafka';
const PROPERTIES = '/tmp/server.properties';

/** A started container with the settings of `dir`, and the engine's own handle on it: what is killed keeps its files. */
export async function startContainer(
  { GenericContainer, Wait, engine },
  { dir, port, controllerPort, sasl, users, settings, heap },
) {
  const secrets = secretsOf(dir, { sasl, users });
  const bound = `CLIENT://0.0.0.0:${port},CONTROLLER://127.0.0.1:${controllerPort}`;
  const extra = { listeners: bound, ...settings };
  const properties = serverProperties({ dir: DIR, port, controllerPort, sasl, secrets, extra });
  const scram = sasl ? scramArguments(secrets.users) : [];
  const format = ['/opt/kafka/bin/kafka-storage.sh', 'format', '--ignore-formatted', '-t', secrets.clusterId, '-c', PROPERTIES];
  const script = `${[...format, ...scram].map(quoted).join(' ')} && exec /opt/kafka/bin/kafka-server-start.sh ${PROPERTIES}`;
  const container = await new GenericContainer(IMAGE)
    .withEntrypoint(['sh', '-c'])
    .withCommand([script])
    .withCopyContentToContainer([{ content: properties, target: PROPERTIES }])
    .withEnvironment({ KAFKA_HEAP_OPTS: `-Xmx${heap ?? '512m'}` })
    // Clients come back to the address that it advertises: the port may not change when it is started again.
    .withExposedPorts({ container: port, host: port })
    .withWaitStrategy(Wait.forListeningPorts())
    .start();
  return { secrets, container, handle: engine.getContainer(container.getId()) };
}

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
