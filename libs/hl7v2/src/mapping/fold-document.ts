import type { Body, Fact } from './facts.js';
import { type Folded, laidOver } from './folded.js';

/** A document after one more message. What another one replaced stays replaced, whatever is corrected in it. */
export function evolveDocument(state: Folded, { action, members }: Fact): Folded {
  switch (action) {
    case 'retract':
      return { ...state, retracted: true };
    case 'supersede':
      return { ...state, members: { ...state.members, superseded: true } };
    default:
      return { known: true, retracted: false, members: laidOver(state.members, members) };
  }
}

export function documentOf({ members }: Folded): Body {
  const { superseded, status, content, ...others } = members;
  return {
    resourceType: 'DocumentReference',
    ...others,
    status: superseded === true ? 'superseded' : (status ?? 'current'),
    content: content ?? [{ attachment: { title: 'not sent' } }],
  };
}
