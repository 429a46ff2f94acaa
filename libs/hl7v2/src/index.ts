export { acknowledgement, type Acknowledging, type Outcome, type RefusalReason } from './acknowledgement.js';
export { headerIn, messagesIn, type FrameContent } from './batches.js';
export { bytesAsText, textAsBytes } from './bytes.js';
export { readMessage, type CharacterSetNote, type ReadMessage } from './character-sets.js';
export { Framer, type FrameEvent } from './framer.js';
export { Component, Field, Message, readMessages, Repetition, Segment, Subcomponent, type Value } from './message.js';
export {
  fhirDate,
  fhirDateTime,
  hasTimeOfDay,
  readTime,
  versionTime,
  type FhirTime,
  type Hl7Time,
  type TimeNote,
} from './times.js';
export { type RawEvent, RawEvents, toRawMessages } from './raw-events.js';
export { Zone } from './zone.js';
