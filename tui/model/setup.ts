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
      { value: 'anthropic', text: 'Anthropic: export ANTHROPIC_API_KEY, then godel daemon restart' },
      { value: 'openai', text: 'OpenAI: export OPENAI_API_KEY, then godel daemon restart' },
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
