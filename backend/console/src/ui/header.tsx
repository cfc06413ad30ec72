import type { ConnectionState } from "@vibewire/client";
import { useState } from "preact/hooks";
import type { SignIn } from "../sign_in.ts";
import { applyTheme, storedTheme, type Theme } from "../theme.ts";
import { Name } from "./seen.tsx";

const CONNECTION: Record<ConnectionState, [label: string, title: string]> = {
  live: ["Live", "Connected: changes appear as they happen"],
  catching_up: ["Catching up", "Connected: loading what happened in between"],
  connecting: ["Reconnecting", "No connection. The page reconnects by itself, and nothing is missed"],
  signed_out: ["Signed out", "Your sign-in has expired"],
  closed: ["Closed", "The connection is closed"],
};
const THEMES: Record<Theme, [next: Theme, sign: string, label: string]> = {
  system: ["light", "◐", "Colours: as the system"],
  light: ["dark", "☀", "Colours: light"],
  dark: ["system", "☾", "Colours: dark"],
};

interface Props {
  connection: ConnectionState;
  name: string | null;
  signIn: SignIn;
  onRetry: () => void;
}

export function Header({ connection, name, signIn, onRetry }: Props) {
  const [theme, setTheme] = useState(storedTheme());
  const [label, title] = CONNECTION[connection];
  const [next, sign, themeLabel] = THEMES[theme];
  const user = signIn.user();
  return (
    <header class="top">
      <a class="brand" href="#/" aria-label="Vibewire, all projects">
        <img src="./icon.svg" alt="" width="24" height="24" />
        <span>Vibewire</span>
      </a>
      {name && (
        <span class="where">
          <Name text={name} />
        </span>
      )}
      <span class="spring" />
      <button type="button" class={`connection ${connection}`} title={title} onClick={onRetry}>
        <span class="dot" aria-hidden="true" />
        <span role="status">{label}</span>
      </button>
      <a class="wide-only" href="./docs.html">
        Docs
      </a>
      <button
        type="button"
        class="icon"
        title={themeLabel}
        aria-label={themeLabel}
        onClick={() => {
          applyTheme(next);
          setTheme(next);
        }}
      >
        {sign}
      </button>
      {signIn.kind !== "none" && (
        <button type="button" class="small" onClick={() => void signIn.end()} title={`Signed in: ${user}`}>
          Sign out
        </button>
      )}
    </header>
  );
}
