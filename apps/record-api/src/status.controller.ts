import { Controller, Get, Inject, Req } from '@nestjs/common';
import { ApiBadRequestResponse, ApiOkResponse, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { type WaitingCounts, WaitingMessages } from '@weft/hl7v2-processing';
import {
  type Apart,
  CARE_RECORD_PREFIX,
  clocksApart,
  CONSENT_TOPIC,
  type EventStore,
  groupOf,
  HL7V2_PREFIX,
  isAllPublished,
  lagOf,
  loadEpoch,
  messagesLost,
  oldestUnread,
  policyApplied,
  positionsOf,
  recordTopics,
  Reviews,
  unpublishedSince,
  unreadableCounts,
  unreadSince,
  versionCounts,
  type Wiring,
} from '@weft/processing';
import {
  QuarantineTally,
  Roles,
  codesDiffer,
  organisationsDiffer,
  Service,
  settingsDiffer,
  WIRING,
  parameter,
  refuseOtherParameters,
  Example,
} from '@weft/service';
import type { FastifyRequest } from 'fastify';
import { StatusAnswer } from './answers.js';
import { VERSION } from './version.js';
import { STATUS } from './examples.js';
import { findingsOf } from './findings.js';

@ApiTags('operations')
@ApiBadRequestResponse({ description: 'A parameter is wrong, or unknown' })
@Controller('status')
export class StatusController {
  private readonly quarantine: QuarantineTally;
  private readonly reviews: Reviews;
  /** By organisation. */
  private readonly waiting = new Map<string, WaitingMessages>();

  constructor(
    @Inject(WIRING) private readonly wiring: Wiring,
    private readonly service: Service,
  ) {
    this.quarantine = new QuarantineTally(wiring.bus);
    this.reviews = new Reviews(wiring.store);
  }

  @Get()
  @Example(STATUS)
  @Roles('operations')
  @ApiOperation({ summary: 'Where the topics and the projectors stand, and how far behind they are' })
  @ApiQuery({ name: 'counts', required: false, description: 'true: count patients and quarantine too, which looks at every one' })
  @ApiOkResponse({ type: StatusAnswer })
  async status(@Req() request: FastifyRequest): Promise<StatusAnswer> {
    refuseOtherParameters(request, ['counts']);
    const { store, projections, policies } = this.wiring;
    const { settings } = this.service;
    const topics = await this.topics();
    const groups = await Promise.all(
      topics.flatMap(({ topic }) => {
        const group = groupOf(topic);
        return group === undefined ? [] : [this.group(group, topic)];
      }),
    );
    const adopted = await policies.current();
    const applied = await policyApplied(this.wiring);
    const decisionsInQuarantine = (await this.quarantine.count()).decisions;
    const decisionsUnreadSeconds = this.secondsSince(await unreadSince(this.wiring));
    const recordsUnreadable = await unreadableCounts(store);
    const { epoch, state, done } = await loadEpoch(store);
    const published = state === 'told' && (await isAllPublished(store));
    const restored = {
      messagesLost: await messagesLost(this.wiring, await recordTopics(this.wiring)),
      toldAnew: state === 'telling' ? done : null,
    };
    const clocksApartSeconds = inSeconds(await clocksApart(this.wiring));
    return {
      version: VERSION,
      region: this.service.region.id,
      findings: findingsOf({
        clocksApart: clocksApartSeconds,
        ...{ ...restored, decisionsInQuarantine, decisionsUnreadSeconds, recordsUnreadable },
        unread: groups
          .filter(({ topic }) => topic !== CONSENT_TOPIC)
          .map(({ group, topic, lag, waitSeconds }) => ({ group, topic, messages: lag, seconds: waitSeconds })),
        unpublishedSeconds: published ? 0 : this.secondsSince(await unpublishedSince(store)),
        policy: { version: adopted.version, seconds: this.secondsSince(Date.parse(adopted.adoptedAt)), applied },
      }),
      policyVersion: adopted.version,
      policyApplied: applied,
      settingsDiffer: settingsDiffer(settings, adopted.policy),
      organisationsDiffer: organisationsDiffer(settings, adopted.policy),
      codesDiffer: codesDiffer(settings, this.service.releasedCodes),
      projections: projections.map(({ purpose, version }) => ({ purpose, version })),
      lag: groups.reduce((sum, { lag }) => sum + lag, 0),
      ...{ published, epoch, ...restored, recordsUnreadable, decisionsUnreadSeconds, clocksApartSeconds },
      groups,
      topics,
      decisionsInQuarantine,
      recordsToReview: await this.reviews.count(),
      versions: await versionCounts(store, [...this.service.organisations.known.keys()]),
      hl7v2Waiting: await this.hl7v2Waiting(topics.map(({ topic }) => topic)),
      ...(parameter(request, 'counts') === 'true' && { counts: await this.counts() }),
    };
  }

  private async topics(): Promise<StatusAnswer['topics']> {
    const specs = (await this.wiring.bus.topics()).filter(({ topic }) => topic.startsWith('weft.'));
    specs.sort((a, b) => (a.topic < b.topic ? -1 : 1));
    return Promise.all(specs.map(async ({ topic }) => ({ topic, partitions: await this.wiring.bus.offsets(topic) })));
  }

  private async group(group: string, topic: string): Promise<StatusAnswer['groups'][number]> {
    const positions = await positionsOf(this.wiring.bus, group, topic);
    return {
      group,
      topic,
      lag: lagOf(positions),
      waitSeconds: this.secondsSince(await oldestUnread(this.wiring.bus, topic, positions)),
      partitions: positions.map(({ partition, committed, high }) => ({ partition, committed, high })),
    };
  }

  private async hl7v2Waiting(topics: readonly string[]): Promise<Readonly<Record<string, WaitingCounts>>> {
    const byHl7v2 = topics.filter((topic) => topic.startsWith(HL7V2_PREFIX)).map((topic) => topic.slice(HL7V2_PREFIX.length));
    const counts = byHl7v2.map(async (organisation) => {
      const messages = this.waiting.get(organisation) ?? new WaitingMessages(this.wiring, organisation);
      this.waiting.set(organisation, messages);
      return [organisation, await messages.count()] as const;
    });
    return Object.fromEntries(await Promise.all(counts));
  }

  private secondsSince(at: number | null): number {
    return at === null ? 0 : Math.max(0, Math.floor((this.wiring.clock.now() - at) / 1000));
  }

  private async counts(): Promise<NonNullable<StatusAnswer['counts']>> {
    const { store, projections } = this.wiring;
    const records = await count(store, CARE_RECORD_PREFIX);
    return {
      records,
      // As verify counts them.
      views: records * projections.length,
      quarantined: (await this.quarantine.count()).messages,
    };
  }
}

const inSeconds = ({ receipts, brokers, leap, publishers }: Apart): StatusAnswer['clocksApartSeconds'] => ({
  receipts: seconds(receipts),
  brokers: brokers === null ? null : seconds(brokers),
  leap: seconds(leap),
  publishers: Object.fromEntries(Object.entries(publishers).map(([topic, ms]) => [topic, seconds(ms)])),
});

const seconds = (ms: number): number => Math.round(ms / 1000);

async function count(store: EventStore, prefix: string): Promise<number> {
  let found = 0;
  for await (const _ of store.streams(prefix)) found += 1;
  return found;
}
