/** Programs by the name they have in dist/. */
export const ENTRIES: Readonly<Record<string, string>> = {
  godel: 'src/cli/main.ts',
  daemon: 'src/daemon/main.ts',
  proxy: 'proxy/main.ts',
  board: 'tui/main.tsx',
  review: 'tui/review/main.tsx',
  'agent-hook': 'runners/runtimes/hook-client.ts',
  'agent-host': 'runners/runtimes/host/main.ts',
  'pi-extension': 'runners/runtimes/pi-extension.ts',
};
