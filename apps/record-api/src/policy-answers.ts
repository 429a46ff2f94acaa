import { ApiExtraModels, ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import { PURPOSES, type PlannedSubscriber, type PurposePlan, type Purpose } from '@weft/domain';
import { PersonAnswer } from './person.js';
import { IsObject, IsString, Matches, MaxLength } from 'class-validator';

/** What is asked and answered about policies, as /docs shows it. */

export class PolicyToPlan {
  @ApiProperty({ type: Object, description: 'A policy document: `{ name, rules, … }`, as `GET /policy` gives one' })
  @IsObject()
  document!: Record<string, unknown>;
}

export class PolicyToPropose extends PolicyToPlan {
  @ApiProperty({ description: 'Why: kept with the policy for good', maxLength: 2_000 })
  @IsString()
  @Matches(/\S/, { message: 'says nothing' })
  @MaxLength(2_000)
  reason!: string;
}

export class PolicyAnswer {
  @ApiProperty()
  version!: number;
  @ApiProperty()
  name!: string;
  @ApiProperty({ description: 'RFC 3339' })
  adoptedAt!: string;
  @ApiProperty({ type: [Object], description: 'The first rule that applies decides; `plainEnglish` is what the patient reads' })
  rules!: readonly object[];
  @ApiProperty({ type: Object, description: 'Of each authority: who may record a decision under it, and who may lift a denial' })
  authorities!: object;
  @ApiProperty({ type: Object, description: 'Who may merge numbers, undo that, and say that somebody died' })
  identity!: object;
  @ApiProperty({ type: Object, description: '`own`: from this age on a person permits for themselves' })
  ages!: object;
  @ApiProperty({ type: [String], description: 'Codes that decisions may name though no entry carries them' })
  codes!: readonly string[];
  @ApiProperty({
    type: Object,
    description: '`{ withheld, silent }`: roles told that something is not shown, authorities of which nothing is said',
  })
  notices!: object;
  @ApiProperty({
    type: Object,
    description: '`individualCareMinutes`: so long what arrives waits in individual care for decisions that cannot be read',
  })
  waits!: object;
  @ApiProperty({ type: Object, description: 'What kind each organisation is, by ODS code' })
  organisations!: Readonly<Record<string, string>>;
}

export class PolicyInForceAnswer extends PolicyAnswer {
  @ApiProperty({ description: 'Whether `WEFT_POLICY` names another policy: that one is not in force until it is adopted' })
  settingsDiffer!: boolean;
  @ApiProperty({
    type: [String],
    description: 'ODS codes of which `WEFT_ORGANISATIONS` does not say the kind in force, which stays',
  })
  organisationsDiffer!: readonly string[];
  @ApiProperty({ description: 'Whether `WEFT_RELEASED_CODES` names other codes than those in force, which stay' })
  codesDiffer!: boolean;
}

class ReachAnswer {
  @ApiProperty()
  people!: number;
  @ApiProperty()
  entries!: number;
}

class PlannedSubscriberAnswer extends PersonAnswer implements PlannedSubscriber {
  @ApiProperty({ description: 'RFC 3339: when a subscription of theirs last began, to the day' })
  lastBegan!: string;
  @ApiProperty({ type: ReachAnswer, description: 'What they would be told' })
  opened!: ReachAnswer;
  @ApiProperty({ type: ReachAnswer, description: 'What they would be told to drop' })
  closed!: ReachAnswer;
}

class PurposePlanAnswer implements PurposePlan {
  @ApiProperty({ type: ReachAnswer, description: 'Withheld now, and shared then' })
  opened!: ReachAnswer;
  @ApiProperty({ type: ReachAnswer, description: 'Shared now, and withheld then' })
  closed!: ReachAnswer;
  @ApiProperty({
    type: [PlannedSubscriberAnswer],
    description:
      'Everybody who ever subscribed over HTTP. All subscribers of a purpose are told the same; who has left hears of it ' +
      'when they come again. Who reads the topic on Kafka itself is not known here',
  })
  subscribers!: readonly PlannedSubscriberAnswer[];
}

@ApiExtraModels(PurposePlanAnswer)
export class PlanAnswer {
  @ApiProperty({ description: 'Version of the policy that it was compared with' })
  inForce!: number;
  @ApiProperty({ description: 'RFC 3339' })
  plannedAt!: string;
  @ApiProperty({ description: 'Looked at' })
  people!: number;
  @ApiProperty({
    type: 'object',
    description: PURPOSES.join(', '),
    additionalProperties: { $ref: getSchemaPath(PurposePlanAnswer) },
  })
  purposes!: Readonly<Record<Purpose, PurposePlanAnswer>>;
  @ApiProperty({ type: [String], description: 'Why it may open something, now or later; empty where it can only close' })
  openings!: readonly string[];
  @ApiProperty({ description: 'Whether its adoption needs a second person' })
  opens!: boolean;
}

const STATES = ['planning', 'waiting', 'adopted', 'overtaken', 'in-force'] as const;

export class ProposalAnswer {
  @ApiProperty({ format: 'uuid' })
  id!: string;
  @ApiProperty({
    enum: STATES,
    description:
      '`planning`: looking at everybody; `waiting`: for a second person; `overtaken`: another policy came in between; `in-force`: already, nothing to do',
  })
  state!: (typeof STATES)[number];
  @ApiPropertyOptional({ description: 'While it is planned: people looked at so far' })
  people?: number;
  @ApiPropertyOptional({ description: 'While it is planned: what to do if this process ends before that is done' })
  note?: string;
  @ApiPropertyOptional()
  name?: string;
  @ApiPropertyOptional()
  reason?: string;
  @ApiPropertyOptional({ description: 'Whether it opens anything, and so needs a second person' })
  opens?: boolean;
  @ApiPropertyOptional({ type: PersonAnswer })
  proposedBy?: PersonAnswer;
  @ApiPropertyOptional({ description: 'RFC 3339' })
  proposedAt?: string;
  @ApiPropertyOptional({ type: PersonAnswer, nullable: true })
  authorisedBy?: PersonAnswer | null;
  @ApiPropertyOptional({ type: Number, nullable: true, description: 'The version it was adopted as, or that overtook it' })
  version?: number | null;
  @ApiPropertyOptional({ type: PlanAnswer })
  plan?: PlanAnswer;
  @ApiPropertyOptional({ type: Object, description: 'Of one proposal: the policy whole' })
  document?: object;
}

export class PolicyVersionAnswer {
  @ApiProperty()
  version!: number;
  @ApiProperty()
  name!: string;
  @ApiProperty({ description: 'RFC 3339' })
  adoptedAt!: string;
  @ApiProperty({ description: 'Whether every view and topic obeys it; readers do from its adoption on' })
  applied!: boolean;
  @ApiProperty({
    type: String,
    enum: ['settings', 'governance'],
    nullable: true,
    description: 'null: adopted before anybody was asked',
  })
  by!: 'settings' | 'governance' | null;
  @ApiPropertyOptional({ description: 'Of governance’s: id of the proposal' })
  proposal?: string;
  @ApiPropertyOptional()
  reason?: string;
  @ApiPropertyOptional({ type: PersonAnswer })
  proposedBy?: PersonAnswer;
  @ApiPropertyOptional({ description: 'RFC 3339' })
  proposedAt?: string;
  @ApiPropertyOptional({ type: PersonAnswer, nullable: true, description: 'null: it opened nothing' })
  authorisedBy?: PersonAnswer | null;
  @ApiPropertyOptional({ type: PlanAnswer, description: 'What it opened and closed, as planned at its adoption' })
  plan?: PlanAnswer;
}
