/** The HTTP API: its operations by tag, and its models. */

import { type Answer, type Call, nameOf, openapi, resolved, typeText } from "./documents.ts";
import { Example, Fields, Prose, SchemaFields } from "./parts.tsx";

const { schemas } = openapi.components;

export function ApiDocument() {
  const calls = Object.entries(openapi.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, call]) => ({ path, method: method.toUpperCase(), call })),
  );
  const tags = [...new Set(calls.flatMap(({ call }) => call.tags))];
  return (
    <>
      <Prose text={openapi.info.description} />
      {tags.map((tag) => (
        <section key={tag} aria-label={tag}>
          <h2>{tag}</h2>
          {calls
            .filter(({ call }) => call.tags.includes(tag))
            .map(({ path, method, call }) => (
              <details key={call.operationId} id={call.operationId}>
                <summary>
                  <code class={`method ${method.toLowerCase()}`}>{method}</code> <code>{path}</code>{" "}
                  <span class="faint">{call.summary}</span>
                </summary>
                <CallDetails call={call} />
              </details>
            ))}
        </section>
      ))}
      <section aria-label="models">
        <h2>models</h2>
        {Object.entries(schemas).map(([name, schema]) => (
          <details key={name} id={`model-${name}`}>
            <summary>
              <code>{name}</code>
            </summary>
            <Prose text={schema.description} />
            {schema.enum ? <p>{typeText(schema)}</p> : <SchemaFields schema={schema} schemas={schemas} />}
          </details>
        ))}
      </section>
    </>
  );
}

function CallDetails({ call }: { call: Call }) {
  const body = call.requestBody?.content["application/json"];
  const parameters = (call.parameters ?? []).map((one) => ({
    name: one.name,
    type: `${typeText(one.schema)} (${one.in})`,
    must: one.required ?? false,
    text: one.description,
  }));
  const sent = body && exampleOf(body.schema);
  return (
    <>
      <Prose text={call.description} />
      {call.security.length === 0 && <p class="faint">Needs no token.</p>}
      <Fields label="Parameters" rows={parameters} />
      {body && <SchemaFields schema={body.schema} schemas={schemas} />}
      {sent !== undefined && <Example label={`What ${call.operationId} takes`} value={sent} />}
      {Object.entries(call.responses).map(([status, answer]) => (
        <AnswerDetails key={status} call={call} status={status} answer={answer} />
      ))}
    </>
  );
}

function AnswerDetails({ call, status, answer }: { call: Call; status: string; answer: Answer }) {
  const content = Object.values(answer.content ?? {})[0];
  const value = content && exampleOf(content.schema);
  const problems = Object.values(content?.examples ?? {}).map((one) => nameOf(one));
  const label = `Answer ${status} of ${call.operationId}`;
  return (
    <details>
      <summary>
        <code class={status < "300" ? "good" : "bad"}>{status}</code>{" "}
        {content && !problems.length && typeText(content.schema)}
        {problems.length > 0 && <span class="faint">{problems.join(", ")}</span>}
      </summary>
      {Object.entries(answer.headers ?? {}).map(([name, header]) => (
        <Prose key={name} text={`\`${name}\`: ${header.description}`} />
      ))}
      {value !== undefined && <Example label={label} value={value} />}
      {problems.map((code) => (
        <Example key={code} label={`${label}: ${code}`} value={openapi.components.examples[code]?.value} />
      ))}
    </details>
  );
}

function exampleOf(schema: Parameters<typeof resolved>[0]): unknown {
  const choice = schema.anyOf?.[0] ?? schema;
  return resolved(choice, schemas).examples?.[0];
}
