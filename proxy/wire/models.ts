/** The list of models, and one of them, in the dialect of who asks. Pure. */
import type { Route } from './routes.ts';
import type { Json } from './wire.ts';

export interface KnownModel {
  provider: string;
  id: string;
}

const BORN = '1970-01-01T00:00:00Z';

function modelOf(wire: Route['wire'], { provider, id }: KnownModel): Json {
  const name = `${provider}/${id}`;
  if (wire === 'anthropic') return { type: 'model', id: name, display_name: id, created_at: BORN };
  if (wire === 'google')
    return {
      name: `models/${name}`,
      displayName: id,
      supportedGenerationMethods: ['generateContent', 'countTokens'],
    };
  return { id: name, object: 'model', created: 0, owned_by: provider };
}

/** The body of the answer; undefined when the model that was asked for is not known. */
export function modelsBody(route: Route, known: readonly KnownModel[]): string | undefined {
  const { wire, model } = route;
  if (model !== undefined) {
    const found = known.find((each) => `${each.provider}/${each.id}` === model || each.id === model);
    return found && JSON.stringify(modelOf(wire, found));
  }
  const data = known.map((each) => modelOf(wire, each));
  if (wire === 'google') return JSON.stringify({ models: data });
  if (wire === 'chat' || wire === 'responses') return JSON.stringify({ object: 'list', data });
  return JSON.stringify({ data, has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null });
}
