/** The one table of the review popup's keys. */
import { indexKeys, type KeyBinding } from '../key-table.ts';
import { edit } from '../keymap-text.ts';
import type { ReviewModel, ReviewModeName, ReviewUi } from './model.ts';

export type ReviewCall = 'accept' | 'sendBack' | 'exportPatch' | 'close';
export type ReviewBinding = KeyBinding<ReviewModeName, ReviewUi | ReviewCall, ReviewModel>;

const reading: readonly ReviewModeName[] = ['diff', 'help', 'result'];
const typing: readonly ReviewModeName[] = ['comment', 'export', 'search'];

function noVerdict(model: ReviewModel): string | undefined {
  if (model.running) return `${model.running.label} is running`;
  if (!model.bead) return model.problem ? model.problem.text : 'Still loading';
  return model.bead.status === 'review'
    ? undefined
    : `${model.beadId} is ${model.bead.status}; only work in review is accepted or sent back`;
}

const noDiff = (model: ReviewModel) => (model.diff ? undefined : 'There is no diff');

// biome-ignore format: one line a key reads as the table it is.
export const reviewKeymap: readonly ReviewBinding[] = [
  { action: 'accept', modes: ['diff'], keys: ['a'], operation: 'reviewAccept', hint: 'accept', tooltip: 'Accept: run the gate and land the work', disabledReason: noVerdict },
  { action: 'openComment', modes: ['diff', 'result'], keys: ['R', 'c'], operation: 'reviewReturn', hint: 'send back', tooltip: 'Send back with a comment', disabledReason: noVerdict },
  { action: 'nextFile', modes: ['diff'], keys: [']'], hint: 'file', tooltip: 'Next file' },
  { action: 'previousFile', modes: ['diff'], keys: ['['], tooltip: 'File before' },
  { action: 'nextHunk', modes: ['diff'], keys: ['n'], hint: 'hunk', tooltip: 'Next hunk' },
  { action: 'previousHunk', modes: ['diff'], keys: ['N'], tooltip: 'Hunk before' },
  { action: 'toggleLayout', modes: ['diff'], keys: ['t'], hint: 'split', tooltip: 'Side by side, or one below the other' },
  { action: 'openSearch', modes: ['diff'], keys: ['/'], hint: 'search', tooltip: 'Search; / ⏎ finds the next one' },
  { action: 'openExport', modes: ['diff'], keys: ['e'], hint: 'export', tooltip: 'Write the patch to a file', disabledReason: noDiff },
  { action: 'openHelp', modes: ['diff'], keys: ['?'], tooltip: 'Show these keys' },
  { action: 'down', modes: reading, keys: ['j', 'down'], tooltip: 'Down' },
  { action: 'up', modes: reading, keys: ['k', 'up'], tooltip: 'Up' },
  { action: 'halfDown', modes: reading, keys: ['C-d', 'pagedown', 'space'], tooltip: 'Half a page down' },
  { action: 'halfUp', modes: reading, keys: ['C-u', 'pageup'], tooltip: 'Half a page up' },
  { action: 'first', modes: ['diff'], keys: ['g', 'home'], tooltip: 'Start' },
  { action: 'last', modes: ['diff'], keys: ['G', 'end'], tooltip: 'End' },
  { action: 'right', modes: ['diff'], keys: ['l', 'right'], tooltip: 'Scroll to the right' },
  { action: 'left', modes: ['diff'], keys: ['h', 'left'], tooltip: 'Scroll to the left' },
  { action: 'back', modes: ['help', 'result'], keys: ['esc', 'enter'], hint: 'back to the diff', tooltip: 'Back to the diff' },
  { action: 'close', modes: reading, keys: ['q'], hint: 'close', tooltip: 'Close the popup' },
  { action: 'close', modes: ['diff', 'help', 'result', ...typing], keys: ['C-c'], tooltip: 'Close the popup' },
  { action: 'sendBack', modes: ['comment'], keys: ['enter'], operation: 'reviewReturn', hint: 'send (M-⏎ new line)', tooltip: 'Send the comment; Alt-Enter makes a new line' },
  { action: 'exportPatch', modes: ['export'], keys: ['enter'], hint: 'write', tooltip: 'Write the patch to this file' },
  { action: 'findNext', modes: ['search'], keys: ['enter'], hint: 'find', tooltip: 'Find the next one' },
  { action: 'back', modes: typing, keys: ['esc'], hint: 'cancel', tooltip: 'Close without doing anything' },
  ...edit.map(({ action, keys, tooltip }) => ({ action, keys, tooltip, modes: typing })),
];

export const reviewBindingOf = indexKeys(reviewKeymap);
export const isTyping = (mode: ReviewModeName): boolean => typing.includes(mode);
