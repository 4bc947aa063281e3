/** The keys of the reading room in one table: what is pressed, what it does, under which heading `?` lists it. */

export const COMMANDS = {
  nextFinding: { keys: ["Tab"], group: "reading" },
  previousFinding: { keys: ["Shift+Tab"], group: "reading" },
  accept: { keys: ["A"], group: "reading" },
  acceptAll: { keys: ["Alt+A"], group: "reading" },
  editFinding: { keys: ["E"], group: "reading" },
  reject: { keys: ["X"], group: "reading" },
  submit: { keys: ["N"], group: "reading" },
  previousCase: { keys: ["P"], group: "reading" },
  reveal: { keys: ["R"], group: "reading" },
  lesions: { keys: ["L"], group: "reading" },
  noLesion: { keys: ["K"], group: "reading" },
  notReadable: { keys: ["U"], group: "reading" },
  defer: { keys: ["J"], group: "reading" },
  raiseThreshold: { keys: ["+"], group: "reading" },
  lowerThreshold: { keys: ["-"], group: "reading" },
  comment: { keys: ["C"], group: "reading" },
  report: { keys: ["Alt+C"], group: "reading" },
  box: { keys: ["B"], group: "marking" },
  boxToEllipse: { keys: ["Shift+B"], group: "marking" },
  ellipse: { keys: ["Shift+O"], group: "marking" },
  circle: { keys: ["Shift+0"], group: "marking" },
  polygon: { keys: ["Y"], group: "marking" },
  freehand: { keys: ["D"], group: "marking" },
  spline: { keys: ["Shift+S"], group: "marking" },
  livewire: { keys: ["Shift+W"], group: "marking" },
  point: { keys: ["Shift+P"], group: "marking" },
  brush: { keys: ["Q"], group: "marking" },
  sphereBrush: { keys: ["Shift+Z"], group: "marking" },
  thresholdBrush: { keys: ["Shift+T"], group: "marking" },
  dynamicBrush: { keys: ["Shift+M"], group: "marking" },
  eraser: { keys: ["Shift+Q"], group: "marking" },
  lasso: { keys: ["Shift+A"], group: "marking" },
  scissors: { keys: ["Shift+X"], group: "marking" },
  fillHole: { keys: ["Shift+F"], group: "marking" },
  segment: { keys: ["S"], group: "marking" },
  scribble: { keys: ["Alt+S"], group: "marking" },
  grow: { keys: ["Shift+J"], group: "marking" },
  length: { keys: ["Shift+D"], group: "marking" },
  bidirectional: { keys: ["Shift+K"], group: "marking" },
  angle: { keys: ["Shift+N"], group: "marking" },
  roi: { keys: ["Shift+U"], group: "marking" },
  arrow: { keys: ["Shift+I"], group: "marking" },
  brushSmaller: { keys: ["["], group: "marking" },
  brushLarger: { keys: ["]"], group: "marking" },
  select: { keys: ["V"], group: "marking" },
  fill: { keys: ["F"], group: "marking" },
  maskToPolygon: { keys: ["Shift+Y"], group: "marking" },
  nextSlice: { keys: ["ArrowDown"], group: "view" },
  previousSlice: { keys: ["ArrowUp"], group: "view" },
  tenForward: { keys: ["PageDown"], group: "view" },
  tenBack: { keys: ["PageUp"], group: "view" },
  firstSlice: { keys: ["Home"], group: "view" },
  lastSlice: { keys: ["End"], group: "view" },
  preset1: { keys: ["Shift+1"], group: "view" },
  preset2: { keys: ["Shift+2"], group: "view" },
  preset3: { keys: ["Shift+3"], group: "view" },
  preset4: { keys: ["Shift+4"], group: "view" },
  preset5: { keys: ["Shift+5"], group: "view" },
  preset6: { keys: ["Shift+6"], group: "view" },
  preset7: { keys: ["Shift+7"], group: "view" },
  window: { keys: ["W"], group: "view" },
  pan: { keys: ["H"], group: "view" },
  zoom: { keys: ["Z"], group: "view" },
  zoomIn: { keys: ["Shift+PageUp"], group: "view" },
  zoomOut: { keys: ["Shift+PageDown"], group: "view" },
  invert: { keys: ["I"], group: "view" },
  flipHorizontal: { keys: ["Shift+H"], group: "view" },
  flipVertical: { keys: ["Shift+V"], group: "view" },
  rotate: { keys: ["Shift+R"], group: "view" },
  reset: { keys: ["Space", "Numpad0"], group: "view" },
  actualSize: { keys: ["Shift+Space"], group: "view" },
  magnifier: { keys: ["Shift+E"], group: "view" },
  layout: { keys: ["G"], group: "view" },
  mpr: { keys: ["Shift+G"], group: "view" },
  nextPane: { keys: ["ArrowRight"], group: "view" },
  previousPane: { keys: ["ArrowLeft"], group: "view" },
  nextImages: { keys: ["Alt+PageDown"], group: "view" },
  previousImages: { keys: ["Alt+PageUp"], group: "view" },
  link: { keys: ["Shift+L"], group: "view" },
  crossHere: { keys: [">"], group: "view" },
  cine: { keys: ["Shift+C"], group: "view" },
  faster: { keys: ["Alt+ArrowUp"], group: "view" },
  slower: { keys: ["Alt+ArrowDown"], group: "view" },
  overlays: { keys: ["O"], group: "view" },
  originals: { keys: ["M"], group: "view" },
  hideMarks: { keys: ["T"], group: "view" },
  reportName: { keys: ["Alt+N"], group: "view" },
  leftPanel: { keys: ["Shift+["], group: "view" },
  rightPanel: { keys: ["Shift+]"], group: "view" },
  undo: { keys: ["Ctrl+Z"], group: "editing" },
  redo: { keys: ["Ctrl+Shift+Z", "Ctrl+Y"], group: "editing" },
  done: { keys: ["Enter"], group: "editing" },
  cancel: { keys: ["Escape"], group: "editing" },
  remove: { keys: ["Backspace", "Delete"], group: "editing" },
  attributes: { keys: [":"], group: "editing" },
  nextMark: { keys: ["."], group: "editing" },
  previousMark: { keys: [","], group: "editing" },
  moveLeft: { keys: ["Shift+ArrowLeft"], group: "editing" },
  moveRight: { keys: ["Shift+ArrowRight"], group: "editing" },
  moveUp: { keys: ["Shift+ArrowUp"], group: "editing" },
  moveDown: { keys: ["Shift+ArrowDown"], group: "editing" },
  wider: { keys: ["Ctrl+Shift+ArrowRight"], group: "editing" },
  narrower: { keys: ["Ctrl+Shift+ArrowLeft"], group: "editing" },
  taller: { keys: ["Ctrl+Shift+ArrowUp"], group: "editing" },
  flatter: { keys: ["Ctrl+Shift+ArrowDown"], group: "editing" },
  snapToEdge: { keys: ["Ctrl+Enter"], group: "editing" },
  toBox: { keys: ["Ctrl+B"], group: "editing" },
  toMask: { keys: ["="], group: "editing" },
  revert: { keys: ["Ctrl+Backspace"], group: "editing" },
  interpolate: { keys: ["/"], group: "editing" },
  copyToNext: { keys: ["Ctrl+ArrowDown"], group: "editing" },
  copyToPrevious: { keys: ["Ctrl+ArrowUp"], group: "editing" },
  fillHoles: { keys: [";"], group: "editing" },
  removeIslands: { keys: ["'"], group: "editing" },
  duplicate: { keys: ["Ctrl+D"], group: "editing" },
  merge: { keys: ["Ctrl+M"], group: "editing" },
  split: { keys: ["Ctrl+Shift+M"], group: "editing" },
  measureLesion: { keys: ["Ctrl+K"], group: "editing" },
  cycleMarks: { keys: ["`"], group: "editing" },
  hideMark: { keys: ["Ctrl+H"], group: "editing" },
  lockMark: { keys: ["\\"], group: "editing" },
  fainter: { keys: ["Ctrl+["], group: "editing" },
  stronger: { keys: ["Ctrl+]"], group: "editing" },
  colourBy: { keys: ["<"], group: "editing" },
  keys: { keys: ["?"], group: "editing" },
  agree: { keys: ["A"], group: "review" },
  editReading: { keys: ["E"], group: "review" },
  sendBack: { keys: ["X"], group: "review" },
  skip: { keys: ["N"], group: "review" },
} as const satisfies Record<string, { keys: readonly string[]; group: string }>;

