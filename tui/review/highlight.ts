/** Syntax colours of the lines on screen only, cached; word-level marks of changed pairs. */
import { diffWordsWithSpace } from 'diff';
import hljs from 'highlight.js/lib/core';
import bash from 'highlight.js/lib/languages/bash';
import c from 'highlight.js/lib/languages/c';
import cpp from 'highlight.js/lib/languages/cpp';
import csharp from 'highlight.js/lib/languages/csharp';
import css from 'highlight.js/lib/languages/css';
import dockerfile from 'highlight.js/lib/languages/dockerfile';
import go from 'highlight.js/lib/languages/go';
import ini from 'highlight.js/lib/languages/ini';
import java from 'highlight.js/lib/languages/java';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import kotlin from 'highlight.js/lib/languages/kotlin';
import lua from 'highlight.js/lib/languages/lua';
import makefile from 'highlight.js/lib/languages/makefile';
import markdown from 'highlight.js/lib/languages/markdown';
import php from 'highlight.js/lib/languages/php';
import python from 'highlight.js/lib/languages/python';
import ruby from 'highlight.js/lib/languages/ruby';
import rust from 'highlight.js/lib/languages/rust';
import sql from 'highlight.js/lib/languages/sql';
import swift from 'highlight.js/lib/languages/swift';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';
import type { Color } from '../theme.ts';
import type { DiffLine, Hunk } from './patch.ts';

const LANGUAGES = {
  bash,
  c,
  cpp,
  csharp,
  css,
  dockerfile,
  go,
  ini,
  java,
  javascript,
  json,
  kotlin,
  lua,
  makefile,
  markdown,
  php,
  python,
  ruby,
  rust,
  sql,
  swift,
  typescript,
  xml,
  yaml,
};
for (const [name, language] of Object.entries(LANGUAGES)) hljs.registerLanguage(name, language);

// biome-ignore format: a table.
const BY_EXTENSION: Readonly<Record<string, keyof typeof LANGUAGES>> = {
  sh: 'bash', bash: 'bash', zsh: 'bash', c: 'c', h: 'c', cc: 'cpp', cpp: 'cpp', hpp: 'cpp', cs: 'csharp', css: 'css', scss: 'css',
  go: 'go', ini: 'ini', toml: 'ini', java: 'java', js: 'javascript', mjs: 'javascript', cjs: 'javascript', jsx: 'javascript',
  json: 'json', kt: 'kotlin', lua: 'lua', mk: 'makefile', md: 'markdown', php: 'php', py: 'python', rb: 'ruby', rs: 'rust',
  sql: 'sql', swift: 'swift', ts: 'typescript', mts: 'typescript', cts: 'typescript', tsx: 'typescript', html: 'xml', xml: 'xml',
  svg: 'xml', vue: 'xml', yaml: 'yaml', yml: 'yaml',
};

/** Language of a path, or undefined when it is shown plain. */
export function languageOf(path: string): string | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  if (name === 'dockerfile' || name === 'makefile') return name;
  return BY_EXTENSION[name.slice(name.lastIndexOf('.') + 1)];
}

// biome-ignore format: a table.
const COLOR: Readonly<Record<string, Color>> = {
  keyword: 'magenta', built_in: 'cyan', type: 'cyan', literal: 'brightBlue', number: 'brightBlue', string: 'yellow', regexp: 'yellow',
  comment: 'gray', doctag: 'gray', meta: 'gray', title: 'blue', function: 'blue', attr: 'cyan', attribute: 'cyan', name: 'blue',
  tag: 'blue', section: 'blue', symbol: 'brightBlue', variable: 'cyan', property: 'cyan', bullet: 'magenta', code: 'yellow', link: 'cyan',
};

export interface Piece {
  readonly text: string;
  readonly color?: Color;
}

const ENTITY: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#x27;': "'",
};

/** The library answers in HTML of known shape: spans and five entities. */
function piecesByLine(html: string): Piece[][] {
  const lines: Piece[][] = [[]];
  const stack: (Color | undefined)[] = [];
  for (const token of html.split(/(<span class="[^"]*">|<\/span>|\n)/)) {
    if (token === '') continue;
    if (token === '\n') lines.push([]);
    else if (token === '</span>') stack.pop();
    else if (token.startsWith('<span class="')) {
      const scope = /hljs-([\w-]+)/.exec(token)?.[1] ?? '';
      stack.push(COLOR[scope] ?? stack.at(-1));
    } else {
      const color = stack.at(-1);
      const text = token.replaceAll(/&(?:amp|lt|gt|quot|#x27);/g, (entity) => ENTITY[entity] ?? entity);
      lines.at(-1)?.push(color === undefined ? { text } : { text, color });
    }
  }
  return lines;
}

/** Lines are coloured in chunks, so that a comment over several lines is known as one. */
const CHUNK = 200;
/** A line this long is data, not source. */
const LONGEST = 2_000;

export interface Highlighter {
  /** Coloured pieces of one line; joined they are its text. */
  piecesOf(line: DiffLine, path: string): readonly Piece[];
  /** Ranges of the line that its pair has not, as [start, end). */
  changedRanges(line: DiffLine): readonly (readonly [number, number])[];
}

export function createHighlighter(): Highlighter {
  const chunks = new Map<string, Piece[][]>();
  const ranges = new WeakMap<DiffLine, readonly (readonly [number, number])[]>();

  function chunkOf(hunk: Hunk, side: 'old' | 'new', chunk: number, language: string): Piece[][] {
    const key = `${hunk.key} ${side} ${chunk}`;
    const known = chunks.get(key);
    if (known) return known;
    const all = side === 'old' ? hunk.oldLines : hunk.newLines;
    const text = all
      .slice(chunk * CHUNK, (chunk + 1) * CHUNK)
      .map((line) => (line.length > LONGEST ? '' : line.replace(/\r$/, '')));
    const made = piecesByLine(hljs.highlight(text.join('\n'), { language, ignoreIllegals: true }).value);
    chunks.set(key, made);
    return made;
  }

  function measure(line: DiffLine): readonly (readonly [number, number])[] {
    if (!line.pair || line.kind === 'context' || line.text.length + line.pair.text.length > LONGEST) return [];
    const [before, after] = line.kind === 'removed' ? [line.text, line.pair.text] : [line.pair.text, line.text];
    const wanted = line.kind === 'removed' ? 'removed' : 'added';
    const found: [number, number][] = [];
    let place = 0;
    for (const part of diffWordsWithSpace(before, after)) {
      if (part.added || part.removed) {
        if (!part[wanted]) continue;
        found.push([place, place + part.value.length]);
      }
      place += part.value.length;
    }
    const changed = found.reduce((sum, [start, end]) => sum + end - start, 0);
    // A line rewritten as a whole is no pair: marks all over it say nothing.
    return changed > line.text.trim().length * 0.75 ? [] : found;
  }

  return {
    piecesOf(line, path) {
      const language = languageOf(path);
      if (language === undefined || line.text.length > LONGEST) return [{ text: line.text }];
      const side = line.kind === 'removed' ? 'old' : 'new';
      const pieces = chunkOf(line.hunk, side, Math.floor(line.index / CHUNK), language)[line.index % CHUNK];
      return pieces ?? [{ text: line.text }];
    },
    changedRanges(line) {
      const known = ranges.get(line) ?? measure(line);
      ranges.set(line, known);
      return known;
    },
  };
}
