/** How `godel --help` is read: commands by what a person wants to do, nouns in a sentence. */

export interface CommandGroup {
  readonly title: string;
  /** First words of command lines, in the order in which they are looked for. */
  readonly words: readonly string[];
}

export const COMMAND_GROUPS: readonly CommandGroup[] = [
  { title: 'Work:', words: ['bead', 'convoy', 'ready', 'prime', 'claim', 'show', 'note', 'done', 'template', 'undo'] },
  {
    title: 'Agents:',
    words: ['spawn', 'agent', 'attach', 'inbox', 'ask', 'message', 'todo', 'role', 'runtime', 'mcp', 'recover'],
  },
  { title: 'Conversations:', words: ['session', 'sessions', 'checkpoint', 'checkpoints', 'recording'] },
  { title: 'Review and landing:', words: ['review', 'merge', 'worktree'] },
  { title: 'Money and keys:', words: ['cost', 'budget', 'key', 'secret', 'provider'] },
  { title: 'Sharing and safety:', words: ['sync', 'backup', 'doctor'] },
  {
    title: 'Godel itself:',
    words: [
      'init',
      'project',
      'board',
      'config',
      'daemon',
      'status',
      'system',
      'event',
      'events',
      'demo',
      'completion',
      'help',
    ],
  },
];

export const NOUN_SUMMARIES: Readonly<Record<string, string>> = {
  agent: 'Start, watch, write to, pause and stop agents',
  backup: 'Save everything, check it, bring it back',
  bead: 'Make, find, change and link units of work',
  board: 'Open the board, and move inside it',
  budget: 'Set how much may be spent, and see what is left',
  checkpoint: 'Keep code and conversation of a moment, and go back to it',
  config: 'Read and change settings',
  convoy: 'Bundle beads that are delivered together',
  cost: 'See what was spent, by whom and on what',
  doctor: 'Check everything that is kept, and mend it',
  event: 'Read what happened',
  inbox: 'Answer what waits for a person, and set rules',
  key: 'Make and revoke virtual keys for the proxy',
  mcp: 'Serve Godel’s commands to an agent as tools',
  merge: 'The merge queue: order, clashes, pause, rollback',
  message: 'Letters between agents and people',
  project: 'The repositories that Godel knows',
  provider: 'Providers of models, and their health',
  recording: 'Requests and answers that were kept',
  review: 'Look at work, accept it, send it back',
  role: 'What agents are told to be, and may do',
  runtime: 'The programs that can be agents, and what is missing',
  secret: 'Keys of providers, encrypted',
  session: 'Conversations of agents: read, fork, rewind, move',
  sync: 'Exchange beads and convoys with a git remote',
  system: 'The daemon, its parts and their health',
  template: 'Beads that are made again and again',
  todo: 'Lists of steps that agents keep',
  worktree: 'Folders that agents work in: make, keep, restore, tidy',
};

export const groupOf = (word: string): string | undefined =>
  COMMAND_GROUPS.find(({ words }) => words.includes(word))?.title;

/** Place of the word's group; a word of no group comes last. */
export function groupPlace(word: string): number {
  const place = COMMAND_GROUPS.findIndex(({ words }) => words.includes(word));
  return place < 0 ? COMMAND_GROUPS.length : place;
}
