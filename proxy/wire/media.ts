/** Inline data as OpenAI writes it, and back. Pure. */
import type { Part } from './neutral.ts';

type Media = Extract<Part, { kind: 'media' }>;

/** @param mediaType what it is when the address does not say */
export function mediaFromUrl(url: string, mediaType: string, name?: string): Media {
  const named = name === undefined ? {} : { name };
  const inline = /^data:([^;,]*)(?:;[^,]*)?,/.exec(url);
  if (!inline) return { kind: 'media', mediaType, url, ...named };
  return { kind: 'media', mediaType: inline[1] || mediaType, data: url.slice(inline[0].length), ...named };
}

export function urlOfMedia(media: Media): string {
  return media.data === undefined ? (media.url ?? '') : `data:${media.mediaType};base64,${media.data}`;
}
