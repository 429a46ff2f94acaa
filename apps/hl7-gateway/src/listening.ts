import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { type Hl7v2Listener, type Logger, SettingsError } from '@weft/service';
import { Connection, WAITS } from './connection.js';
import { Held } from './held.js';
import type { RawIntake } from './raw-intake.js';
import type { Measures } from './measures.js';

/** A listener that listens. */
export interface Listening {
  readonly port: number;
  /** Takes nobody any more; resolves once everybody has been answered and is gone. */
  stop(): Promise<void>;
}

const HANDSHAKE_MS = 20_000;
/** So long may an answer take to leave, and a sender to hang up. */
const CLOSING_MS = 2_000;

/** Throws SettingsError where it cannot listen there. */
export async function listenFor(
  listener: Hl7v2Listener,
  intake: RawIntake,
  measures: Measures,
  log: Logger,
  waits = WAITS,
): Promise<Listening> {
  const connections = new Map<Socket, Connection>();
  const held = new Held(listener.heldBytesMax);
  measures.watch(
    () => held.count,
    () => held.bytes,
  );
  const take = (socket: Socket): void => {
    connections.set(socket, new Connection(socket, listener, intake, held, measures, waits));
    socket.once('close', () => connections.delete(socket));
  };
  const server = listener.tls === undefined ? plainServer(take) : tlsServer(listener, take, measures, log);
  const sockets = new Set<Socket>();
  limitAddresses(server, listener, measures, sockets);
  await bound(server, listener);
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await Promise.all([...connections.values()].map((connection) => connection.stop()));
      const late = setTimeout(() => sockets.forEach((socket) => socket.destroy()), CLOSING_MS);
      await closed;
      clearTimeout(late);
    },
  };
}

/** A sender that closes its half still gets its answers. */
const plainServer = (take: (socket: Socket) => void): Server => createServer({ allowHalfOpen: true }, take);

/** The certificate says who sends: one of the right authority is not enough. */
function tlsServer({ name, tls }: Hl7v2Listener, take: (socket: Socket) => void, measures: Measures, log: Logger): Server {
  const { certificate: cert, key, authority: ca, subjects } = tls!;
  const server = createTlsServer(
    {
      ...{ cert, key, ca, minVersion: 'TLSv1.2', requestCert: true, rejectUnauthorized: true },
      ...{ allowHalfOpen: true, handshakeTimeout: HANDSHAKE_MS },
    },
    (socket) => {
      const subject = subjectOf(socket);
      if (subject !== null && subjects.includes(subject)) return take(socket);
      measures.ended('not-a-sender');
      log.warn({ listener: name, subject: subject?.slice(0, 200) }, 'a certificate that may not send HL7 v2 here');
      socket.on('error', () => undefined);
      socket.destroy();
    },
  );
  server.on('tlsClientError', () => measures.ended('handshake'));
  return server;
}

/** As OpenSSL writes it on one line, in the order of the certificate: `C=GB, O=Acute trust, CN=pas`. */
const subjectOf = (socket: TLSSocket): string | null => socket.getPeerX509Certificate()?.subject.split('\n').join(', ') ?? null;

/** Also keeps who is connected, whatever it has come to. */
function limitAddresses(
  server: Server,
  { connectionsPerAddress }: Hl7v2Listener,
  measures: Measures,
  sockets: Set<Socket>,
): void {
  const counts = new Map<string, number>();
  server.prependListener('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const count = (counts.get(address) ?? 0) + 1;
    counts.set(address, count);
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      const left = counts.get(address)! - 1;
      if (left === 0) counts.delete(address);
      else counts.set(address, left);
    });
    if (count <= connectionsPerAddress) return;
    measures.ended('too-many');
    socket.destroy();
  });
}

async function bound(server: Server, { name, host, port }: Hl7v2Listener): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  }).catch((error: NodeJS.ErrnoException) => {
    const message = `${name} cannot listen at ${host}:${port} (${error.code ?? 'unknown error'})`;
    throw new SettingsError([{ setting: 'WEFT_HL7V2_LISTENERS', message }]);
  });
}