/** Commands that `?` shows in one line, under the first one's heading. */
export const TOGETHER: Record<string, Command[]> = {
  findings: ["nextFinding", "previousFinding"],
  thresholds: ["raiseThreshold", "lowerThreshold"],
  brushSizes: ["brushSmaller", "brushLarger"],
  slices: ["previousSlice", "nextSlice"],
  tenSlices: ["tenBack", "tenForward"],
  ends: ["firstSlice", "lastSlice"],
  presets: ["preset1", "preset2", "preset3", "preset4", "preset5", "preset6", "preset7"],
  zooms: ["zoomIn", "zoomOut"],
  speeds: ["slower", "faster"],
  flips: ["flipHorizontal", "flipVertical"],
  panels: ["leftPanel", "rightPanel"],
  panes: ["previousPane", "nextPane"],
  images: ["previousImages", "nextImages"],
  marks: ["previousMark", "nextMark"],
  moves: ["moveLeft", "moveRight", "moveUp", "moveDown"],
  sizes: ["narrower", "wider", "taller", "flatter"],
  copies: ["copyToPrevious", "copyToNext"],
  opacities: ["fainter", "stronger"],
};

export type Command = keyof typeof COMMANDS;
export type KeyGroupName = (typeof COMMANDS)[Command]["group"];
/** What is done in the room: a case is read, or another's reading of it is reviewed. Letters mean what is done there. */
export type Doing = "reading" | "review";
const DOINGS: Doing[] = ["reading", "review"];

