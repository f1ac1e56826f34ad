/** Tests run the compiled programs and real tools, two files at a time. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Nothing of the caller's Godel, terminal or keys may reach a test.
for (const name of Object.keys(process.env)) {
  const own = name.startsWith('GODEL_') && !name.startsWith('GODEL_TEST_');
  if (own || name === 'TMUX' || name === 'TMUX_PANE' || /_(API_KEY|AUTH_TOKEN|BASE_URL)$/.test(name)) {
    delete process.env[name];
  }
}

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: ['test/**/*.test.{ts,tsx}'],
    globalSetup: ['test/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
  },
});
