/** The one table of refusals: reason -> kind, message, hint. Both lines are for a person. */
import { type ErrorParams, type ErrorSpec, GodelError } from './base/error.ts';
import { list, p, said } from './base/error-text.ts';
import { beadRefusals } from './beads/refusals.ts';
import { messageRefusals } from './messages/refusals.ts';
import { roleRefusals } from './roles/refusals.ts';
import { sessionRefusals } from './sessions/refusals.ts';
import { daemonRefusals } from './system/refusals.ts';
import { todoRefusals } from './todos/refusals.ts';

export const errorTable = {
  ...beadRefusals,
  ...sessionRefusals,
  ...messageRefusals,
  ...roleRefusals,
  ...todoRefusals,
  ...daemonRefusals,
  'bad-input': {
    kind: 'invalid_request',
    message: (a) => p(a, 'problem'),
    hint: (a) => p(a, 'hint') || `godel ${p(a, 'operation')} --help shows what it takes`.replace('  ', ' '),
  },
  'unknown-command': {
    kind: 'invalid_request',
    message: (a) => `There is no command "${p(a, 'command')}".`,
    hint: () => 'godel --help lists every command.',
  },
  'not-a-repository': {
    kind: 'invalid_request',
    exit: 1,
    message: (a) => `${p(a, 'path')} is not inside a git repository.`,
    hint: () => 'cd into a repository, or make one: git init && git commit --allow-empty -m "First commit"',
  },
  'repository-empty': {
    kind: 'invalid_request',
    exit: 1,
    message: (a) => `The repository ${p(a, 'path')} has no commit yet, so there is nothing to branch from.`,
    hint: () => 'git commit --allow-empty -m "First commit"',
  },
  'repository-bare': {
    kind: 'invalid_request',
    exit: 1,
    message: (a) => `${p(a, 'path')} is a bare repository; agents need files to work on.`,
    hint: (a) => `git clone ${p(a, 'path')} <folder>, then run godel there.`,
  },
  'repository-read-only': {
    kind: 'invalid_request',
    exit: 1,
    message: (a) => `Cannot write to the git directory ${p(a, 'path')}: ${p(a, 'problem')}.`,
    hint: () => 'Check its owner and permissions: ls -ld .git',
  },
  'detached-head': {
    kind: 'conflict',
    message: (a) => `HEAD of ${p(a, 'path')} is detached and no main branch was found.`,
    hint: () => 'git switch -c main, or set main_branch in .godel/config.yaml',
  },
  'project-unknown': {
    kind: 'not_found',
    message: (a) => `No project is known for ${p(a, 'path')}.`,
    hint: () => 'Run godel init inside the repository.',
  },
  'project-needed': {
    kind: 'invalid_request',
    message: () => 'Several projects are known here, so the one that is meant must be named.',
    hint: () => 'Run the command inside a repository, or send the header X-Godel-Project.',
  },
  'bead-not-found': {
    kind: 'not_found',
    message: (a) => `There is no bead "${p(a, 'id')}" in this project.`,
    hint: () => 'godel bead list shows the ids.',
  },
  'convoy-not-found': {
    kind: 'not_found',
    message: (a) => `There is no convoy "${p(a, 'id')}" in this project.`,
    hint: () => 'godel convoy list shows the ids.',
  },
  'agent-not-found': {
    kind: 'not_found',
    message: (a) => `There is no agent "${p(a, 'id')}".`,
    hint: () => 'godel agent list --all shows names and ids.',
  },
  'inbox-item-not-found': {
    kind: 'not_found',
    message: (a) => `There is no "${p(a, 'id')}" in the inbox of this project.`,
    hint: () => 'godel inbox list and godel inbox rules show the ids.',
  },
  'inbox-answered': {
    kind: 'conflict',
    message: (a) => `${p(a, 'id')} is ${p(a, 'status')} already.`,
    hint: () => 'godel inbox list --all shows what was answered, and by whom.',
  },
  'worktree-not-found': {
    kind: 'not_found',
    message: (a) => `Bead ${p(a, 'id')} has no worktree.`,
    hint: (a) => `godel agent spawn --bead ${p(a, 'id')} makes one.`,
  },
  'snapshot-not-found': {
    kind: 'not_found',
    message: (a) => `Bead ${p(a, 'id')} has no snapshot of uncommitted work.`,
    hint: () => 'Snapshots are taken every minute while a worktree is dirty and before every stop.',
  },
  'ambiguous-id': {
    kind: 'conflict',
    message: (a) => `"${p(a, 'id')}" could be any of: ${list(a, 'matches')}.`,
    hint: () => 'Type more of the id.',
  },
  'transition-refused': {
    kind: 'conflict',
    message: (a) => `${p(a, 'id')} is ${p(a, 'from')}; it cannot go to ${p(a, 'to')} from there.`,
    hint: (a) => p(a, 'hint') || `Possible now: ${list(a, 'possible')}.`,
  },
  'done-not-proven': {
    kind: 'conflict',
    message: (a) => `${p(a, 'id')} is not done: its work is not on ${p(a, 'branch')}.`,
    hint: (a) => `godel review accept ${p(a, 'id')} lands it; --force closes it without.`,
  },
  'version-conflict': {
    kind: 'conflict',
    message: (a) => `${p(a, 'id')} was changed by somebody else at the same moment.`,
    hint: () => 'Run the command again.',
  },
  'name-taken': {
    kind: 'conflict',
    message: (a) => `The name "${p(a, 'name')}" is taken.`,
    hint: () => 'Choose another --name, or leave it out.',
  },
  'agent-not-live': {
    kind: 'conflict',
    message: (a) => `Agent ${p(a, 'name')} is ${p(a, 'state')}; it has no running program.`,
    hint: (a) => `godel agent restart ${p(a, 'name')}`,
  },
  'bead-has-agent': {
    kind: 'conflict',
    message: (a) => `Bead ${p(a, 'id')} already has a running agent, ${p(a, 'agent')}.`,
    hint: (a) => `godel agent attach ${p(a, 'agent')}, or godel agent stop ${p(a, 'agent')} first.`,
  },
  'not-an-agent': {
    kind: 'invalid_request',
    exit: 1,
    message: () => 'No bead was named, and you are not an agent with a bead of its own.',
    hint: () => 'Name the bead: godel done <bead>',
  },
  'proof-failed': {
    kind: 'conflict',
    exit: 1,
    message: (a) => `The proof command "${p(a, 'command')}" failed with exit code ${p(a, 'exitCode')}.`,
    hint: () => 'Mend what it complains of, commit, and say godel done again.',
  },
  'nothing-to-review': {
    kind: 'conflict',
    exit: 1,
    message: (a) => `Branch ${p(a, 'branch')} has no commit that is not already on ${p(a, 'main')}.`,
    hint: () => 'Commit the work in the worktree of the bead first.',
  },
  'uncommitted-work': {
    kind: 'conflict',
    exit: 1,
    message: (a) => `The worktree of ${p(a, 'id')} has uncommitted changes: ${list(a, 'files')}.`,
    hint: () => 'Commit them (git add -A && git commit), or discard them, then say it again.',
  },
  'merge-conflict': {
    kind: 'conflict',
    message: (a) => `${p(a, 'id')} conflicts with ${p(a, 'main')} in: ${list(a, 'files')}.`,
    hint: (a) => `godel review return ${p(a, 'id')} --comment "…" sends it back to its agent.`,
  },
  'gate-failed': {
    kind: 'conflict',
    exit: 1,
    message: (a) => `The gate "${p(a, 'command')}" failed with exit code ${p(a, 'exitCode')}; nothing was landed.`,
    hint: (a) => `Log: ${p(a, 'logFile')}`,
  },
  'main-dirty': {
    kind: 'conflict',
    message: (a) => `${p(a, 'path')} has ${p(a, 'main')} checked out with uncommitted changes to: ${list(a, 'files')}.`,
    hint: () => 'Commit or stash them there: it lands by itself then, or at once with godel merge resume.',
  },
  'main-moved': {
    kind: 'conflict',
    message: (a) => `${p(a, 'main')} moved while the gate ran.`,
    hint: () => 'Accept again: it is checked against the new tip.',
  },
  'main-locked': {
    kind: 'conflict',
    message: (a) => `Another git program holds ${p(a, 'lock')}, so ${p(a, 'main')} cannot move.`,
    hint: () => 'Let it finish, or remove that file when nothing runs; then: godel merge resume',
  },
  'remote-refused': {
    kind: 'service_unavailable',
    exit: 1,
    message: (a) => `The remote ${p(a, 'remote')} did not take part: ${p(a, 'problem')}.`,
    hint: () => 'See to it (git fetch shows what it says), then: godel merge resume',
  },
  'remote-diverged': {
    kind: 'conflict',
    message: (a) => `${p(a, 'main')} and ${p(a, 'remote')}/${p(a, 'main')} have commits the other lacks.`,
    hint: (a) => `git pull --rebase ${p(a, 'remote')} ${p(a, 'main')} joins them; then: godel merge resume`,
  },
  'gate-broken': {
    kind: 'conflict',
    exit: 1,
    message: (a) => `The gate could not be run: ${p(a, 'problem')}.`,
    hint: (a) => `See ${p(a, 'logFile')}; then: godel merge resume`,
  },
  'entry-not-found': {
    kind: 'not_found',
    message: (a) => `"${p(a, 'id')}" is not in the merge queue of this project.`,
    hint: () => 'godel merge list --all shows what is and was in it.',
  },
  'entry-waits': {
    kind: 'conflict',
    exit: 1,
    message: (a) => `${p(a, 'id')} is in the merge queue and does not move: ${p(a, 'reason')}`,
    hint: (a) => p(a, 'hint') || 'godel merge list shows the queue.',
  },
  'worktree-failed': {
    kind: 'conflict',
    exit: 1,
    message: (a) => `The worktree for ${p(a, 'id')} could not be made: ${p(a, 'problem')}.`,
    hint: () => 'git worktree list shows what is in the way.',
  },
  'setup-failed': {
    kind: 'conflict',
    exit: 1,
    message: (a) => `The set-up command "${p(a, 'command')}" failed with exit code ${p(a, 'exitCode')}${said(a)}.`,
    hint: (a) => `godel worktree logs ${p(a, 'id')} shows its output (${p(a, 'logFile')}).`,
  },
  'teardown-failed': {
    kind: 'conflict',
    exit: 1,
    message: (a) =>
      `The teardown command "${p(a, 'command')}" failed with exit code ${p(a, 'exitCode')}${said(a)}; nothing was removed.`,
    hint: (a) => `godel worktree remove ${p(a, 'id')} --force leaves it out.`,
  },
  'hook-cancelled': {
    kind: 'conflict',
    exit: 1,
    message: (a) => `The ${p(a, 'hook')} command of ${p(a, 'id')} was cancelled.`,
    hint: (a) => `godel worktree logs ${p(a, 'id')} shows how far it came.`,
  },
  'worktree-busy': {
    kind: 'conflict',
    message: (a) => `The worktree of ${p(a, 'id')} is ${p(a, 'state')} right now.`,
    hint: (a) => `godel worktree logs ${p(a, 'id')} --follow shows it; godel worktree cancel ${p(a, 'id')} ends it.`,
  },
  'worktree-locked': {
    kind: 'conflict',
    message: (a) => `The worktree of ${p(a, 'id')} is locked: ${p(a, 'reason') || 'no reason given'}.`,
    hint: (a) => `git worktree unlock ${p(a, 'path')}, then say it again.`,
  },
  'worktree-unsafe': {
    kind: 'conflict',
    message: (a) => `The worktree of ${p(a, 'id')} holds work that git would lose: ${p(a, 'problem')}.`,
    hint: () => 'Commit or push it, or move it away; nothing was removed.',
  },
  'worktree-quota': {
    kind: 'conflict',
    exit: 1,
    message: (a) => `Worktrees take ${p(a, 'used')} of the ${p(a, 'quota')} that worktree_quota_gb allows.`,
    hint: () => 'godel worktree reclaim frees what is not in use; godel worktree usage shows where it went.',
  },
  'ports-exhausted': {
    kind: 'conflict',
    exit: 1,
    message: (a) => `No ${p(a, 'size')} free ports in a row are left above ${p(a, 'from')}.`,
    hint: () => 'godel config set port_base 30000, or set ports_per_worktree lower.',
  },
  'tmux-missing': {
    kind: 'service_unavailable',
    exit: 1,
    message: (a) => `tmux 3.2a or newer is needed: ${p(a, 'problem')}.`,
    hint: (a) => p(a, 'hint') || 'Install it: apt-get install tmux, or brew install tmux',
  },
  'git-too-old': {
    kind: 'service_unavailable',
    exit: 1,
    message: (a) => `git 2.38 or newer is needed; this is ${p(a, 'version')}.`,
    hint: () => 'Install a newer git: https://git-scm.com/downloads',
  },
  'runtime-missing': {
    kind: 'not_found',
    message: (a) => `Runtime "${p(a, 'runtime')}" cannot run here: ${p(a, 'problem')}.`,
    hint: (a) => p(a, 'hint') || 'godel runtime list shows what is installed.',
  },
  'runtime-no-pane': {
    kind: 'invalid_request',
    message: (a) => `Runtime "${p(a, 'runtime')}" speaks a protocol and has no screen of its own for a pane.`,
    hint: (a) =>
      p(a, 'name')
        ? `${p(a, 'name')} is in a pane, and stays as it is. godel runtime list shows which programs have a screen.`
        : `godel agent spawn --runtime ${p(a, 'runtime')} --headless; godel attach then shows a transcript.`,
  },
  'runtime-needs-command': {
    kind: 'invalid_request',
    message: (a) => `Runtime "${p(a, 'runtime')}" runs whatever program it is told, and none was named.`,
    hint: (a) => {
      const spawn = `godel agent spawn --runtime ${p(a, 'runtime')} --headless --command "my-agent acp"`;
      return p(a, 'name') ? `${p(a, 'name')} stays as it is. A new agent can be told: ${spawn}` : spawn;
    },
  },
  'provider-missing': {
    kind: 'invalid_request',
    exit: 1,
    message: () => 'No LLM provider is configured, so an agent would have nothing to think with.',
    hint: () =>
      'godel secret set anthropic (or openai, google), or export ANTHROPIC_API_KEY=… and godel daemon restart; or try --provider demo',
  },
  'recording-missing': {
    kind: 'not_found',
    exit: 3,
    message: (a) => `No request ${p(a, 'id')} is recorded in this project.`,
    hint: () => 'See what is: godel recording list',
  },
  'provider-unknown': {
    kind: 'not_found',
    message: (a) => `No provider named "${p(a, 'provider')}" is configured.`,
    hint: (a) =>
      `Give it a key: godel secret set ${p(a, 'provider')}. Or choose another (godel config set provider …) of: ${list(a, 'known')}.`,
  },
  'secret-unknown': {
    kind: 'not_found',
    message: (a) => `There is no secret "${p(a, 'name')}".`,
    hint: () => 'godel secret list shows the names.',
  },
  'secrets-unreadable': {
    kind: 'service_unavailable',
    exit: 1,
    message: (a) => `The secrets cannot be read: ${p(a, 'problem')}. Nothing was changed.`,
    hint: () => 'Unlock the keyring and godel daemon restart; or move secrets.json aside and set them again.',
  },
  'key-unknown': {
    kind: 'not_found',
    message: (a) => `There is no virtual key "${p(a, 'id')}".`,
    hint: () => 'godel key list shows ids and names.',
  },
  'proxy-down': {
    kind: 'service_unavailable',
    exit: 1,
    message: (a) => `The LLM proxy does not answer: ${p(a, 'problem')}.`,
    hint: () => 'godel daemon restart starts it again; godel daemon logs shows why.',
  },
  'port-taken': {
    kind: 'service_unavailable',
    exit: 1,
    message: (a) => `Port ${p(a, 'port')} on 127.0.0.1 is taken by another program.`,
    hint: (a) => `${p(a, 'variable')}=0 godel … takes any free port.`,
  },
  'home-unusable': {
    kind: 'service_unavailable',
    exit: 1,
    message: (a) => `Cannot write to ${p(a, 'path')}: ${p(a, 'problem')}.`,
    hint: () => 'Check its permissions and df -h, or set GODEL_HOME to another folder.',
  },
  'disk-full': {
    kind: 'service_unavailable',
    exit: 1,
    message: (a) => `The disk is full: ${p(a, 'problem')}. Nothing was changed.`,
    hint: () => 'Free some space (df -h), then run the command again.',
  },
  'record-newer': {
    kind: 'conflict',
    exit: 1,
    message: (a) =>
      `The record of beads (refs/godel/state) was written in format ${p(a, 'version')} by a newer Godel; this one knows formats up to ${p(a, 'known')}.x.`,
    hint: () => 'Use the Godel that the others use: npm install -g godel@latest. Nothing here was changed.',
  },
  'record-delayed': {
    kind: 'service_unavailable',
    exit: 1,
    message: (a) => `The change is kept, but git could not record it yet: ${p(a, 'problem')}.`,
    hint: () => 'Do not repeat it: it is written as soon as the repository can be. godel daemon logs has the details.',
  },
  'sync-no-remote': {
    kind: 'not_found',
    message: (a) => (p(a, 'remote') ? `There is no git remote "${p(a, 'remote')}".` : 'No git remote was named.'),
    hint: (a) =>
      list(a, 'known') ? `Remotes: ${list(a, 'known')}. godel sync --remote <name>` : 'git remote add origin <url>',
  },
  'sync-failed': {
    kind: 'service_unavailable',
    exit: 1,
    message: (a) => `The remote ${p(a, 'remote')} could not be reached: ${p(a, 'problem')}.`,
    hint: (a) => `git ls-remote ${p(a, 'remote')} shows whether git itself gets through.`,
  },
  'sync-refused': {
    kind: 'conflict',
    exit: 1,
    message: (a) => `The remote ${p(a, 'remote')} does not take refs/godel/state: ${p(a, 'problem')}.`,
    hint: () => 'godel config set sync_fallback_branch godel-state uses a branch there instead.',
  },
  'sync-busy': {
    kind: 'conflict',
    message: (a) => `Others were faster ${p(a, 'attempts')} times in a row at ${p(a, 'remote')}.`,
    hint: () => 'Nothing is lost; run godel sync again.',
  },
  'sync-unrelated': {
    kind: 'conflict',
    message: () => 'The record of the remote was begun apart from this one: they share no commit.',
    hint: () => 'godel sync --join merges the two; nothing of either is lost.',
  },
  'clock-skew': {
    kind: 'conflict',
    message: (a) =>
      `Replica ${p(a, 'replica')} has a clock that is ${p(a, 'minutes')} minutes ahead (${p(a, 'path')}).`,
    hint: () => 'Mend that clock, or this one; godel sync --accept-skew takes its changes as they are.',
  },
  'nothing-to-undo': {
    kind: 'not_found',
    message: () => 'There is no change of yours left to take back.',
    hint: () => 'godel events --type "bead:*" shows what was changed.',
  },
  'undo-overtaken': {
    kind: 'conflict',
    message: (a) => `${p(a, 'field')} of ${p(a, 'id')} was changed again since; nothing was undone.`,
    hint: (a) => `godel bead history ${p(a, 'id')} shows by whom.`,
  },
  'undo-impossible': {
    kind: 'conflict',
    message: (a) => `A change of ${p(a, 'field')} cannot be taken back.`,
    hint: (a) => `godel bead history ${p(a, 'id')} shows what was there before.`,
  },
  'backup-not-found': {
    kind: 'not_found',
    message: (a) => `There is no backup "${p(a, 'name')}".`,
    hint: () => 'godel backup list shows them; a folder may be named too.',
  },
  'backup-damaged': {
    kind: 'conflict',
    exit: 1,
    message: (a) => `The backup ${p(a, 'name')} is damaged: ${p(a, 'problem')}.`,
    hint: () => 'godel backup list shows older ones.',
  },
  'no-conflict': {
    kind: 'not_found',
    message: (a) => `${p(a, 'id')} has no open conflict${p(a, 'field') ? ` about ${p(a, 'field')}` : ''}.`,
    hint: () => 'godel bead conflicts lists them.',
  },
  'config-invalid': {
    kind: 'invalid_request',
    exit: 1,
    message: (a) => `${p(a, 'file')} cannot be used: ${p(a, 'problem')}.`,
    hint: () => 'godel config show --origin shows every setting and where it comes from.',
  },
  'not-a-terminal': {
    kind: 'invalid_request',
    exit: 1,
    message: () => 'The board needs a terminal, and this is not one.',
    hint: () => 'In scripts use godel bead list --json and the like.',
  },
  unauthorized: {
    kind: 'unauthorized',
    message: () => 'A valid token is needed.',
    hint: () => 'Send Authorization: Bearer <key>; the admin key is in admin.key of the home folder.',
  },
  'route-unknown': {
    kind: 'not_found',
    message: (a) => `There is no ${p(a, 'method')} ${p(a, 'path')}.`,
    hint: () => 'GET /openapi.json lists every route.',
  },
  internal: {
    kind: 'internal_error',
    message: (a) => `Something went wrong inside Godel: ${p(a, 'problem')}.`,
    hint: () => 'godel daemon logs has the details; --debug prints the stack.',
  },
} as const satisfies Record<string, ErrorSpec>;

export type ErrorReason = keyof typeof errorTable;

/** Builds the error of one row of the table. */
export function failure(reason: ErrorReason, params: ErrorParams = {}, cause?: unknown): GodelError {
  const spec: ErrorSpec = errorTable[reason];
  return new GodelError({
    reason,
    kind: spec.kind,
    message: spec.message(params),
    hint: spec.hint(params),
    params,
    ...(spec.exit === undefined ? {} : { exit: spec.exit }),
    ...(cause === undefined ? {} : { cause }),
  });
}
