/** config.json, beside index.html: the URLs of the API and the relay, and the login. */

export interface OidcSettings {
  /** The identity provider, which serves `/.well-known/openid-configuration`. */
  authority: string;
  client_id: string;
  /** Default "openid profile"; add "offline_access" where the provider needs it for a refresh token. */
  scope?: string;
  /** The token that the API accepts; default the access token. */
  token?: "access_token" | "id_token";
  /** More parameters of the authorization request, such as "audience". */
  extra?: Record<string, string>;
}

export interface Config {
  /** Empty: the page's origin. */
  api_url: string;
  relay_url: string;
  oidc: OidcSettings | null;
}

/** Rejects with an Error whose message users can read. */
export async function readConfig(): Promise<Config> {
  const response = await fetch("./config.json", { cache: "no-cache" });
  if (!response.ok) throw new Error(`config.json cannot be read (status ${response.status}).`);
  let config: Partial<Config>;
  try {
    config = (await response.json()) as Partial<Config>;
  } catch {
    throw new Error("config.json is not JSON.");
  }
  const { api_url = "", relay_url = api_url, oidc = null } = config;
  if (oidc && !(oidc.authority && oidc.client_id)) {
    throw new Error("config.json: `oidc` needs `authority` and `client_id`.");
  }
  return { api_url, relay_url, oidc };
}
