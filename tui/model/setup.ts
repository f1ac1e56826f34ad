/** The first questions: at most three, each one setting. */

/** Going past either end of a list comes in at the other. */
export function wrapIndex(index: number, length: number): number {
  return length === 0 ? 0 : ((index % length) + length) % length;
}

export interface SetupChoice {
  readonly value: string;
  readonly text: string;
}

export interface SetupStep {
  readonly key: 'provider' | 'setup_command' | 'proof_command';
  readonly question: string;
  readonly help: string;
  readonly choices?: readonly SetupChoice[];
}

export const setupSteps: readonly [SetupStep, SetupStep, SetupStep] = [
  {
    key: 'provider',
    question: 'Which model provider shall agents use?',
    help: 'Keys stay with the daemon; an agent never sees one.',
    choices: [
      { value: 'anthropic', text: 'Anthropic: it gets your key in a shell, godel secret set anthropic' },
      { value: 'openai', text: 'OpenAI: it gets your key in a shell, godel secret set openai' },
      { value: 'demo', text: 'Demo: scripted answers, no key, no cost' },
    ],
  },
  {
    key: 'setup_command',
    question: 'What makes a fresh checkout ready?',
    help: 'Runs in every new worktree, for example npm ci. Empty: nothing.',
  },
  {
    key: 'proof_command',
    question: 'What proves that work is good?',
    help: 'Must pass before review and before landing, for example npm test. Empty: nothing.',
  },
];

/** The choice that a typed key stands for: `j` and `k` move as on the board, a number is a place in the list. */
export function choiceTyped(key: string, choice: number, length: number): number {
  if (key === 'j') return choice + 1;
  if (key === 'k') return choice - 1;
  const place = Number(key);
  return place >= 1 && place <= length ? place - 1 : choice;
}
