/** The docs page: the OpenAPI and AsyncAPI documents, bundled with the page. */

import { render } from "preact";
import { useState } from "preact/hooks";
import asyncapiUrl from "../../../contracts/asyncapi.json?url";
import openapiUrl from "../../../contracts/openapi.json?url";
import { applyTheme } from "../theme.ts";
import { ApiDocument } from "./api_document.tsx";
import { openapi } from "./documents.ts";
import { SocketDocument } from "./socket_document.tsx";

type Shown = "api" | "socket";

function Docs() {
  const [shown, setShown] = useState<Shown>(location.hash === "#socket" ? "socket" : "api");
  const choose = (next: Shown) => {
    history.replaceState(null, "", `#${next}`);
    setShown(next);
  };
  return (
    <>
      <header>
        <h1>
          Vibewire <span class="faint">{openapi.info.version}</span>
        </h1>
        <nav aria-label="Documents">
          <button type="button" aria-pressed={shown === "api"} onClick={() => choose("api")}>
            HTTP API
          </button>
          <button type="button" aria-pressed={shown === "socket"} onClick={() => choose("socket")}>
            Events
          </button>
          <a href={openapiUrl} download="openapi.json">
            OpenAPI 3.1
          </a>
          <a href={asyncapiUrl} download="asyncapi.json">
            AsyncAPI 3
          </a>
          <a href="./">Console</a>
        </nav>
      </header>
      <main>{shown === "api" ? <ApiDocument /> : <SocketDocument />}</main>
    </>
  );
}

const root = document.getElementById("app");
if (root) {
  applyTheme();
  root.replaceChildren();
  render(<Docs />, root);
}
