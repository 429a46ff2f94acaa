import { allSettled, type EventBus, MESSAGE_LIMIT_BYTES, NATIONAL_EVENTS_TOPIC, type Timers } from '@weft/processing';
import type { Delivery, Inbox } from './ports.js';

interface ReceivingOptions {
  readonly onReceived?: (count: number) => void;
  /** The inbox, or the bus, failed: what was not acknowledged comes again. */
  readonly onFailure?: (error: unknown) => void;
  /** It stays in the inbox: it cannot be had whole, or the bus cannot carry it. */
  readonly onLeft?: (id: string) => void;
}

export interface Receiving {
  /** Resolves once nothing is under way. */
  stop(): Promise<void>;
}

/** Beside the body the bus carries a key and headers. */
const BODY_BYTES_MAX = MESSAGE_LIMIT_BYTES - 4_096;
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 30_000;

/**
 * Brings what is in an inbox onto the bus, as it came, for as long as it is not stopped. It is acknowledged to the inbox once it is durable there: who is
 * killed in between finds it in the inbox again, and a signal on the bus twice is told once.
 */
export function startReceiving(
  { bus, timers }: { readonly bus: Pick<EventBus, 'publish'>; readonly timers: Timers },
  inbox: Inbox,
  options: ReceivingOptions = {},
): Receiving {
  const stopping = new AbortController();
  const { signal } = stopping;
  const receiving = (async () => {
    for (let wait = RETRY_MS; !signal.aborted;) {
      try {
        await receiveOnce(bus, inbox, signal, options);
        wait = RETRY_MS;
      } catch (error) {
        if (signal.aborted) return;
        options.onFailure?.(error);
        await timers.sleep(wait, signal);
        wait = Math.min(2 * wait, RETRY_MAX_MS);
      }
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await receiving;
    },
  };
}

async function receiveOnce(
  bus: Pick<EventBus, 'publish'>,
  inbox: Inbox,
  signal: AbortSignal,
  { onReceived, onLeft }: ReceivingOptions,
): Promise<void> {
  const deliveries = await inbox.receive(signal);
  const fits = ({ body }: Delivery): boolean => body !== null && body.length <= BODY_BYTES_MAX;
  for (const delivery of deliveries) if (!fits(delivery)) onLeft?.(delivery.id);
  const fitting = deliveries.filter(fits);
  onReceived?.(fitting.length);
  if (fitting.length === 0) return;
  await bus.publish(fitting.map(({ body }) => ({ topic: NATIONAL_EVENTS_TOPIC, key: inbox.kind, value: body, headers: {} })));
  await allSettled(fitting.map((delivery) => delivery.acknowledge()));
}
