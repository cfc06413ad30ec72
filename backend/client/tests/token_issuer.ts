/** Issues tokens, and publishes the key that proves them. */

import { generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

const AUDIENCE = "vibewire";

export class TokenIssuer {
  url = "";
  /** Whether it answers no request for its keys with them. */
  fails = false;
  readonly #keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  #server: Server | undefined;

  async start(): Promise<this> {
    const key = { ...this.#keys.publicKey.export({ format: "jwk" }), kid: "one", alg: "RS256", use: "sig" };
    this.#server = createServer((_request, answer) => {
      if (this.fails) {
        answer.writeHead(503).end();
        return;
      }
      answer.setHeader("Content-Type", "application/json").end(JSON.stringify({ keys: [key] }));
    }).listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  close(): void {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }

  /** What makes a server trust this issuer. */
  settings(): Record<string, string> {
    return {
      VIBEWIRE_JWKS_URL: `${this.url}/jwks`,
      VIBEWIRE_JWT_ISSUER: this.url,
      VIBEWIRE_JWT_AUDIENCE: AUDIENCE,
    };
  }

  token(user: string, seconds = 600): string {
    const now = Math.floor(Date.now() / 1000);
    const head = part({ alg: "RS256", kid: "one", typ: "JWT" });
    const claims = part({ sub: user, iss: this.url, aud: AUDIENCE, iat: now, exp: now + seconds });
    const signature = sign("RSA-SHA256", Buffer.from(`${head}.${claims}`), this.#keys.privateKey);
    return `${head}.${claims}.${signature.toString("base64url")}`;
  }
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
