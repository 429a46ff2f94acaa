import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { Purpose } from '@weft/domain';
import { PROJECTIONS } from '@weft/domain';
import type { ReIdentification } from '@weft/processing';
import { IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { PersonAnswer } from './person.js';

/** What is asked and answered about re-identifications, as /docs shows it. */

/** Purposes that know people by pseudonyms. */
const PSEUDONYMOUS = PROJECTIONS.filter(({ identifies }) => !identifies).map(({ purpose }) => purpose);

export class SubjectMeant {
  @ApiPropertyOptional({ description: 'Where a pseudonym is asked for', example: '9990000018' })
  @IsOptional()
  @IsString()
  nhsNumber?: string;
  @ApiPropertyOptional({ description: 'Where an NHS number is asked for: `subject` of the purpose’s feed' })
  @IsOptional()
  @IsString()
  pseudonym?: string;
}

export class ReIdentificationToPropose extends SubjectMeant {
  @ApiProperty({ enum: PSEUDONYMOUS, description: 'Whose pseudonym it is' })
  @IsIn(PSEUDONYMOUS)
  purpose!: Purpose;
  @ApiProperty({ description: 'Why, and by what right; kept for good, in the person’s audit too', maxLength: 2_000 })
  @IsString()
  @Matches(/\S/, { message: 'says nothing' })
  @MaxLength(2_000)
  reason!: string;
}

export class ReIdentificationAnswer implements ReIdentification {
  @ApiProperty({ format: 'uuid' })
  id!: string;
  @ApiProperty({
    enum: ['waiting', 'authorised', 'disclosed', 'expired'],
    description: '`waiting`: for a second person; `authorised`: may be disclosed, once, to either of the two',
  })
  state!: ReIdentification['state'];
  @ApiProperty({ enum: PSEUDONYMOUS })
  purpose!: Purpose;
  @ApiProperty({ enum: ['nhs-number', 'pseudonym'], description: 'What is known of the person; the other one is asked for' })
  known!: ReIdentification['known'];
  @ApiProperty()
  reason!: string;
  @ApiProperty({ type: PersonAnswer })
  proposedBy!: PersonAnswer;
  @ApiProperty({ description: 'RFC 3339' })
  proposedAt!: string;
  @ApiProperty({ type: PersonAnswer, nullable: true })
  authorisedBy!: PersonAnswer | null;
  @ApiProperty({ type: String, nullable: true, description: 'RFC 3339' })
  authorisedAt!: string | null;
  @ApiProperty({ type: PersonAnswer, nullable: true })
  disclosedTo!: PersonAnswer | null;
  @ApiProperty({ type: String, nullable: true, description: 'RFC 3339' })
  disclosedAt!: string | null;
  @ApiProperty({ type: String, nullable: true, description: 'RFC 3339: when what waits, or was authorised, is over' })
  expiresAt!: string | null;
}

export class DisclosureAnswer {
  @ApiProperty({ format: 'uuid' })
  id!: string;
  @ApiProperty({ enum: ['searching', 'disclosed'], description: '`searching`: whom the pseudonym names; ask again' })
  state!: 'searching' | 'disclosed';
  @ApiPropertyOptional({ enum: PSEUDONYMOUS })
  purpose?: Purpose;
  @ApiPropertyOptional({ description: 'The person’s number now' })
  nhsNumber?: string;
  @ApiPropertyOptional({ description: 'What the purpose calls them now' })
  pseudonym?: string;
  @ApiPropertyOptional({ type: [String], description: 'What it called numbers that were merged into theirs' })
  formerPseudonyms?: readonly string[];
}
