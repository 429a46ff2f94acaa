import { ApiProperty, ApiPropertyOptional, PickType } from '@nestjs/swagger';
import {
  AUTHORITIES,
  NOTICE,
  PURPOSES,
  type Authority,
  type Problem,
  type Purpose,
  type Resource,
  type ToReview,
} from '@weft/domain';
import type { WaitingCounts } from '@weft/hl7v2-processing';
import type { Apart, Corrected, ReviewCounts, SetAside, Unreadable, VersionCounts } from '@weft/processing';
import type { FindingCode } from './findings.js';
import { PersonAnswer } from './person.js';
import { PolicyInForceAnswer } from './policy-answers.js';

/** What is answered, as /docs shows it. */

const NHS_NUMBER_NOW = 'For individual care, the person’s NHS number now: of somebody of several numbers the surviving one';

class EntryAnswer {
  @ApiProperty({ description: '`<ODS code>/<resource type>/<resource id>`; beyond individual care a number within this answer' })
  id!: string;
  @ApiProperty()
  resourceType!: string;
  @ApiProperty({ description: 'ODS code of the organisation that recorded it; of research a number within this answer' })
  organisation!: string;
  @ApiProperty({ type: String, nullable: true, description: 'When it happened, as precisely as the purpose may know' })
  occurredAt!: string | null;
  @ApiProperty({ description: 'When Weft accepted the version in force, RFC 3339; beyond individual care its month or year' })
  recordedAt!: string;
  @ApiPropertyOptional({ description: NHS_NUMBER_NOW })
  nhsNumber?: string;
  @ApiProperty({ type: Object, description: 'FHIR R4' })
  resource!: Resource;
}

export class RecordAnswer {
  @ApiProperty({ enum: PURPOSES })
  purpose!: Purpose;
  @ApiProperty()
  policyVersion!: number;
  @ApiProperty({ description: 'Opaque; another one whenever the answer is another one' })
  version!: string;
  @ApiProperty({ type: [EntryAnswer], description: 'In the order in which things happened, those without a date first' })
  entries!: readonly EntryAnswer[];
  @ApiPropertyOptional({
    type: [Object],
    description:
      '`{ entry, fields }` each: entries whose own demographics cannot be one person’s (`birthDate`, and `family` where that differs ' +
      'too), or whose versions name several people (`nhsNumber`). Somebody should look whether one is filed under the wrong number',
  })
  review?: readonly ToReview[];
  @ApiPropertyOptional({ description: 'Of a page: how many entries the record has for this reader' })
  total?: number;
  @ApiPropertyOptional({ type: String, nullable: true, description: 'Of a page: where the next one is; null after the last one' })
  next?: string | null;
  @ApiPropertyOptional({ example: NOTICE, description: 'There where something is withheld and the policy has the reader told' })
  notice?: string;
  @ApiPropertyOptional({ description: 'A care event about the person stands in quarantine or is arriving, and is missing here' })
  waiting?: boolean;
  @ApiPropertyOptional({
    description: 'Governance alone: entries of the purpose’s concern that a decision or the policy holds back',
  })
  withheld?: number;
  @ApiPropertyOptional({
    description: 'Governance alone: SHA-256 of the entries without times of arrival, equal for equal views',
  })
  digest?: string;
}

class DecisionInForce {
  @ApiProperty()
  id!: string;
  @ApiProperty({ enum: AUTHORITIES })
  authority!: Authority;
  @ApiProperty({ enum: ['permit', 'deny'] })
  effect!: 'permit' | 'deny';
  @ApiProperty()
  decidedAt!: string;
  @ApiProperty({ description: '`patient`, `proxy`, `organisation` or `not-stated`' })
  decidedBy!: string;
  @ApiProperty({ type: Object, description: 'Who recorded it: `{ as, organisation, subject }`, as the token said' })
  recordedBy!: object;
  @ApiProperty()
  recordedAt!: string;
}

