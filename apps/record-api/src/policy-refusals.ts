import type { NotAuthorised } from '@weft/processing';
import { HttpProblem } from '@weft/service';

/** Why a proposal is not adopted, as it is answered. */

export function refusal({ why, proposal }: NotAuthorised): HttpProblem {
  if (why === 'unknown') return notProposed();
  if (why === 'same-person') {
    return new HttpProblem(403, 'second-person-needed', 'Somebody else has to authorise this', {
      detail: 'Who proposed a policy that opens something does not authorise it too.',
    });
  }
  if (why === 'overtaken') return overtaken(proposal?.version ?? 0);
  return new HttpProblem(409, 'adopted-already', 'The proposal was adopted already', {
    detail: `It became version ${proposal?.version}.`,
  });
}

export const notProposed = (): HttpProblem => new HttpProblem(404, 'not-proposed', 'There is no such proposal');

export const overtaken = (version: number): HttpProblem =>
  new HttpProblem(409, 'overtaken', 'Another policy came in between', {
    detail: `Version ${version} changed what this proposal opens and closes. Propose it again, and look at its plan.`,
  });
