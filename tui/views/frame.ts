/** The whole screen as lines: a pure function of the model, always exactly as high as the terminal. */
import { geometryOf } from '../model/geometry.ts';
import type { Model } from '../model/state.ts';
import { type Line, paint } from '../theme.ts';
import { footerLines } from './footer.ts';
import { agentLines, headerLines } from './header.ts';
import { laneLines } from './lanes.ts';
import { cutLine, fillRows } from './lines.ts';
import { panelLines } from './panels.ts';

export function frameOf(model: Model): Line[] {
  const { rows, columns } = model.size;
  const bottom = footerLines(model, panelLines(model, 1) !== undefined);
  const room = Math.max(0, rows - bottom.length);
  const geometry = geometryOf(model);
  const top = panelLines(model, room) ?? [
    ...headerLines(model, geometry),
    ...laneLines(model, geometry),
    ...agentLines(model, geometry),
  ];
  return [...fillRows(top, room), ...bottom].slice(0, rows).map((line) => cutLine(line, columns));
}

/** The screen as painted rows: two frames with equal rows look the same, so nothing is drawn. */
export function paintFrame(model: Model, colors: boolean): string[] {
  return frameOf(model).map((line) => paint(line, colors));
}