class ExplanationAnswer {
  @ApiProperty({ enum: PURPOSES })
  purpose!: Purpose;
  @ApiProperty()
  included!: boolean;
  @ApiProperty({
    description: 'The rule that decided, or `not-of-concern`, or `replaced` of a document in whose place a newer one stands',
  })
  rule!: string;
  @ApiProperty({ type: DecisionInForce, nullable: true })
  decision!: DecisionInForce | null;
  @ApiProperty({ description: 'What the patient reads' })
  plainEnglish!: string;
}

class ExplainedEntryAnswer {
  @ApiProperty()
  id!: string;
  @ApiProperty()
  resourceType!: string;
  @ApiProperty()
  organisation!: string;
  @ApiProperty({ type: String, nullable: true })
  occurredAt!: string | null;
  @ApiProperty()
  recordedAt!: string;
  @ApiPropertyOptional({ description: 'The person’s NHS number as it was then' })
  nhsNumber?: string;
  @ApiPropertyOptional({ description: 'The number that the entry was recorded under, where that is another one' })
  recordedUnder?: string;
  @ApiProperty({
    type: String,
    nullable: true,
    description: 'In a few words what it is about; null where direct care does not see it, and where `at` is given',
  })
  about!: string | null;
  @ApiProperty({ type: [ExplanationAnswer] })
  purposes!: readonly ExplanationAnswer[];
}

export class ExplainedRecordAnswer {
  @ApiProperty({ description: 'The instant explained, RFC 3339' })
  at!: string;
  @ApiProperty({ type: Number, nullable: true })
  policyVersion!: number | null;
  @ApiProperty({ type: String, nullable: true })
  policyName!: string | null;
  @ApiProperty({
    type: [Object],
    description:
      'Every decision known at that instant, in the order in which they came. `standsFor`: the purposes for which nothing later ' +
      'is current in its place; none where it is withdrawn, over, replaced or asked for by no rule',
  })
  decisions!: readonly object[];
  @ApiProperty({ type: [ExplainedEntryAnswer] })
  entries!: readonly ExplainedEntryAnswer[];
  @ApiProperty({
    type: [Object],
    description:
      '`{ entry, organisation, source, event, recordedAt, versionId, lastUpdated, retracts, why, plainEnglish }` each: versions that ' +
      'changed nothing (`why` `earlier` or `replaced`), or are in force though their version number and date disagree ' +
      '(`stands-by-arrival`), in the order in which they came; at most the last 500',
  })
  setAside!: readonly SetAside[];
  @ApiProperty({
    type: [Object],
    description:
      '`{ entry, organisation, what, plainEnglish }` each: entries that a later version moved to another NHS number (`what` ' +
      '`moved-away`) or from one (`moved-here`), or of which nobody can tell whose they are (`unclear`). The other number is not named',
  })
  corrected!: readonly Corrected[];
  @ApiProperty({
    type: String,
    nullable: true,
    description: 'The surviving NHS number, where the one asked for was merged into it',
  })
  movedTo!: string | null;
}

class ProblemItem implements Problem {
  @ApiProperty({ description: 'Path of the field' })
  field!: string;
  @ApiProperty({ description: 'Stable, for machines' })
  code!: string;
  @ApiProperty({ description: 'For people; never repeats an identifier' })
  message!: string;
}

export class CoordinatesAnswer {
  @ApiProperty({ example: 'weft.care-events.RX901' })
  topic!: string;
  @ApiProperty()
  partition!: number;
  @ApiProperty()
  offset!: number;
}

export class MendAnswer {
  @ApiProperty({ description: 'Of what is to go instead: approved is what has it' })
  digest!: string;
  @ApiProperty({ type: PersonAnswer })
  proposedBy!: PersonAnswer;
  @ApiProperty({ description: 'RFC 3339' })
  proposedAt!: string;
  @ApiProperty()
  reason!: string;
  @ApiPropertyOptional({ type: Object, description: 'Where the message is shown whole' })
  headers?: Readonly<Record<string, string>>;
  @ApiPropertyOptional({ description: 'The value, where the message is shown whole and it is UTF-8' })
  text?: string;
  @ApiPropertyOptional({ description: 'The value in Base64, where it is not' })
  base64?: string;
}

