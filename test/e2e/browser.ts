import { existsSync, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'chrome'];

/** Where Chromium is: as WEFT_CHROMIUM says, else in the path; undefined where there is none. */
export function chromiumPath(): string | undefined {
  const directories = (process.env['PATH'] ?? '').split(delimiter).filter((directory) => directory !== '');
  const found = directories.flatMap((directory) => NAMES.map((name) => join(directory, name)));
  return [process.env['WEFT_CHROMIUM'] ?? '', ...found].find((path) => existsSync(path));
}

export const openBrowser = (executablePath: string): Promise<Browser> =>
  chromium.launch({ executablePath, args: ['--disable-gpu', '--disable-dev-shm-usage'] });

/** Where WEFT_PICTURES names a directory, the page as a person sees it, whole, to be looked at; else nothing. */
export async function picture(page: Page, name: string): Promise<void> {
  const directory = process.env['WEFT_PICTURES'];
  if (directory === undefined) return;
  mkdirSync(directory, { recursive: true });
  await page.screenshot({ path: join(directory, `${name}.png`), fullPage: true });
}
