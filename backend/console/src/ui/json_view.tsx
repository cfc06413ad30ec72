import { useState } from "preact/hooks";
import { LongText } from "./long_text.tsx";
import { Seen } from "./seen.tsx";

interface Props {
  name?: string;
  value: unknown;
  /** How many levels are open at first. */
  open?: number;
}

const PAGE = 100;
const LONG_STRING = 300;

/** JSON that folds. Folded values are not in the page. */
export function JsonView({ name, value, open = 1 }: Props) {
  if (typeof value === "object" && value !== null)
    return <Branch {...(name === undefined ? {} : { name })} value={value} open={open} />;
  return (
    <div class="json-line">
      <Name name={name} />
      <Leaf value={value} />
    </div>
  );
}

function Branch({ name, value, open }: { name?: string; value: object; open: number }) {
  const [isOpen, setOpen] = useState(open > 0);
  const [shown, setShown] = useState(PAGE);
  const entries = Object.entries(value);
  const isList = Array.isArray(value);
  const [left, right] = isList ? "[]" : "{}";
  if (entries.length === 0) {
    return (
      <div class="json-line">
        <Name name={name} />
        <span class="json-mark">{`${left}${right}`}</span>
      </div>
    );
  }
  return (
    <div class="json-branch">
      <button type="button" class="json-fold" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <span class="json-arrow" aria-hidden="true">
          {isOpen ? "▾" : "▸"}
        </span>
        <Name name={name} />
        <span class="json-mark">{isOpen ? left : `${left} … ${right}`}</span>
        <span class="faint">
          {isList
            ? entries.length
            : isOpen
              ? ""
              : entries
                  .slice(0, 4)
                  .map(([key]) => key)
                  .join(", ")}
        </span>
      </button>
      {isOpen && (
        <div class="json-inside">
          {entries.slice(0, shown).map(([key, inside]) => (
            <JsonView key={key} name={key} value={inside} open={open - 1} />
          ))}
          {entries.length > shown && (
            <button type="button" class="small" onClick={() => setShown(shown + 10 * PAGE)}>
              {`${entries.length - shown} more`}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function Name({ name }: { name: string | undefined }) {
  return name === undefined ? null : (
    <span class="json-name">
      <Seen text={name} />:{" "}
    </span>
  );
}

function Leaf({ value }: { value: unknown }) {
  const [isUnfolded, setUnfolded] = useState(false);
  if (typeof value !== "string") return <span class="json-value">{String(value)}</span>;
  if (value.length <= LONG_STRING && !value.includes("\n"))
    return (
      <span class="json-text">
        <Seen text={JSON.stringify(value)} />
      </span>
    );
  return (
    <>
      <button type="button" class="small" aria-expanded={isUnfolded} onClick={() => setUnfolded(!isUnfolded)}>
        {isUnfolded ? "fold" : `${value.length.toLocaleString("en")} characters`}
      </button>
      {isUnfolded ? (
        <div class="json-long">
          <LongText text={value} />
        </div>
      ) : (
        <span class="json-text">
          {" "}
          <Seen text={JSON.stringify(value.slice(0, LONG_STRING / 3))} />…
        </span>
      )}
    </>
  );
}
