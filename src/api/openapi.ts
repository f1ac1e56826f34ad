/** Operations -> OpenAPI 3.1. Pure. */
import { z } from 'zod';
import type { AnyOperation, OperationTable } from '../base/operation.ts';

type Json = Record<string, unknown>;

const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  return rest;
};

export const pathParameters = (path: string): string[] =>
  [...path.matchAll(/:([a-zA-Z]+)/g)].map((match) => match[1] as string);

function parametersOf(operation: AnyOperation, properties: Record<string, Json>): Json[] {
  const inPath = pathParameters(operation.http.path);
  const inQuery = ['GET', 'DELETE'].includes(operation.http.method)
    ? Object.keys(properties).filter((name) => !inPath.includes(name))
    : [];
  const project = operation.scope === 'project' ? [{ $ref: '#/components/parameters/Project' }] : [];
  return [
    ...inPath.map((name) => ({ name, in: 'path', required: true, schema: properties[name] ?? { type: 'string' } })),
    ...inQuery.map((name) => ({ name, in: 'query', required: false, schema: properties[name] })),
    ...project,
  ];
}

function bodyOf(operation: AnyOperation, input: Json, properties: Record<string, Json>): Json {
  if (['GET', 'DELETE'].includes(operation.http.method)) return {};
  const inPath = pathParameters(operation.http.path);
  const kept = Object.fromEntries(Object.entries(properties).filter(([name]) => !inPath.includes(name)));
  const required = ((input.required as string[] | undefined) ?? []).filter((name) => name in kept);
  const schema = {
    type: 'object',
    properties: kept,
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
  };
  return { requestBody: { required: required.length > 0, content: { 'application/json': { schema } } } };
}

function describe(operation: AnyOperation): Json {
  const input = schemaOf(operation.input, 'input');
  const properties = (input.properties ?? {}) as Record<string, Json>;
  const success = {
    type: 'object',
    properties: { success: { const: true }, data: schemaOf(operation.output, 'output') },
    required: ['success', 'data'],
  };
  return {
    operationId: operation.name.replaceAll(' ', '.'),
    summary: operation.summary,
    ...(operation.description ? { description: operation.description } : {}),
    tags: [operation.name.split(' ')[0]],
    'x-godel-permission': operation.permission,
    parameters: parametersOf(operation, properties),
    ...bodyOf(operation, input, properties),
    responses: {
      [String(operation.http.status ?? 200)]: {
        description: 'Done',
        content: { 'application/json': { schema: success } },
      },
      default: { $ref: '#/components/responses/Error' },
    },
  };
}

const ERROR_SCHEMA = {
  type: 'object',
  required: ['success', 'error', 'meta'],
  properties: {
    success: { const: false },
    error: {
      type: 'object',
      required: ['code', 'message', 'details'],
      properties: { code: { type: 'string' }, message: { type: 'string' }, details: { type: 'object' } },
    },
    meta: { type: 'object', properties: { requestId: { type: 'string' }, timestamp: { type: 'string' } } },
  },
};

export function openApi(operations: OperationTable, version: string): Json {
  const paths: Record<string, Json> = {};
  for (const operation of Object.values(operations)) {
    const path = `/api/v1${operation.http.path.replaceAll(/:([a-zA-Z]+)/g, '{$1}')}`;
    paths[path] = { ...paths[path], [operation.http.method.toLowerCase()]: describe(operation) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Godel',
      version,
      summary: 'A team of AI coding agents in one terminal',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: 'http://127.0.0.1:7373' }],
    security: [{ key: [] }, { bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        key: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        bearer: { type: 'http', scheme: 'bearer' },
      },
      parameters: {
        Project: {
          name: 'X-Godel-Project',
          in: 'header',
          required: false,
          schema: { type: 'string' },
          description: 'Project id; may be left out when there is one project',
        },
      },
      responses: {
        Error: { description: 'Refused or failed', content: { 'application/json': { schema: ERROR_SCHEMA } } },
      },
    },
  };
}
