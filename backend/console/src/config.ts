/** The one file that tells the page where everything is: config.json, beside index.html. */

export interface OidcSettings {
  /** The identity provider; its `/.well-known/openid-configuration` is read. */
  authority: string;
  client_id: string;
  /** Default "openid profile"; add "offline_access" where that is what brings a refresh token. */
  scope?: string;
  /** Which of its tokens the API takes; default the access token. */
  token?: "access_token" | "id_token";
  /** More parameters of the authorization request, such as "audience". */
  extra?: Record<string, string>;
}

export interface Config {
  /** Empty: where the page came from. */
  api_url: string;
  relay_url: string;
  oidc: OidcSettings | null;
}

/** Rejects with an Error in words. */
export async function readConfig(): Promise<Config> {
  const answer = await fetch("./config.json", { cache: "no-cache" });
  if (!answer.ok) throw new Error(`config.json cannot be read (status ${answer.status}).`);
  let config: Partial<Config>;
  try {
    config = (await answer.json()) as Partial<Config>;
  } catch {
    throw new Error("config.json is not JSON.");
  }
  const { api_url = "", relay_url = api_url, oidc = null } = config;
  if (oidc && !(oidc.authority && oidc.client_id)) {
    throw new Error("config.json: `oidc` needs `authority` and `client_id`.");
  }
  return { api_url, relay_url, oidc };
}
