// Whether a Docker engine answers on this machine. testcontainers is loaded only where there is a sign of one.
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const { DOCKER_HOST, XDG_RUNTIME_DIR } = process.env;
const SOCKETS = [
  '/var/run/docker.sock',
  join(homedir(), '.docker/run/docker.sock'),
  ...(XDG_RUNTIME_DIR ? [join(XDG_RUNTIME_DIR, 'docker.sock')] : []),
];

/** testcontainers and the engine's own client; null where no engine answers. */
export async function dockerEngine() {
  if (!DOCKER_HOST && !SOCKETS.some((socket) => existsSync(socket))) return null;
  const testcontainers = await import('testcontainers');
  try {
    const { container } = await testcontainers.getContainerRuntimeClient();
    return { ...testcontainers, engine: container.dockerode };
  } catch {
    return null;
  }
}
