import type { Problem, Purpose } from '@weft/domain';
import { VALIDATE_ONLY } from '@weft/service';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { BECAME, type Became } from './became.js';
import { LONGEST_WAIT_S } from './prefer.js';

/** What the gateway is asked and answers, as /docs shows it. */

export const VALIDATE_ONLY_QUERY = {
  name: VALIDATE_ONLY,
  required: false,
  schema: { type: 'boolean', default: false },
  description:
    'true: everything is judged as if it were published, and nothing is; the same errors, and 200 with what would be done',
} as const;

export class ItemProblem implements Problem {
  @ApiProperty({ description: 'Path of the field', example: 'entry[3].resource.birthDate' })
  field!: string;
  @ApiProperty({ description: 'Stable, for machines', example: 'structure' })
  code!: string;
  @ApiProperty({ description: 'For people; never repeats an identifier' })
  message!: string;
}

/** Why an answer to what was published may wait, as /docs shows it. */
export const PREFER_WAIT = {
  name: 'Prefer',
  required: false,
  description: `wait=<seconds>, at most ${LONGEST_WAIT_S}: the answer waits until the record has each event, and says in \`outcome\` what became of it`,
} as const;

const OUTCOME = {
  enum: BECAME,
  description:
    'With Prefer: wait. new: it is in the record; unchanged: it is, and its entry said the same or something later; ' +
    'duplicate: the record had it already; quarantined: it could not be recorded, and waits to be mended; pending: not known yet',
};

export class Accepted {
  @ApiProperty({ description: 'The CloudEvents id' })
  id!: string;
  @ApiProperty({ example: 'weft.care-events.RX901' })
  topic!: string;
  @ApiPropertyOptional({ description: 'Absent where it was only validated' })
  partition?: number;
  @ApiPropertyOptional({ description: 'Absent where it was only validated' })
  offset?: number;
  @ApiPropertyOptional(OUTCOME)
  outcome?: Became;
}

/** One item of many: accepted, with its place in the bus, or refused, with every field's error. */
export class ItemAnswer implements Partial<Accepted> {
  @ApiProperty({ description: 'Index in the batch that was sent' })
  entry!: number;
  @ApiProperty({ required: false })
  id?: string;
  @ApiProperty({ required: false })
  topic?: string;
  @ApiProperty({ required: false })
  partition?: number;
  @ApiProperty({ required: false })
  offset?: number;
  @ApiPropertyOptional(OUTCOME)
  outcome?: Became;
  @ApiProperty({ required: false, type: [ItemProblem] })
  errors?: readonly ItemProblem[];
  @ApiProperty({ required: false, type: [ItemProblem], description: 'What of its references stands as it was sent' })
  warnings?: readonly ItemProblem[];
}

export class ManyAnswer {
  @ApiProperty({ description: 'Events' })
  accepted!: number;
  @ApiProperty()
  refused!: number;
  @ApiProperty({ type: [ItemAnswer], description: 'In the order sent' })
  items!: readonly ItemAnswer[];
}

const DECISION_STATES = ['pending', 'obeyed', 'superseded', 'covers-nothing', 'quarantined', 'conflict'] as const;
export type DecisionState = (typeof DECISION_STATES)[number];

export class DecisionAnswer {
  @ApiPropertyOptional({
    description: 'Of the decision, for GET /consents/{id}; absent where it was only validated',
    example: '0-17',
  })
  id?: string;
  @ApiProperty({
    enum: DECISION_STATES,
    description:
      'obeyed: every view and topic of every purpose does what it says; superseded: a later decision is current in its place; ' +
      'covers-nothing: it names what is not in the record, or the policy does not ask for it; quarantined: it could not be read, and what it may deny is closed',
  })
  state!: DecisionState;
  @ApiProperty({ description: 'Whether it decides anything now, or will from `since` on' })
  standing!: boolean;
  @ApiProperty({ type: String, nullable: true, description: 'From when it counts, RFC 3339' })
  since!: string | null;
  @ApiProperty({ type: String, nullable: true, description: 'Until when, RFC 3339; null: for good' })
  until!: string | null;
  @ApiProperty({
    type: Object,
    required: false,
    description: 'For governance: by purpose, how many entries are shared, or withheld, because of it',
  })
  covers?: Readonly<Record<Purpose, number>>;
  @ApiProperty({ required: false, description: 'The event of the later decision that is current in its place' })
  supersededBy?: string;
  @ApiProperty({
    type: [ItemProblem],
    description: 'What of the Consent was left out, or is taken otherwise than it may have been meant',
  })
  warnings!: readonly ItemProblem[];
  @ApiProperty({ description: 'CloudEvents id and source of the event that carries it' })
  event!: string;
  @ApiProperty({ example: 'urn:ods:RX901' })
  source!: string;
}
