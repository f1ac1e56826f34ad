/** Who may import whom. What is not allowed here is an error; the table is explained in src/README.md. */
/** A group of a regular expression; one name a line, so that two branches that each add one seldom meet. */
const anyOf = (names) => `(${names.join('|')})`;
const features = anyOf([
  'access',
  'agents',
  'backup',
  'beads',
  'commits',
  'convoys',
  'costs',
  'doctor',
  'exchange',
  'history',
  'inbox',
  'merge',
  'messages',
  'recordings',
  'repos',
  'reviews',
  'roles',
  'secrets',
  'sessions',
  'sync',
  'system',
  'templates',
  'todos',
  'worktrees',
]);
/** Files of a feature that every surface may read: they do no input or output. */
const pureFiles = anyOf([
  'batch',
  'board-route',
  'bridge-protocol',
  'bulk-operations',
  'checkpoint-operations',
  'claim-operations',
  'context',
  'due',
  'fields',
  'graph-operations',
  'move-operations',
  'operations',
  'period',
  'permissions',
  'record',
  'refusals',
  'runner',
  'runtime',
  'schema',
  'state',
  'text',
  'turns',
]);
/** What a service may take from another feature beyond its pure files: its one place of change, its rows; never its service. */
const sharedFiles = anyOf([
  'briefing',
  'changes',
  'claims',
  'creating',
  'links',
  'listing',
  'readiness',
  'store',
  'worktree',
]);
const pure = `^src/(base/|storage/record/|errors\\.ts|events\\.ts|config\\.ts|operations\\.ts|${features}/${pureFiles}\\.ts)`;
const offered = `^src/${features}/(${pureFiles}|${sharedFiles})\\.ts`;
const npm =
  'node_modules|^node:|^(node:)?(fs|path|os|net|http|https|crypto|child_process|stream|timers|url|module|util|events|readline)(/|$)';

const only = (name, from, to, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: from },
  to: { pathNot: to, dependencyTypesNot: ['core', 'npm', 'npm-dev', 'npm-no-pkg', 'npm-optional', 'npm-bundled'] },
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'A cycle of imports has no bottom to understand it from.',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    only('base-imports-npm-only', '^src/base/', `^src/base/|${npm}`, 'Leaf tools know nothing of Godel.'),
    only(
      'lists',
      '^src/(errors|events|config|operations)\\.ts',
      `${pure}|${npm}`,
      'The four lists are read by every surface, so they know pure files only.',
    ),
    only(
      'pure-files',
      `^src/${features}/${pureFiles}\\.ts`,
      `${pure}|${npm}`,
      'Pure files are shared by every surface.',
    ),
    only(
      'stores',
      `^src/${features}/(store|side-tables)\\.ts`,
      `${pure}|^src/$1/side-tables\\.ts|^src/storage/|${npm}`,
      'A store knows its own noun and the storage.',
    ),
    only(
      'features',
      `^src/${features}/`,
      `^src/$1/|${offered}|^src/storage/|${pure}|${npm}`,
      'A feature knows what others offer, not how they do it; other services come as arguments.',
    ),
    only(
      'storage',
      '^src/storage/',
      `^src/storage/|^src/base/|^src/(errors|events)\\.ts|${npm}`,
      'The storage seam is below all features.',
    ),
    only(
      'surfaces',
      '^src/(api|cli|client)/',
      `^src/(api|cli|client)/|${pure}|${npm}`,
      'Surfaces are generic: no store, no service.',
    ),
    only('tui', '^tui/(?!layout)', `^tui/|^src/client/|${pure}|${npm}`, 'The board is a client like any other.'),
    only(
      'layout',
      '^tui/layout/',
      `^tui/layout/|^runners/local/|^src/base/|${npm}`,
      'The layout knows tmux and nothing of beads.',
    ),
    only(
      'runners',
      '^runners/',
      `^runners/|^src/base/|^src/errors\\.ts|^src/agents/(schema|state|runner|runtime|bridge-protocol)\\.ts|^src/sessions/schema\\.ts|${npm}`,
      'Runners implement the interfaces of agents.',
    ),
    only(
      'proxy',
      '^proxy/',
      `^proxy/|^src/base/|^src/(costs|access|recordings)/schema\\.ts|${npm}`,
      'The proxy stands alone: it holds the keys.',
    ),
    {
      name: 'daemon-is-the-root',
      severity: 'error',
      comment: 'Nobody imports the composition root.',
      from: { pathNot: '^src/daemon/' },
      to: { path: '^src/daemon/' },
    },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, pathNot: '\\.d\\.ts$' }, to: {} },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.json'],
    },
  },
};
