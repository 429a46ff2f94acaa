/** Something that a candidate needs is not on this machine: it is skipped by name, and this is why. */
export class Missing extends Error {
  override readonly name = 'Missing';
}
