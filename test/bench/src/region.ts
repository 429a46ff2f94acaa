import { toMessage, type AcceptedEvent } from '@weft/care-events';
import { applyPolicy, isAllPublished, regionTopics, type OutgoingMessage, type Wiring } from '@weft/processing';
import { loadSettings, createRegion, openWiring, firstPolicy, sealOf, type Service } from '@weft/service';
import type { BenchEvent } from './care-events.js';

/** Secrets of the bench: with the same ones the same people have the same keys in every process. */
export const SECRETS = {
  WEFT_REGION_SECRET: 'region-secret-of-the-benchmarks-only',
  WEFT_RESEARCH_SECRET: 'research-secret-of-the-benchmarks-only',
};

/** Of a topic on Kafka: as many as an embedded one has. */
const PARTITIONS = 4;

export interface Region {
  readonly service: Service;
  readonly wiring: Wiring;
  close(): Promise<void>;
}

/** Weft as production opens it: the settings choose the engines, by default those embedded in `directory`. */
export async function openRegion(directory: string, environment: Readonly<Record<string, string>> = {}): Promise<Region> {
  const settings = loadSettings({ ...SECRETS, WEFT_DATA_DIR: directory, WEFT_LOG_LEVEL: 'fatal', ...environment });
  const service = await createRegion(settings);
  const wiring = openWiring(service);
  if (settings.kafka !== undefined) await service.bus.createTopics(regionTopics(settings.organisations, PARTITIONS));
  // The policy is adopted and said to be applied, as a region that runs has it: a later start finds nothing to do.
  await applyPolicy(wiring, firstPolicy(service.settings));
  return { service, wiring, close: () => service.close() };
}

/** What the gateway would put on the bus for an event that it has found sound, the seal of its validation included. */
export function sealedMessage({ service }: Region): (event: BenchEvent) => OutgoingMessage {
  const seal = sealOf(service.settings);
  return (event) => toMessage(accepted(event), { seal });
}

function accepted({ id, source, ods, subject, time, resource }: BenchEvent): AcceptedEvent {
  return { type: 'care-event-recorded-1', id, source, organisation: ods, subject, time, resource };
}

/** Until everything that changed is published to the subscribers' topics. */
export async function untilPublished({ wiring }: Region): Promise<void> {
  while (!(await isAllPublished(wiring.store))) await wiring.timers.sleep(1);
}
