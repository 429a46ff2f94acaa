import {
  CARE_EVENTS_PREFIX,
  careEventsTopic,
  type Projector,
  type ProjectorOptions,
  startRecordProjector,
  type Wiring,
} from '@weft/processing';
import { projectorObserver, type Service } from '@weft/service';

/** How long a topic may be there before it is read. */
const LOOK_EVERY_MS = 2_000;

/**
 * Reads every topic of care events that the bus has: also one of an organisation that was suspended, or that no list names. What was
 * accepted is recorded, whatever became of its sender. A topic that comes while this runs is read from then on.
 */
export class TopicReader {
  topics: readonly string[] = [];
  private projector: Projector | undefined;
  private watching: Promise<void> = Promise.resolve();
  private readonly stopping = new AbortController();
  private readonly options: ProjectorOptions;

  constructor(
    private readonly service: Service,
    private readonly wiring: Wiring,
  ) {
    this.options = projectorObserver(service, 'record-projector');
  }

  async start(): Promise<void> {
    await this.readThose(await this.found());
    this.watching = this.watch();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.watching;
    await this.projector?.stop();
  }

  private async watch(): Promise<void> {
    const { signal } = this.stopping;
    for (;;) {
      await this.service.timers.sleep(LOOK_EVERY_MS, signal);
      if (signal.aborted) return;
      try {
        const topics = await this.found();
        if (topics.join() !== this.topics.join()) await this.readThose(topics);
      } catch (err) {
        // Without one running nothing is read at all.
        if (this.projector === undefined) this.options.onFailure?.(err);
        else this.service.log.warn({ err }, 'topics that are new cannot be looked for: those known go on');
      }
    }
  }

  /** Before anything of a new topic is read it is known whose it is. */
  private async readThose(topics: readonly string[]): Promise<void> {
    await this.service.organisations.look();
    const before = this.projector;
    this.projector = undefined;
    await before?.stop();
    this.projector = topics.length === 0 ? undefined : await startRecordProjector(this.wiring, topics, this.options);
    this.topics = topics;
    this.service.log.info({ topics: topics.length }, 'care events are read');
    this.warnOfMissing();
  }

  private async found(): Promise<string[]> {
    const topics = (await this.service.bus.topics()).map(({ topic }) => topic);
    return topics.filter((topic) => topic.startsWith(CARE_EVENTS_PREFIX)).sort();
  }

  private warnOfMissing(): void {
    const organisations = [...this.service.organisations.known.keys()].filter(
      (ods) => !this.topics.includes(careEventsTopic(ods)),
    );
    if (organisations.length > 0) {
      this.service.log.warn({ organisations }, 'organisations without a topic can send nothing: `weft topics --apply` makes it');
    }
  }
}
