/** Entry point: reads config.json, prepares the login and renders the page. */

import { ApiClient, EventClient } from "@vibewire/client";
import { render } from "preact";
import { App } from "./app.tsx";
import { readConfig } from "./config.ts";
import { prepareSignIn } from "./sign_in.ts";
import { applyTheme } from "./theme.ts";
import { ErrorNotice } from "./ui/error_notice.tsx";

async function start(root: HTMLElement): Promise<void> {
  applyTheme();
  try {
    const config = await readConfig();
    const signIn = await prepareSignIn(config);
    const api = new ApiClient({ url: config.api_url, token: signIn.token });
    const events = new EventClient({ url: config.relay_url, token: signIn.token });
    root.replaceChildren();
    render(<App api={api} events={events} signIn={signIn} />, root);
  } catch (error) {
    root.replaceChildren();
    const detail = error instanceof Error ? error.message : String(error);
    const notice = { title: "The console cannot start", detail, advice: "Fix the problem, then reload the page." };
    render(<ErrorNotice error={notice} actions={[["Reload", () => location.reload()]]} />, root);
  }
}

const root = document.getElementById("app");
if (root) void start(root);
