/** Issues tokens and serves the key set that verifies them. */

import { generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

const AUDIENCE = "vibewire";

export class TokenIssuer {
  url = "";
  /** Whether requests for the key set fail with 503. */
  fails = false;
  readonly #keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  #server: Server | undefined;

  async start(): Promise<this> {
    const key = { ...this.#keys.publicKey.export({ format: "jwk" }), kid: "one", alg: "RS256", use: "sig" };
    this.#server = createServer((_request, response) => {
      if (this.fails) {
        response.writeHead(503).end();
        return;
      }
      response.setHeader("Content-Type", "application/json").end(JSON.stringify({ keys: [key] }));
    }).listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  close(): void {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }

  /** The settings of a server that trusts this issuer. */
  settings(): Record<string, string> {
    return {
      VIBEWIRE_JWKS_URL: `${this.url}/jwks`,
      VIBEWIRE_JWT_ISSUER: this.url,
      VIBEWIRE_JWT_AUDIENCE: AUDIENCE,
    };
  }

  token(user: string, seconds = 600): string {
    const now = Math.floor(Date.now() / 1000);
    const header = encodePart({ alg: "RS256", kid: "one", typ: "JWT" });
    const claims = encodePart({ sub: user, iss: this.url, aud: AUDIENCE, iat: now, exp: now + seconds });
    const signature = sign("RSA-SHA256", Buffer.from(`${header}.${claims}`), this.#keys.privateKey);
    return `${header}.${claims}.${signature.toString("base64url")}`;
  }
}

function encodePart(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
