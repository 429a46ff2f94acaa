import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { type Finding, MANIFEST_KINDS, type ManifestKind, type SignedStatement, type StatementJwk } from '@weft/reconciliation';

/** What is answered about manifests, as /docs shows it. */

class TalliedAnswer {
  @ApiProperty({ description: 'As the manifest says: different events or messages' })
  sent!: number;
  @ApiProperty({ description: 'Of those sent, whatever became of them' })
  arrived!: number;
  @ApiProperty({ description: 'Sent and not here. What was answered 4xx, or AR and AE, never arrived either' })
  missing!: number;
  @ApiProperty({ description: 'Of these the same came again; it counts once' })
  doubled!: number;
  @ApiProperty({ description: 'Of these something is in quarantine' })
  refused!: number;
  @ApiProperty({ description: 'Not dealt with yet, or it is not known whose it is' })
  waiting!: number;
  @ApiProperty({ description: 'Came in the manifest’s time by their sender’s clock, and not in the manifest' })
  unlisted!: number;
}

const DIGEST = 'SHA-256, hexadecimal: of the first 16 bytes of the SHA-256 of each name’s canonical JSON, ascending';

class DigestsAnswer {
  @ApiProperty({ description: DIGEST })
  missing!: string;
  @ApiProperty()
  doubled!: string;
  @ApiProperty()
  refused!: string;
  @ApiProperty()
  waiting!: string;
}

class ManifestAnswer {
  @ApiProperty({ description: 'SHA-256 of its bytes, hexadecimal' })
  digest!: string;
  @ApiProperty()
  items!: number;
}

class StatementAnswer {
  @ApiProperty({ enum: [1], description: 'The version of this form' })
  statement!: 1;
  @ApiProperty()
  id!: string;
  @ApiProperty({ description: 'Id of the region' })
  region!: string;
  @ApiProperty({ enum: MANIFEST_KINDS })
  kind!: ManifestKind;
  @ApiProperty({ description: 'ODS code' })
  organisation!: string;
  @ApiPropertyOptional({ description: 'Of HL7 v2, where the manifest names one' })
  listener?: string;
  @ApiProperty({ description: 'RFC 3339, as the manifest has it' })
  from!: string;
  @ApiProperty({ description: 'Not inclusive' })
  until!: string;
  @ApiProperty({ type: ManifestAnswer })
  manifest!: ManifestAnswer;
  @ApiProperty({ description: 'RFC 3339: what came later is not in it' })
  comparedAt!: string;
  @ApiProperty({ type: TalliedAnswer })
  counts!: TalliedAnswer;
  @ApiProperty({ type: DigestsAnswer })
  digests!: DigestsAnswer;
}

export class SignedStatementAnswer implements SignedStatement {
  @ApiProperty({ type: StatementAnswer })
  statement!: StatementAnswer;
  @ApiProperty({ description: 'A detached JWS by Ed25519 over the statement’s canonical JSON (RFC 8785)' })
  signature!: string;
}

class WhyRefusedAnswer {
  @ApiProperty()
  field!: string;
  @ApiProperty()
  code!: string;
}

class FindingAnswer implements Finding {
  @ApiProperty({ enum: ['missing', 'doubled', 'refused', 'waiting', 'unlisted'] })
  what!: Finding['what'];
  @ApiProperty({
    type: Number,
    nullable: true,
    description: 'Line of the manifest, or item of a JSON document; null: it has none',
  })
  at!: number | null;
  @ApiProperty()
  times!: number;
  @ApiPropertyOptional({ description: 'Of an event' })
  source?: string;
  @ApiPropertyOptional({ description: 'Of an event or a message' })
  id?: string;
  @ApiPropertyOptional({ description: 'Of an hour' })
  type?: string;
  @ApiPropertyOptional({ description: 'RFC 3339, UTC' })
  hour?: string;
  @ApiPropertyOptional({ type: [WhyRefusedAnswer], description: 'Why, where that says nothing of anybody else' })
  problems?: WhyRefusedAnswer[];
}

export class ReconciliationAnswer extends SignedStatementAnswer {
  @ApiProperty({ type: [FindingAnswer], description: 'The first 1,000; the statement counts all' })
  findings!: readonly Finding[];
  @ApiProperty({ description: 'How many findings are not listed' })
  more!: number;
}

class StatementJwkAnswer implements StatementJwk {
  @ApiProperty({ enum: ['OKP'] })
  kty!: 'OKP';
  @ApiProperty({ enum: ['Ed25519'] })
  crv!: 'Ed25519';
  @ApiProperty()
  x!: string;
  @ApiProperty()
  kid!: string;
  @ApiProperty({ enum: ['sig'] })
  use!: 'sig';
  @ApiProperty({ enum: ['EdDSA'] })
  alg!: 'EdDSA';
}

export class StatementKeysAnswer {
  @ApiProperty({ type: [StatementJwkAnswer] })
  keys!: StatementJwk[];
}
