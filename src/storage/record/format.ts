/**
 * The version of what lies in the state ref, in `format.json`. A new minor adds files and fields, which older programs
 * keep as they are; a new major says that an older program would do harm. Every clone writes the same bytes. Pure.
 */
import { failure } from '../../errors.ts';
import { CREATED, parseRecord, recordText } from './record.ts';
import type { Rules } from './rules.ts';
import { formatStamp } from './stamp.ts';

const [MAJOR, MINOR] = [1, 0];

/** Major and minor as a number to compare by. @throws TypeError when it is no version */
export function formatRank(version: unknown): number {
  const [, major, minor] = /^(\d{1,6})\.(\d{1,6})$/.exec(String(version)) ?? [];
  if (major === undefined) throw new TypeError(`it has no version of the form 1.0 but ${JSON.stringify(version)}`);
  return Number(major) * 1_000_000 + Number(minor);
}

const rankOrLowest = (version: unknown): number => {
  try {
    return formatRank(version);
  } catch {
    return -1;
  }
};

/** The highest version that any clone wrote stays. */
export const formatRules: Rules = { version: { merge: 'scalar', quiet: true, rank: rankOrLowest } };

/** The file as this program writes it, with the stamp of nobody: who writes it first makes no difference. */
export const OWN_FORMAT: string = recordText({
  fields: { version: `${MAJOR}.${MINOR}` },
  clocks: { [CREATED]: formatStamp({ ms: 0, counter: 0, replica: '0' }) },
});

/** @throws GodelError record-newer when the text of `format.json` names a major version that is not known here */
export function assertKnownFormat(text: string | null | undefined): void {
  let version: unknown;
  try {
    version = parseRecord(text ?? '').fields.version;
  } catch {
    // Missing: older than the file. Unreadable: set aside and shown where files are taken in.
    return;
  }
  if (rankOrLowest(version) >= (MAJOR + 1) * 1_000_000) {
    throw failure('record-newer', { version: String(version), known: MAJOR });
  }
}
