import type { Metrics } from '@weft/service';

/** What became of a message: stored, or why not. */
export type Became =
  | 'stored'
  | 'truncated'
  | 'too-large'
  | 'not-hl7'
  | 'no-control-id'
  | 'processing-id'
  | 'not-the-sender'
  | 'suspended'
  | 'unavailable';
/** Why a connection was not taken, or was ended. */
export type Ended = 'too-many' | 'not-a-sender' | 'handshake' | 'slow';
/** What is taken, and odd. */
export type Note = 'control-id-reused' | 'batch-count';

/** The figures of one listener. None of them names a person, a message or who sent it. */
export class Measures {
  constructor(
    private readonly metrics: Metrics,
    private readonly listener: string,
  ) {}

  became(outcome: Became): void {
    this.metrics
      .counter('weft_hl7v2_messages_total', 'HL7 v2 messages by what became of them', ['listener', 'outcome'])
      .inc({ listener: this.listener, outcome });
  }

  acknowledged(seconds: number): void {
    this.metrics
      .histogram('weft_hl7v2_acknowledgement_seconds', 'Time from the end of a frame to its acknowledgement', ['listener'])
      .observe({ listener: this.listener }, seconds);
  }

  noted(note: Note): void {
    this.metrics
      .counter('weft_hl7v2_notes_total', 'Messages and batches that are taken, and odd', ['listener', 'note'])
      .inc({ listener: this.listener, note });
  }

  noise(bytes: number): void {
    this.metrics
      .counter('weft_hl7v2_noise_bytes_total', 'Bytes outside any frame', ['listener'])
      .inc({ listener: this.listener }, bytes);
  }

  ended(reason: Ended): void {
    this.metrics
      .counter('weft_hl7v2_connections_refused_total', 'Connections not taken or ended, by reason', ['listener', 'reason'])
      .inc({ listener: this.listener, reason });
  }

  /** `connections` and `heldBytes` are read at each scrape. */
  watch(connections: () => number, heldBytes: () => number): void {
    const { metrics, listener } = this;
    metrics.gauge('weft_hl7v2_connections', 'Connections of engines now', ['listener'], (gauge) => {
      gauge.set({ listener }, connections());
    });
    metrics.gauge('weft_hl7v2_held_bytes', 'Bytes of open frames and of messages not durable yet', ['listener'], (gauge) => {
      gauge.set({ listener }, heldBytes());
    });
  }
}
