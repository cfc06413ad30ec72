/** The OpenAPI and AsyncAPI documents, which are bundled with the page, as far as it reads them. */

import asyncapiJson from "../../../contracts/asyncapi.json";
import openapiJson from "../../../contracts/openapi.json";

export interface Schema {
  $ref?: string;
  type?: string;
  title?: string;
  description?: string;
  format?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  deprecated?: boolean;
  default?: unknown;
  examples?: unknown[];
}

interface Content {
  schema: Schema;
  examples?: Record<string, { $ref: string }>;
}

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema: Schema;
}

export interface Answer {
  description?: string;
  headers?: Record<string, { description: string }>;
  content?: Record<string, Content>;
}

export interface Call {
  operationId: string;
  summary: string;
  description?: string;
  tags: string[];
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Record<string, Content> };
  responses: Record<string, Answer>;
  security: unknown[];
}

interface OpenApi {
  info: { title: string; version: string; description: string };
  paths: Record<string, Record<string, Call>>;
  components: { schemas: Record<string, Schema>; examples: Record<string, { value: unknown }> };
}

interface SocketMessage {
  name: string;
  summary: string;
  payload: Schema;
  examples: { payload: unknown }[];
}

export interface Operation {
  action: "send" | "receive";
  summary: string;
  messages: { $ref: string }[];
  reply?: { messages: { $ref: string }[] };
}

interface AsyncApi {
  info: { title: string; version: string; description: string };
  operations: Record<string, Operation>;
  components: { schemas: Record<string, Schema>; messages: Record<string, SocketMessage> };
}

export const openapi = openapiJson as unknown as OpenApi;
export const asyncapi = asyncapiJson as unknown as AsyncApi;

export type Schemas = Record<string, Schema>;

/** The last part of a reference: the name of its target. */
export function nameOf(reference: { $ref: string }): string {
  return reference.$ref.slice(reference.$ref.lastIndexOf("/") + 1);
}

/** The schema, with a reference resolved. */
export function resolved(schema: Schema, schemas: Schemas): Schema {
  const found = schema.$ref === undefined ? schema : schemas[nameOf({ $ref: schema.$ref })];
  return found ?? schema;
}

/** A short description of a schema: `string or null`, `array of NodeBody`. */
export function typeText(schema: Schema): string {
  if (schema.$ref !== undefined) return nameOf({ $ref: schema.$ref });
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return [...new Set(choices.map(typeText))].join(" or ");
  if (schema.type === "array") return `array of ${schema.items ? typeText(schema.items) : "anything"}`;
  if (schema.type === "object" && typeof schema.additionalProperties === "object")
    return `object of ${typeText(schema.additionalProperties)}`;
  return schema.format ?? schema.type ?? "anything";
}
