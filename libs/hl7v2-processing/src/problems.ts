import type { Problem } from '@weft/domain';
import type { Fault, WaitingReason } from '@weft/hl7v2';

const FAULTS: Readonly<Record<string, string>> = {
  required: 'is required, and is not there',
  time: 'is no time that can be read',
  number: 'is no number',
  code: 'is a code that no table knows',
  base64: 'is no Base64',
  hex: 'is no Hex',
  encoding: 'names an encoding that is not known',
  'no-order': 'belongs to no OBR',
  'same-identifier': 'is the number that it is said to give way to',
  loop: 'closes a loop: the number that stays gave way to this one before',
  'replaced-already': 'gave way to another number before',
};

/** Where a message is at fault, as it is counted in HL7; the text that stands there is not repeated. */
export function faultProblem({ segment, index, field, repetition, component, code }: Fault, type: string): Problem {
  const place = `${segment}[${index}]-${field}[${repetition}].${component}`;
  return { field: place, code, message: `${FAULTS[code] ?? 'cannot be read'} (${type})` };
}

const CONTRADICTIONS: Readonly<Partial<Record<WaitingReason, string>>> = {
  'number-contradicts-index':
    'is not the NHS number that is known for this MRN; only A28 and A31 correct it. Once one of the two is mended it can be sent again',
  'two-nhs-numbers': 'holds two NHS numbers that are both sound',
  'mrn-replaced': 'gave way to another MRN before; an A28 or A31 by it may undo that, which is for a person to say',
};

export const contradictionOf = (why: WaitingReason): Problem => ({
  field: 'PID[1]-3',
  code: why,
  message: CONTRADICTIONS[why] ?? 'cannot be filed without a person',
});

export const TOO_LARGE: Problem = {
  field: '',
  code: 'too-large',
  message: 'what comes of it has no room in a record: a document with its file must fit into one event of 1 MiB',
};

export const TRUNCATED: Problem = {
  field: '',
  code: 'truncated',
  message: 'its sender began another message within it, and was told that it is refused',
};

export const INCOMPLETE: Problem = {
  field: '',
  code: 'incomplete',
  message: 'the parts that it came in before this one are not on its topic',
};

export const NOT_HL7: Problem = { field: 'MSH', code: 'not-hl7', message: 'is no HL7 v2 message as the hl7-gateway stores it' };

export const unknownListener = (name: string): Problem => ({
  field: 'listener',
  code: 'unknown-listener',
  message: `no listener of this organisation is called ${name}; its zone and MRNs are not known`,
});
