import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { isAmong, withoutPrefix } from './ip-addresses.js';
import type { Settings } from './settings.js';

type Asked = Pick<FastifyRequest, 'headers' | 'socket'>;

/**
 * The address that links carry, without a slash at its end: the setting; else what a trusted proxy says; else where this process was
 * reached. Never the caller's Host, by which somebody could have others sent, with their tokens, to a server of their own.
 */
export function publicAddressOf({ publicUrl, trustedProxies }: Settings, { headers, socket }: Asked): string {
  return publicUrl ?? (isAmong(trustedProxies, socket.remoteAddress) ? forwarded(headers) : undefined) ?? reachedAt(socket);
}

const HOST = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::\d{1,5})?$/i;

/** What the nearest proxy says, which is the last where several have said something. */
function forwarded(headers: Asked['headers']): string | undefined {
  const [protocol = '', host = ''] = ['x-forwarded-proto', 'x-forwarded-host'].map((name) =>
    String(headers[name] ?? '')
      .split(',')
      .at(-1)
      ?.trim(),
  );
  return /^https?$/.test(protocol) && HOST.test(host) ? `${protocol}://${host}` : undefined;
}

function reachedAt({ localAddress = '127.0.0.1', localPort }: Asked['socket']): string {
  const address = withoutPrefix(localAddress);
  return `http://${isIP(address) === 6 ? `[${address}]` : address}:${localPort}`;
}
