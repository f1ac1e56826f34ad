import { describe, expect, test } from 'vitest';
import { suggestionFrom } from '../../../src/repos/suggestion.ts';

const files = (texts: Record<string, string>) => ({
  has: (name: string) => name in texts,
  text: (name: string) => texts[name] ?? '',
});
const scripts = (test: string) => JSON.stringify({ scripts: { test } });

describe('the suggested commands', () => {
  test.each([
    [{ 'package-lock.json': '', 'package.json': scripts('vitest') }, 'npm ci', 'npm test'],
    [{ 'pnpm-lock.yaml': '', 'package.json': scripts('vitest') }, 'pnpm install --frozen-lockfile', 'pnpm test'],
    [{ 'package.json': scripts('node --test') }, undefined, 'npm test'],
    [{ 'package.json': scripts('echo "Error: no test specified" && exit 1') }, undefined, undefined],
    [{ 'package.json': 'not JSON', Makefile: 'all:\n\ntest: all\n' }, undefined, 'make test'],
    [{ 'Cargo.toml': '' }, 'cargo fetch', 'cargo test'],
    [{ 'go.mod': '' }, 'go mod download', 'go test ./...'],
    [{ 'uv.lock': '', 'pyproject.toml': '[tool.pytest.ini_options]' }, 'uv sync', 'uv run pytest'],
    [{ 'pyproject.toml': '[project]' }, undefined, undefined],
    [{ 'README.md': '' }, undefined, undefined],
  ])('of %o', (texts, setupCommand, proofCommand) => {
    const suggestion = suggestionFrom(files(texts as Record<string, string>));
    expect(suggestion.setupCommand).toBe(setupCommand);
    expect(suggestion.proofCommand).toBe(proofCommand);
  });
});
