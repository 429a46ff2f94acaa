import { plainText } from '@weft/domain';

/** Text as it may stand in one line of a terminal. */
export const shownInLine = (text: string): string => plainText(text).replace(/\n/g, '\\n');