/** The groups of which `?` lists what is in force. */
export const LISTED: Record<Doing, readonly KeyGroupName[]> = {
  reading: ["reading", "marking", "view", "editing"],
  review: ["review", "reading", "view", "editing"],
};

/** What the keys of reading do where nothing can be changed: go through marks, hide them, look at them otherwise. */
const LOOKING: ReadonlySet<Command> = new Set<Command>([
  ...(["nextFinding", "previousFinding", "previousCase", "report"] as const),
  ...(["cancel", "nextMark", "previousMark", "cycleMarks", "hideMark"] as const),
  ...(["fainter", "stronger", "colourBy", "keys"] as const),
]);

export function isInForce(command: Command, doing: Doing): boolean {
  const { group } = COMMANDS[command];
  if (doing === "reading") return group !== "review";
  return group === "review" || group === "view" || LOOKING.has(command);
}

type Pressed = Pick<KeyboardEvent, "key" | "code" | "shiftKey" | "ctrlKey" | "metaKey" | "altKey">;

/** "A", "Shift+O", "Ctrl+Z", "[", "Shift+1", "ArrowUp": the same name whatever the input method makes of the key. */
export function keyOf(event: Pressed): string {
  const name = baseOf(event);
  const parts: string[] = [];
  if (event.ctrlKey || event.metaKey) parts.push("Ctrl");
  if (event.altKey) parts.push("Alt");
  // Shift is part of a character like "?" or "+" itself.
  const character = name.length === 1 && !/[A-Z0-9[\]]/.test(name);
  if (event.shiftKey && !character) parts.push("Shift");
  return [...parts, name].join("+");
}

const BRACKETS: Record<string, string> = { "{": "[", "}": "]" };

function baseOf({ key, code }: Pressed): string {
  if (code === "Numpad0") return "Numpad0";
  if (key === " ") return "Space";
  const digit = /^Digit([0-9])$/.exec(code);
  if (digit) return digit[1] as string;
  if (BRACKETS[key]) return BRACKETS[key];
  if (/^[a-z]$/i.test(key)) return key.toUpperCase();
  // An input method that composes (key "Process"), or another alphabet: the place of the key decides.
  const letter = /^Key([A-Z])$/.exec(code);
  if (letter) return letter[1] as string;
  return key;
}

/** The command of a key, the reader's own bindings first; under review what is done there before everything else. */
export function commandOf(
  pressed: string,
  own: Record<string, string> = {},
  doing: Doing = "reading",
): Command | null {
  const held = doing === "review" ? heldBy(pressed, own, (command) => isInForce(command, "review")) : null;
  return held ?? heldBy(pressed, own, (command) => isInForce(command, "reading"));
}

function heldBy(
  pressed: string,
  own: Record<string, string>,
  isMeant: (command: Command) => boolean,
): Command | null {
  const commands = (Object.keys(COMMANDS) as Command[]).filter(isMeant);
  const mine = commands.find((command) => own[command] === pressed);
  const others = commands.filter((command) => !(command in own));
  return mine ?? others.find((command) => (COMMANDS[command].keys as readonly string[]).includes(pressed)) ?? null;
}

/** Who has a key now, of what is in force where `command` is: another command, a finding type of the project, or nobody. */
export function holderOf(
  pressed: string,
  own: Record<string, string>,
  typeKeys: string[],
  command: Command,
): Command | "type" | null {
  if (typeKeys.some((key) => key.toUpperCase() === pressed)) return "type";
  const isBeside = (other: Command) =>
    DOINGS.some((doing) => isInForce(command, doing) && isInForce(other, doing));
  return heldBy(pressed, own, isBeside);
}

const PRINTED: Record<string, string> = {
  ArrowUp: "↑",
  ArrowDown: "↓",
  ArrowLeft: "←",
  ArrowRight: "→",
  PageUp: "PgUp",
  PageDown: "PgDn",
  Escape: "Esc",
  Enter: "↵",
  Numpad0: "0 (num)",
};

/** As it is printed on keys: "Shift O", "Alt ←". */
export function printed(key: string): string {
  return key
    .split(/\+(?=.)/)
    .map((part) => PRINTED[part] ?? part)
    .join(" ");
}

export function keysOf(command: Command, own: Record<string, string> = {}): string[] {
  return own[command] ? [own[command]] : [...COMMANDS[command].keys];
}
