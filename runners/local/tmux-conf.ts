/** Godel's own tmux configuration: nothing of the user's is read. Pure. */

export interface TmuxVersion {
  major: number;
  minor: number;
  text: string;
}

/** Parses `tmux 3.3a`; undefined for what has no number (`tmux master` counts as newest). */
export function parseVersion(text: string): TmuxVersion | undefined {
  const match = /(\d+)\.(\d+)/.exec(text);
  if (match) return { major: Number(match[1]), minor: Number(match[2]), text: text.replace('tmux ', '').trim() };
  return text.includes('master') ? { major: 99, minor: 0, text: 'master' } : undefined;
}

export function isAtLeast(version: TmuxVersion, major: number, minor: number): boolean {
  return version.major > major || (version.major === major && version.minor >= minor);
}

/** Oldest tmux that works: 3.2a. */
export function isSupported(version: TmuxVersion): boolean {
  return isAtLeast(version, 3, 2);
}

export function tmuxConf(version: TmuxVersion): string {
  return [
    'set -s escape-time 0',
    'set -s exit-empty off',
    'set -s set-clipboard on',
    'set -s focus-events on',
    'set -s extended-keys on',
    'set -g default-terminal tmux-256color',
    // What panes and popups run is written for a POSIX shell; the person's own may be fish.
    'set -g default-shell /bin/sh',
    "set -as terminal-features ',*256col*:RGB:clipboard:usstyle,xterm*:extkeys'",
    'set -g mouse on',
    'set -g remain-on-exit on',
    'set -g history-limit 5000',
    'set -g window-size latest',
    'set -g base-index 1',
    'set -g renumber-windows off',
    'set -g update-environment ""',
    'set -g default-size 200x50',
    'set -g set-titles on',
    "set -g set-titles-string 'godel'",
    'set -g prefix C-g',
    'unbind-key -a -T prefix',
    'bind-key C-g send-prefix',
    'set -g detach-on-destroy on',
    'set -g visual-activity off',
    'set -g bell-action any',
    ...(isAtLeast(version, 3, 3) ? ["set -g remain-on-exit-format ''", 'set -g allow-passthrough off'] : []),
    ...(isAtLeast(version, 3, 3) ? ['set -g popup-border-lines rounded'] : []),
    '',
  ].join('\n');
}
