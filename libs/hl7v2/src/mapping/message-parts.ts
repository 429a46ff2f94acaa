import type { MessageFacts, PersonFacts, Standing, VersionTime } from './facts.js';

/** What a message says of one person. */
export interface MessagePart extends Standing {
  /** Of the message's bytes: the same again is the same message. */
  readonly message: string;
  /** Among the persons of the message. */
  readonly ordinal: number;
  readonly person: PersonFacts;
  readonly version: VersionTime;
  readonly type: string;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
}

/** A message's parts, one for each person in it. */
export function messageParts(
  message: string,
  receivedAt: number,
  { persons, version, type, learns, corrects }: MessageFacts,
): MessagePart[] {
  return persons.map((person, ordinal) => ({ message, ordinal, person, version, type, receivedAt, learns, corrects }));
}

/**
 * Whose part it is, as far as it says so: the hospital's number, else the NHS number, else nobody but itself. A part that says that a
 * number gave way, or that a visit belongs to another one, is of both.
 */
export function ownersOf({ message, ordinal, person: { names, reidentified } }: MessagePart): readonly string[] {
  const { mrn, number } = names;
  const unnamed = number === null ? `message ${message}.${ordinal}` : `number ${number}`;
  const owners = [mrn === null ? unnamed : `mrn ${mrn}`];
  return reidentified === undefined ? owners : [...owners, `mrn ${reidentified.from}`];
}
