import type { PersonAsKept } from '@weft/testing';

export interface StandInSignal {
  readonly type: string;
  readonly subject?: string;
  /** As `W/"16"`. */
  readonly versionId?: string;
  readonly form?: 'fhir' | 'cloudevent';
  readonly id?: string;
  readonly time?: string;
}

export interface StandInFault {
  /** Absent: for everybody. */
  readonly nhsNumber?: string;
  /** Absent: it is over. */
  readonly status?: number;
  /** Of the OperationOutcome. */
  readonly code?: string;
  /** Seconds, or a date. */
  readonly retryAfter?: number | string;
  readonly times?: number;
}

export interface StandIn {
  readonly url: string;
  readonly pdsUrl: string;
  readonly tokenUrl: string;
  readonly queueUrl: string;
  readonly mailbox: string;
  readonly password: string;
  readonly sharedKey: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  put(person: PersonAsKept): void;
  fail(fault: StandInFault): void;
  /** Gives the signal's id. */
  send(signal: StandInSignal): string;
  /** Any text as a message. */
  sendRaw(body: string): void;
  /** Whoever asks is given what was received and not deleted. */
  giveAgain(): void;
  /** No token that was given is accepted any more. */
  dropTokens(): void;
  /** The numbers that PDS was asked for, in order. */
  asked(): string[];
  /** How many messages nobody has acknowledged. */
  inboxed(): number;
  stop(): Promise<void>;
}

export function startPds(options?: {
  readonly port?: number;
  readonly host?: string;
  readonly people?: readonly PersonAsKept[];
  /** PEM. */
  readonly publicKey?: string;
  readonly duplicates?: number;
  readonly shuffles?: boolean;
  readonly testSignalSeconds?: number;
  readonly form?: 'fhir' | 'cloudevent';
  /** Until a message that was received and not deleted is given again. */
  readonly visibilityMs?: number;
  readonly random?: () => number;
}): Promise<StandIn>;
