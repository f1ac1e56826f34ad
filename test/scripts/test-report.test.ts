/** The closing line of a test run, and what a second run may change in it. */
import { expect, test } from 'vitest';
import { countLine, failedFiles, merged, type Report } from '../../scripts/test-report.ts';

const file = (name: string, status: string, ...tests: string[]) => ({
  name,
  status,
  assertionResults: tests.map((each) => ({ status: each })),
});
const first: Report = {
  testResults: [
    file('a', 'passed', 'passed', 'passed', 'pending'),
    file('b', 'failed', 'passed', 'failed'),
    file('c', 'failed'),
  ],
};

test('counts tests, and a file that fails outside of its tests as one', () => {
  expect(countLine(first, 1)).toBe('3 passed, 2 failed, 1 skipped');
  expect(failedFiles(first)).toEqual(['b', 'c']);
});

test('what passed the second time takes the place of its failure, and nothing else does', () => {
  const second: Report = { testResults: [file('b', 'passed', 'passed', 'passed'), file('c', 'failed', 'failed')] };
  expect(countLine(merged(first, second), 1)).toBe('4 passed, 1 failed, 1 skipped');
});

test('an exit code without a failed test is a failure, and so is a run without a report', () => {
  expect(countLine({ testResults: [file('a', 'passed', 'passed')] }, 1)).toBe('1 passed, 1 failed');
  expect(countLine(undefined, 0)).toBe('0 passed, 1 failed');
});
