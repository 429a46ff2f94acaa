import { ApiProperty } from '@nestjs/swagger';
import type { Person } from '@weft/domain';
import type { Actor } from '@weft/service';

export class PersonAnswer implements Person {
  @ApiProperty({ description: 'As the token names them' })
  subject!: string;
  @ApiProperty({ type: String, nullable: true, description: 'ODS code' })
  organisation!: string | null;
}

export const personOf = ({
  subject,
  organisation = null,
}: Pick<Actor, 'subject'> & { readonly organisation?: string | null }): Person => ({
  subject,
  organisation,
});