export class QuarantinedAnswer {
  @ApiProperty({ description: '`<topic>/<partition>/<offset>`', example: 'weft.care-events.RX901/0/17' })
  id!: string;
  @ApiProperty({ description: 'RFC 3339' })
  quarantinedAt!: string;
  @ApiProperty({ type: [ProblemItem] })
  problems!: readonly ProblemItem[];
  @ApiProperty({ type: CoordinatesAnswer, description: 'Where the message stood' })
  from!: CoordinatesAnswer;
  @ApiProperty({ description: 'Of the value' })
  bytes!: number;
  @ApiPropertyOptional({ description: 'The message in quarantine that this one was sent again for' })
  redrives?: string;
  @ApiPropertyOptional({ type: MendAnswer, description: 'What was proposed to go instead, and waits for approval' })
  mend?: MendAnswer;
}

export class QuarantinedWholeAnswer extends QuarantinedAnswer {
  @ApiProperty({ description: 'Of the message: the NHS number, if it was sound' })
  key!: string;
  @ApiProperty({ type: Object })
  headers!: Readonly<Record<string, string>>;
  @ApiPropertyOptional({ description: 'The value, where it is UTF-8' })
  text?: string;
  @ApiPropertyOptional({ description: 'The value in Base64, where it is not' })
  base64?: string;
}

class PartitionStatus {
  @ApiProperty()
  partition!: number;
  @ApiProperty({ description: 'Offset of the first message still there' })
  low!: number;
  @ApiProperty({ description: 'Offset that the next message will get' })
  high!: number;
}

class TopicStatus {
  @ApiProperty()
  topic!: string;
  @ApiProperty({ type: [PartitionStatus] })
  partitions!: readonly PartitionStatus[];
}

class GroupStatus {
  @ApiProperty()
  group!: string;
  @ApiProperty()
  topic!: string;
  @ApiProperty({ description: 'Messages not dealt with yet' })
  lag!: number;
  @ApiProperty({ description: 'For how long the oldest of them has waited; 0 for none' })
  waitSeconds!: number;
  @ApiProperty({ type: [Object], description: '`{ partition, committed, high }`; committed is null before the first commit' })
  partitions!: readonly { readonly partition: number; readonly committed: number | null; readonly high: number }[];
}

class CountsAnswer {
  @ApiProperty({ description: 'NHS numbers about which something was accepted or decided' })
  records!: number;
  @ApiProperty({ description: 'One of each record for each purpose' })
  views!: number;
  @ApiProperty()
  quarantined!: number;
}

class RegionFinding {
  @ApiProperty({ description: 'What it is, for programs' })
  code!: FindingCode;
  @ApiProperty({ description: 'What it is, and what follows from it, for people' })
  text!: string;
  @ApiProperty({ description: 'What mends it' })
  mend!: string;
}

