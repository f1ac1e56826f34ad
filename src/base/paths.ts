/** Where Godel keeps its files. One GODEL_HOME holds everything, else the XDG directories do. */
import { createHash } from 'node:crypto';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';

/** sun_path is 104 bytes on macOS and 108 on Linux; stay below both. */
const MAX_SOCKET_PATH = 100;

export interface HomePaths {
  /** Identity of this home: the first 8 hex digits of a hash of its state directory. */
  readonly hash: string;
  readonly configFile: string;
  readonly stateDir: string;
  readonly databaseFile: string;
  readonly ledgerFile: string;
  readonly recordingsFile: string;
  readonly lockFile: string;
  readonly adminKeyFile: string;
  /** Provider keys, encrypted. */
  readonly secretsFile: string;
  /** The key to them where there is no keyring; mode 0600, with the id of the key added. */
  readonly secretKeyFile: string;
  /** Roles of this user, one YAML file each. */
  readonly rolesDir: string;
  readonly daemonFile: string;
  readonly proxyFile: string;
  readonly logDir: string;
  readonly agentsDir: string;
  readonly tmuxConfFile: string;
  /** Daemon API over a Unix socket, mode 0600. */
  readonly socketFile: string;
  /** Agents' bridge (JSON lines) over a Unix socket, mode 0600. */
  readonly bridgeSocketFile: string;
  /** Proxy administration over a Unix socket, mode 0600. */
  readonly proxySocketFile: string;
  /** Name for `tmux -L`. */
  readonly tmuxSocketName: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

function directories(env: Environment): { config: string; state: string } {
  if (env.GODEL_HOME) {
    const home = resolve(env.GODEL_HOME);
    return { config: home, state: home };
  }
  const user = env.HOME ?? homedir();
  return {
    config: join(env.XDG_CONFIG_HOME || join(user, '.config'), 'godel'),
    state: join(env.XDG_STATE_HOME || join(user, '.local', 'state'), 'godel'),
  };
}

function runDirectory(state: string, hash: string): string {
  const inside = join(state, 'run');
  if (join(inside, 'bridge.sock').length <= MAX_SOCKET_PATH) return inside;
  return join(tmpdir(), `godel-${userInfo().uid}-${hash}`);
}

/** Resolves every path of the home that `env` names. Creates nothing. */
export function homePaths(env: Environment = process.env): HomePaths {
  const { config, state } = directories(env);
  const hash = createHash('sha256').update(state).digest('hex').slice(0, 8);
  const runDir = runDirectory(state, hash);
  return {
    hash,
    configFile: join(config, 'config.yaml'),
    rolesDir: join(config, 'roles'),
    stateDir: state,
    databaseFile: join(state, 'godel.db'),
    ledgerFile: join(state, 'ledger.db'),
    recordingsFile: join(state, 'recordings.db'),
    lockFile: join(state, 'daemon.lock'),
    adminKeyFile: join(state, 'admin.key'),
    secretsFile: join(state, 'secrets.json'),
    secretKeyFile: join(state, 'secrets.key'),
    daemonFile: join(state, 'daemon.json'),
    proxyFile: join(state, 'proxy.json'),
    logDir: join(state, 'logs'),
    agentsDir: join(state, 'agents'),
    tmuxConfFile: join(state, 'tmux.conf'),
    socketFile: join(runDir, 'daemon.sock'),
    bridgeSocketFile: join(runDir, 'bridge.sock'),
    proxySocketFile: join(runDir, 'proxy.sock'),
    tmuxSocketName: `godel-${hash}`,
  };
}
