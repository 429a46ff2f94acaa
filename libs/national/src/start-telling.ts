import { NATIONAL_EVENTS_TOPIC, NATIONAL_GROUP, type Projector, type ProjectorOptions } from '@weft/processing';
import type { Demographics } from './ports.js';
import { type SignalBecame, type SignalWiring, type Teller, TellSignals } from './tell-signals.js';

/** Tells what comes of the raw signals on the bus. */
export async function startTelling(
  wiring: SignalWiring,
  demographics: Demographics,
  teller: Teller,
  options: ProjectorOptions & { readonly onSignal?: (became: SignalBecame) => void } = {},
): Promise<Projector> {
  const work = new TellSignals(wiring, demographics, teller, options.onSignal);
  const consumer = await wiring.bus.consume({
    group: NATIONAL_GROUP,
    topics: [NATIONAL_EVENTS_TOPIC],
    onBatch: async (batch, context) => {
      await work.handle(batch, context);
      options.onBatch?.(batch);
    },
    ...(options.onFailure === undefined ? {} : { onFailure: options.onFailure }),
  });
  return { consumer, stop: () => consumer.stop() };
}
