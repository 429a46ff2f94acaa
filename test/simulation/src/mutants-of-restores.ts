import { mistakesIn, type Mutant } from './mutate.js';

const processing = (file: string) => `libs/processing/src/${file}.ts`;

const catchingUp = mistakesIn(processing('catching-up'));
const epochs = mistakesIn(processing('epochs'));
const readingInOrder = mistakesIn(processing('read-in-order'));
const publishing = mistakesIn(processing('publisher'));
const ends = mistakesIn(processing('published-ends'));
const tellingAnew = mistakesIn(processing('tell-anew'));
const deriving = mistakesIn(processing('derive-views'));

/** Mistakes about a store, or topics of changes, that were put back to what they were. */
export const MUTANTS_OF_RESTORES: readonly Mutant[] = [
  catchingUp('readers are answered while the store catches up', 'if (this.lost > 0) throw new CatchingUp(this.lost);', ''),
  catchingUp(
    'a store has caught up as soon as one partition has',
    'if (isBehind(mark, end)) lost += end - mark.next;',
    'if (isBehind(mark, end)) lost = 0;',
  ),
  epochs(
    'what a store says that was put back is told before it has caught up',
    'if (!(await isCaughtUp())) return null;',
    'await isCaughtUp();',
  ),
  epochs(
    'a store that was put back is in the epoch in which it was',
    'epoch: Math.max(now.epoch, told ?? 0) + 1, state',
    'epoch: now.epoch, state',
  ),
  epochs('an epoch that a backup has forgotten begins once more', 'Math.max(now.epoch, told ?? 0) + 1', 'now.epoch + 1'),
  epochs('nothing is told anew of a store that was put back', "+ 1, state: 'telling', done: 0", "+ 1, state: 'told', done: 0"),
  epochs(
    'that a store was put back is forgotten once it has caught up',
    "{ ...now, state: 'behind', done: 0 }",
    '{ ...now, done: 0 }',
  ),
  readingInOrder(
    'what a store lost is not read again',
    'messagesBetween(wiring.bus, { topic, partition }, mark.next, end)',
    'messagesBetween(wiring.bus, { topic, partition }, end, end)',
  ),
  publishing(
    'topics that were put back are not missed',
    'if (!(await this.ends.areThere(this.wiring.bus))) await this.missTopics();',
    '',
  ),
  ends('topics that end before what was published to them are whole', 'if ((highs.get(partition) ?? 0) < end) return false;', ''),
  tellingAnew('what is gone is not withdrawn anew', 'evenWhatIsGone: true', 'evenWhatIsGone: false'),
  deriving('what is told whole is as it was before', '    changeLetters(letters, changes, idAt);\n', ''),
];
