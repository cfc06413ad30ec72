/** The events: what a client sends, and what it receives. */

import { asyncapi, nameOf, type Operation } from "./documents.ts";
import { Example, Prose, SchemaFields, Words } from "./parts.tsx";

const { messages, schemas } = asyncapi.components;

export function SocketDocument() {
  const operations = Object.values(asyncapi.operations);
  return (
    <>
      <Prose text={asyncapi.info.description} />
      <Group title="a client sends" operations={operations.filter((one) => one.action === "receive")} />
      <Group title="a client receives" operations={operations.filter((one) => one.action === "send")} />
    </>
  );
}

function Group({ title, operations }: { title: string; operations: Operation[] }) {
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      {operations.map((operation) => {
        const names = [...operation.messages, ...(operation.reply?.messages ?? [])].map(nameOf);
        return (
          <details key={names[0]} id={`message-${names[0]}`}>
            <summary>
              <code>{names[0]}</code>{" "}
              <span class="faint">
                <Words text={operation.summary} />
              </span>
            </summary>
            {names.map((name) => (
              <MessageDetails key={name} name={name} />
            ))}
          </details>
        );
      })}
    </section>
  );
}

function MessageDetails({ name }: { name: string }) {
  const message = messages[name];
  if (!message) return null;
  return (
    <>
      <h3>{name}</h3>
      <Prose text={message.summary} />
      <SchemaFields schema={message.payload} schemas={schemas} />
      {message.examples.map((example, index) => (
        <Example key={index} label={`Example ${index + 1} of ${name}`} value={example.payload} />
      ))}
    </>
  );
}
