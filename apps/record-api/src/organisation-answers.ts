import { ApiProperty, ApiPropertyOptional, PickType } from '@nestjs/swagger';
import { ORGANISATION_KINDS, type OrganisationKind } from '@weft/domain';
import type { RegionOrganisation } from '@weft/processing';
import type { RegionOrganisations } from '@weft/service';
import { IsArray, IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { PersonAnswer } from './person.js';
import { PolicyToPropose, ProposalAnswer } from './policy-answers.js';

/** What is asked and answered about organisations, as /docs shows it. */

const ODS = /^[A-Z0-9]{1,9}$/;
const NO_ODS = { message: 'is no ODS code: 1 to 9 capital letters and digits' };

export class WhyOfOrganisation extends PickType(PolicyToPropose, ['reason']) {}

export class OrganisationToAdd extends WhyOfOrganisation {
  @ApiProperty({ description: 'ODS code' })
  @Matches(ODS, NO_ODS)
  ods!: string;
  @ApiProperty({ maxLength: 200 })
  @IsString()
  @Matches(/\S/, { message: 'says nothing' })
  @MaxLength(200)
  name!: string;
  @ApiProperty({ enum: ORGANISATION_KINDS })
  @IsIn(ORGANISATION_KINDS)
  kind!: OrganisationKind;
  @ApiPropertyOptional({
    type: [String],
    description: 'ODS codes of its sites: a decision that names one means the organisation',
  })
  @IsOptional()
  @IsArray()
  @Matches(ODS, { each: true, ...NO_ODS })
  sites?: string[];
}

class ActAnswer {
  @ApiProperty({ type: PersonAnswer })
  by!: PersonAnswer;
  @ApiProperty()
  reason!: string;
  @ApiProperty({ description: 'RFC 3339' })
  at!: string;
}

export class OrganisationAnswer {
  @ApiProperty({ description: 'ODS code' })
  ods!: string;
  @ApiProperty()
  name!: string;
  @ApiProperty({
    type: String,
    enum: ORGANISATION_KINDS,
    nullable: true,
    description:
      'As the policy in force says; null: no policy in force says any, so what it sends is judged as of any kind that withholds',
  })
  kind!: OrganisationKind | null;
  @ApiPropertyOptional({ type: [String] })
  sites?: readonly string[];
  @ApiProperty({ description: 'Whether what it sends is taken' })
  sends!: boolean;
  @ApiProperty({ description: 'Whether its clinicians and subscribers may read' })
  reads!: boolean;
  @ApiProperty({ type: ActAnswer, nullable: true, description: 'null: the region was made with it' })
  added!: ActAnswer | null;
  @ApiProperty({ type: ActAnswer, nullable: true })
  suspended!: ActAnswer | null;
  @ApiProperty({ type: ActAnswer, nullable: true, description: 'Who asked to reinstate it: somebody else has to as well' })
  reinstatement!: ActAnswer | null;
}

export class OrganisationAddedAnswer extends OrganisationAnswer {
  @ApiPropertyOptional({ type: ProposalAnswer, description: 'The policy that says its kind: it waits for a second person' })
  proposal?: ProposalAnswer;
}

export function organisationAnswer(
  { ods, name, sites, added, suspended, reinstatement }: RegionOrganisation,
  organisations: RegionOrganisations,
): OrganisationAnswer {
  return {
    ...{ ods, name, kind: organisations.kindInForce(ods), ...(sites !== undefined && { sites }) },
    ...{ sends: organisations.toSend(ods) === 'may', reads: organisations.toRead(ods) === 'may' },
    ...{ added, suspended, reinstatement },
  };
}
