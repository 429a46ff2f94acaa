const LITERAL = /^(?:https?:\/\/[^?#\s]*\/)?([A-Z][A-Za-z]+)\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/;

/** The type and id that a literal reference to a FHIR server says, relative or absolute; null of any other. */
export function referredAt(reference: string): { readonly type: string; readonly id: string } | null {
  const found = LITERAL.exec(reference);
  return found === null ? null : { type: found[1]!, id: found[2]! };
}