export class StatusAnswer extends PickType(PolicyInForceAnswer, ['settingsDiffer', 'organisationsDiffer', 'codesDiffer']) {
  @ApiProperty({ description: 'Weft’s own' })
  version!: string;
  @ApiProperty({ description: 'The id of the region: every answer carries it as `weft-region`' })
  region!: string;
  @ApiProperty({ type: [RegionFinding], description: 'What somebody must see to, the worst first; empty where all is well' })
  findings!: readonly RegionFinding[];
  @ApiProperty()
  policyVersion!: number;
  @ApiProperty({ description: 'The latest version of the policy that every view and topic obeys' })
  policyApplied!: number;
  @ApiProperty({ type: [Object], description: '`{ purpose, version }` of each projection' })
  projections!: readonly { readonly purpose: Purpose; readonly version: number }[];
  @ApiProperty({ description: 'Messages that no projector has dealt with yet' })
  lag!: number;
  @ApiProperty({ description: 'Whether every change of what is shared is published to its purpose’s topic' })
  published!: boolean;
  @ApiProperty({
    description: 'How often the store was put back to an earlier state, or built anew, beside topics that were not',
  })
  epoch!: number;
  @ApiProperty({
    description: 'Messages that were read before and that the store does not have: no record is shown until they are read again',
  })
  messagesLost!: number;
  @ApiProperty({
    type: Number,
    nullable: true,
    description: 'Of how many people everything was published anew so far; null where that is not being done',
  })
  toldAnew!: number | null;
  @ApiProperty({
    type: Object,
    description:
      'How many records the publisher found unreadable, by why: `record-damaged` (events are missing) and `written-by-a-newer-weft`. Each is closed ' +
      'to everybody, and nothing of it is published',
  })
  recordsUnreadable!: Readonly<Partial<Record<Unreadable, number>>>;
  @ApiProperty({
    description:
      'For how long decisions have waited that nobody reads: what comes behind them is not shared meanwhile; 0 for none',
  })
  decisionsUnreadSeconds!: number;
  @ApiProperty({
    type: Object,
    description:
      '`{ receipts, brokers, leap, publishers }`, in whole seconds: how far the newest receipt is ahead of this machine’s time, and the brokers are ' +
      '(behind it: negative; null where there are none, or they have not said); by how much that leapt ahead less than a minute ago; and by topic ' +
      'how much later than its receipt its last message says it was sent, where that is over a minute',
  })
  clocksApartSeconds!: Apart;
  @ApiProperty({ type: [GroupStatus] })
  groups!: readonly GroupStatus[];
  @ApiProperty({ type: [TopicStatus] })
  topics!: readonly TopicStatus[];
  @ApiProperty({
    description: 'Messages in quarantine that may be objections: for each somebody’s record is closed until it is mended',
  })
  decisionsInQuarantine!: number;
  @ApiProperty({
    type: Object,
    description:
      '`{ people, organisations }`: how many people’s records for direct care have something to `review`, and in how ' +
      'many of them each organisation, by its ODS code, has a part',
  })
  recordsToReview!: ReviewCounts;
  @ApiProperty({
    type: Object,
    description:
      'By ODS code `{ setAside, disagreeing }`, since counting began: how many versions of its entries changed nothing because they came ' +
      'late or again, and how many are in force by their arrival alone, because their version number and their date disagree',
  })
  versions!: Readonly<Record<string, VersionCounts>>;
  @ApiProperty({
    type: Object,
    description:
      'By ODS code of who sends HL7 v2 `{ messages, reasons, since }`: how many messages wait, or parts of messages about several people, ' +
      'because it is not known whose they are, how many for which reason, and when the oldest was received; null where none waits',
  })
  hl7v2Waiting!: Readonly<Record<string, WaitingCounts>>;
  @ApiPropertyOptional({ type: CountsAnswer })
  counts?: CountsAnswer;
}

export class AuditAnswer {
  @ApiProperty({
    type: [Object],
    description:
      '`{ time, request, who, organisation, roles, action, purpose, patient, alsoOf?, outcome, about?, policyVersion, consentRevision }` ' +
      'each, in the order in which they were written. `alsoOf`: the person’s other numbers at that time, by key, whose entries were ' +
      'given too; an entry is in the audit of each of them, also once they are not one person any more. `told`: a subscriber was shown something of the person, said once a day; beyond ' +
      'individual care a person’s audit says by the day alone when that was',
  })
  entries!: readonly object[];
  @ApiProperty({ type: String, nullable: true, description: 'Where the next page is; null after the last one' })
  next!: string | null;
}

export class PersonAuditAnswer extends AuditAnswer {
  @ApiProperty({ description: 'First day listed, YYYY-MM-DD, UTC' })
  from!: string;
  @ApiProperty({ description: 'Last day listed' })
  to!: string;
  @ApiProperty({ type: String, nullable: true, description: 'What the list cannot say, for people' })
  note!: string | null;
}
