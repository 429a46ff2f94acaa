import type { Person, Purpose, Subscriber } from '@weft/domain';
import { decodeSubscriptionBegun, encode, type SubscriptionBegun } from './encoding.js';
import { eventsOf } from './number.js';
import { subscribersStream } from './streams.js';
import { timestamp, type Wiring } from './wiring.js';
import { appendAtEnd } from './append.js';

/** Resolves once it is durable that this subscriber begins to be told of the purpose: plans of policies name them from then on. */
export async function noteSubscriber(
  { store, clock, random }: Pick<Wiring, 'store' | 'clock' | 'random'>,
  purpose: Purpose,
  { subject, organisation }: Person,
): Promise<void> {
  const begun: SubscriptionBegun = { type: 'subscription-begun-1', subject, organisation, at: timestamp(clock) };
  await appendAtEnd(store, subscribersStream(purpose), [encode(begun, random)]);
}

/** Everybody who was ever told of the purpose over HTTP, by organisation and subject: whoever left may hold copies still. */
export async function subscribersOf({ store }: Pick<Wiring, 'store'>, purpose: Purpose): Promise<Subscriber[]> {
  const found = new Map<string, Subscriber>();
  for await (const page of eventsOf(store, subscribersStream(purpose))) {
    for (const { subject, organisation, at } of page.map(decodeSubscriptionBegun)) {
      found.set(JSON.stringify([organisation ?? '', subject]), { organisation, subject, lastBegan: at });
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, subscriber]) => subscriber);
}
