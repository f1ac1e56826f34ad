/** Keys behind the prefix C-g, and the look of the screen, as tmux commands. Pure. */

import { commandLine } from '../../runners/local/control-lines.ts';

type Command = readonly string[];

const toBoard = ['select-pane', '-Z', '-t', '{top-left}'];
/** From the board to the pane that was used last, from anywhere else to the board. */
const toggle = ['if-shell', '-F', '#{==:#{@godel_kind},board}', 'select-pane -Z -l', commandLine([toBoard])];

const typeOnBoard = (key: string) => [...toBoard, ';', 'send-keys', '-t', '{top-left}', key];

/**
 * The CLI for the project of the session, from variables of the session: a path in the command itself would be read
 * as a format by tmux, and the keys of one project would run in another.
 */
const CLI = '"$GODEL_NODE" "$GODEL_CLI" --project "$GODEL_PROJECT"';

/** Asks for a line in a popup; it stays open when the message is refused. A name has no special characters. */
const messagePopup = commandLine([
  [
    ...['display-popup', '-EE', '-w', '80', '-h', '8'],
    'printf "Message to #{@godel_name} (nothing: cancel)\\n> "; IFS= read -r text; [ -z "$text" ] || ' +
      `exec ${CLI} agent send #{@godel_name} -- "$text" >/dev/null`,
  ],
]);

interface PrefixBinding {
  keys: readonly string[];
  command: Command;
  help: string;
}

/** Keys with the words of the help; the list is the order of the help. */
export function bindings(): PrefixBinding[] {
  return [
    { keys: ['b', 'Tab'], command: toggle, help: 'board, or back to the agent' },
    { keys: ['h', 'Left'], command: ['select-pane', '-Z', '-L'], help: 'pane to the left' },
    { keys: ['j', 'Down'], command: ['select-pane', '-Z', '-D'], help: 'pane below' },
    { keys: ['k', 'Up'], command: ['select-pane', '-Z', '-U'], help: 'pane above' },
    { keys: ['l', 'Right'], command: ['select-pane', '-Z', '-R'], help: 'pane to the right' },
    { keys: ['n'], command: ['next-window'], help: 'next page' },
    { keys: ['p'], command: ['previous-window'], help: 'previous page' },
    ...Array.from({ length: 9 }, (_, index) => ({
      keys: [String(index + 1)],
      command: ['select-window', '-t', `:${index + 1}`],
      help: `page ${index + 1}`,
    })),
    { keys: ['z'], command: ['resize-pane', '-Z'], help: 'zoom the pane, or back' },
    {
      keys: ['a'],
      command: [
        'choose-tree',
        '-Z',
        '-f',
        '#{@godel_agent}',
        '-F',
        '#{?pane_format,#{@godel_name}  #{@godel_state}  #{@godel_bead},}',
      ],
      help: 'choose an agent',
    },
    {
      keys: ['!'],
      command: ['run-shell', '-b', `${CLI} board focus --waiting >/dev/null 2>&1`],
      help: 'next agent that waits for you',
    },
    {
      keys: ['m'],
      command: [
        ...['if-shell', '-F', '#{@godel_name}', commandLine([['run-shell', '-C', messagePopup]])],
        commandLine([toBoard, ['send-keys', '-t', '{top-left}', 'm']]),
      ],
      help: 'message to this agent; on the board to the agent that is selected',
    },
    { keys: ['?'], command: typeOnBoard('?'), help: 'help' },
    { keys: [':'], command: typeOnBoard(':'), help: 'command' },
    { keys: ['['], command: ['copy-mode'], help: 'scroll back; q ends' },
    { keys: ['d'], command: ['detach-client'], help: 'detach; everything goes on' },
  ];
}

/** Commands that bind every key. */
export function bindCommands(): Command[] {
  return bindings().flatMap(({ keys, command }) => keys.map((key) => ['bind-key', '-T', 'prefix', key, ...command]));
}

/** Look of a session: borders with names and states, a status line of two rows. */
export function styleCommands(session: string): Command[] {
  const set = (name: string, value: string) => ['set-option', '-t', session, name, value];
  const setWindow = (name: string, value: string) => ['set-option', '-g', '-w', name, value];
  const label =
    '#{?@godel_name, #{@godel_name} #[dim]#{@godel_bead}#[nodim] #{@godel_state} ,#{?#{==:#{@godel_kind},board}, board ,}}';
  return [
    set('status', '2'),
    set('status-style', 'bg=default,fg=default'),
    set('status-interval', '0'),
    set('status-format[0]', '#[align=left]#{@godel_status_left}#[align=right]#{@godel_status_right} '),
    set(
      'status-format[1]',
      '#[align=left,dim] C-g #[nodim]b#[dim] board  #[nodim]h j k l#[dim] panes  #[nodim]n p#[dim] pages  #[nodim]z#[dim] zoom  #[nodim]m#[dim] message  #[nodim]!#[dim] waiting  #[nodim]d#[dim] detach  #[nodim]?#[dim] help',
    ),
    setWindow('pane-border-status', 'top'),
    setWindow('pane-border-format', `#{?pane_active,#[bold],#[dim]}${label}`),
    setWindow('pane-border-style', 'fg=brightblack'),
    setWindow('pane-active-border-style', 'fg=cyan'),
    setWindow('remain-on-exit', 'on'),
    setWindow('aggressive-resize', 'off'),
    setWindow('automatic-rename', 'off'),
  ];
}
