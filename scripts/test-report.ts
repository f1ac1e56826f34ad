/** What vitest's JSON report says: counts, and the files that failed. */
import { readFileSync } from 'node:fs';

interface FileResult {
  name: string;
  status: string;
  assertionResults: { status: string }[];
}

export interface Report {
  testResults: FileResult[];
}

/** The report in `file`; undefined when vitest ended before it wrote one. */
export function readReport(file: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report;
  } catch {
    return undefined;
  }
}

export function failedFiles(report: Report): string[] {
  return report.testResults.filter((each) => each.status === 'failed').map((each) => each.name);
}

/** `first`, with the files that ran again as they came out of `second`. */
export function merged(first: Report, second: Report): Report {
  const again = new Map(second.testResults.map((each) => [each.name, each]));
  return { testResults: first.testResults.map((each) => again.get(each.name) ?? each) };
}

/** `N passed, N failed`. A file that fails outside of its tests is one failure, and so is an exit code alone. */
export function countLine(report: Report | undefined, exitCode: number): string {
  if (!report) return '0 passed, 1 failed';
  const tests = report.testResults.flatMap((each) => each.assertionResults);
  const count = (...statuses: string[]) => tests.filter((test) => statuses.includes(test.status)).length;
  const broken = report.testResults.filter(
    (each) => each.status === 'failed' && !each.assertionResults.some((test) => test.status === 'failed'),
  );
  const failed = count('failed') + broken.length;
  const skipped = count('skipped', 'pending', 'todo', 'disabled');
  const passed = `${count('passed')} passed, ${failed === 0 && exitCode !== 0 ? 1 : failed} failed`;
  return skipped > 0 ? `${passed}, ${skipped} skipped` : passed;
}
