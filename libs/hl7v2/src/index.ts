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
export { factsOf } from './mapping/facts-of.js';
export type { Fact, Fault, Listener, Mapped, MessageFacts, Note, Place, WaitingReason } from './mapping/facts.js';
export { Feed, needsPerson, type MappedEvent, type Taken, type Waiting } from './mapping/feed.js';
export { type MessagePart, messageParts, ownersOf } from './mapping/message-parts.js';
export { rawEvent } from './mapping/raw-event.js';
export type { Compiled, Table, TableFault, Tables, TableSource } from './mapping/rows.js';
export { tablesIn } from './mapping/table-file.js';
export { tablesWith, weftTables } from './mapping/tables.js';
export {
  inRawParts,
  rawPart,
  type RawEvent,
  RawEvents,
  type RawMessage,
  rawSource,
  toRawMessages,
  wholeHeaders,
} from './raw-events.js';
export { Zone } from './zone.js';
