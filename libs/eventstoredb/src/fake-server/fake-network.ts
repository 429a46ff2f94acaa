import { connect, createServer, type Server, type Socket } from 'node:net';

/** What lies between client and server: TCP that can be cut, as by kill -9, or go silent, as by a cable that is pulled. */
export class FakeNetwork {
  port = 0;
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;

  /** Listens, on the port that it had before if it had one, and passes everything on. */
  async listen(inner: number): Promise<void> {
    const server = createServer((outside) => {
      const inside = connect(inner, '127.0.0.1');
      this.join(outside, inside);
      this.join(inside, outside);
    });
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, '127.0.0.1', resolve);
    });
    this.port = (server.address() as { port: number }).port;
  }

  /** Nobody listens any more, and every connection is gone. */
  cut(): void {
    this.server?.close();
    for (const socket of this.sockets) socket.destroy();
  }

  /** The connections that are there now stay, and never carry another byte. New ones are not touched. */
  freeze(): void {
    for (const socket of this.sockets) socket.unpipe().pause();
  }

  private join(from: Socket, to: Socket): void {
    this.sockets.add(from);
    from.on('error', () => {});
    from.on('close', () => {
      this.sockets.delete(from);
      to.destroy();
    });
    from.setNoDelay();
    from.pipe(to);
  }
}
