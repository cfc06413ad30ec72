/** The parts of both documents. Descriptions are text in which backticks mark code; nothing is rendered as HTML. */

import { resolved, type Schema, type Schemas, typeText } from "./documents.ts";

/** Text in which backticks mark code. */
export function Prose({ text }: { text: string | undefined }) {
  return text ? (
    <p>
      <Words text={text} />
    </p>
  ) : null;
}

/** The same within a line. */
export function Words({ text }: { text: string }) {
  return <>{text.split("`").map((part, index) => (index % 2 ? <code key={index}>{part}</code> : part))}</>;
}

/** A value as JSON that can be scrolled with the keyboard. */
export function Example({ label, value }: { label: string; value: unknown }) {
  return (
    <div class="example">
      <p class="caption">{label}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable */}
      <pre tabIndex={0} role="region" aria-label={label}>
        {JSON.stringify(value, null, 2)}
      </pre>
    </div>
  );
}

interface Row {
  name: string;
  type: string;
  must: boolean;
  text: string | undefined;
}

/** A table of names, types and descriptions. */
export function Fields({ label, rows }: { label: string; rows: Row[] }) {
  if (rows.length === 0) return null;
  return (
    <table>
      <caption>{label}</caption>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Type</th>
          <th scope="col">About</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.name}>
            <th scope="row">
              <code>{row.name}</code>
              {row.must ? "" : " (optional)"}
            </th>
            <td>{row.type}</td>
            <td>
              <Prose text={row.text} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The fields of an object, or of each alternative. */
export function SchemaFields({ schema, schemas }: { schema: Schema; schemas: Schemas }) {
  const choices = schema.oneOf ?? schema.anyOf ?? [schema];
  return (
    <>
      {choices.map((choice) => {
        const object = resolved(choice, schemas);
        const rows = Object.entries(object.properties ?? {}).map(([name, field]) => ({
          name,
          type: typeText(field),
          must: object.required?.includes(name) ?? false,
          text: `${field.deprecated ? "Deprecated. " : ""}${field.description ?? ""}`,
        }));
        return <Fields key={typeText(choice)} label={typeText(choice)} rows={rows} />;
      })}
    </>
  );
}
