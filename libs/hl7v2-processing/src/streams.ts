/** What was said of the persons of one lane. */
export const laneStream = (key: string): string => `hl7v2Lane-${key}`;
/** In which lanes of an organisation something waits. */
export const waitingStream = (organisation: string): string => `hl7v2Waiting-${organisation}`;
