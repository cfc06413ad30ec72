/** Authentication: none, a pasted token, or a login by OpenID Connect (authorization code with PKCE). */

import type { TokenSource } from "@vibewire/client";
import type { User, UserManager } from "oidc-client-ts";
import type { Config, OidcSettings } from "./config.ts";

export interface SignIn {
  token: TokenSource;
  readonly kind: "none" | "oidc" | "token";
  /** The displayed name; null: not signed in. */
  user(): string | null;
  /** The user id of the API, as in `owner` and `members`; null: unknown. */
  userId(): string | null;
  /** Redirect to the provider's login page, and back to the current route. */
  begin(): Promise<void>;
  end(): Promise<void>;
}

const STORAGE_KEY = "vibewire.token";
const EXPIRES_SOON_SECONDS = 20;

/** Rejects with an Error whose message users can read. */
export async function prepareSignIn(config: Config): Promise<SignIn> {
  return config.oidc ? oidcSignIn(config.oidc) : pastedToken();
}

/** Store a token for this tab. */
export function storeToken(token: string): void {
  sessionStorage.setItem(STORAGE_KEY, token);
}

function pastedToken(): SignIn {
  const token = () => sessionStorage.getItem(STORAGE_KEY);
  return {
    kind: token() ? "token" : "none",
    token: async (why) => (why === "refused" ? null : token()),
    user: () => (token() ? "token" : null),
    userId: () => subjectOf(token()),
    begin: async () => {},
    end: async () => {
      sessionStorage.removeItem(STORAGE_KEY);
      location.reload();
    },
  };
}

/** The subject of a JWT, unverified: it only selects what the page offers. The server verifies the token. */
function subjectOf(token: string | null): string | null {
  try {
    const [, payload = ""] = (token ?? "").split(".");
    const text = atob(payload.replace(/-/g, "+").replace(/_/g, "/"));
    const claims = JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (one) => one.charCodeAt(0))));
    return typeof claims.sub === "string" ? claims.sub : null;
  } catch {
    return null; // not a JWT
  }
}

async function oidcSignIn(settings: OidcSettings): Promise<SignIn> {
  const { ErrorResponse, UserManager, WebStorageStateStore } = await import("oidc-client-ts");
  const manager = new UserManager({
    authority: settings.authority,
    client_id: settings.client_id,
    redirect_uri: location.origin + location.pathname,
    scope: settings.scope ?? "openid profile",
    extraQueryParams: settings.extra ?? {},
    userStore: new WebStorageStateStore({ store: sessionStorage }),
    stateStore: new WebStorageStateStore({ store: sessionStorage }),
    automaticSilentRenew: false,
    monitorSession: false,
  });
  let user = await currentUser(manager);
  const begin = () => manager.signinRedirect({ state: location.hash });
  let renewal: Promise<User | null> | null = null;
  // One renewal at a time: many providers accept a refresh token once. A provider that refuses it ends the sign-in; one
  // that cannot be reached does not.
  const renew = () => {
    renewal ??= manager
      .signinSilent()
      .catch((error: unknown) => {
        if (error instanceof ErrorResponse) return null;
        throw error;
      })
      .finally(() => {
        renewal = null;
      });
    return renewal;
  };
  return {
    kind: "oidc",
    user: () => (user ? (user.profile.name ?? user.profile.email ?? user.profile.sub) : null),
    userId: () => user?.profile.sub ?? null,
    begin,
    end: async () => {
      await manager.removeUser();
      location.reload();
    },
    token: async (why) => {
      const isOld = why === "refused" || (user?.expires_in ?? 0) < EXPIRES_SOON_SECONDS;
      // Without a refresh token there is no silent renewal (no hidden frame): the page asks to sign in again.
      if (user && isOld) user = user.refresh_token ? await renew() : why === "refused" || user.expired ? null : user;
      if (!user) return null;
      return settings.token === "id_token" ? (user.id_token ?? null) : user.access_token;
    },
  };
}

/** The user who was just redirected back from the login page, or who signed in earlier. */
async function currentUser(manager: UserManager): Promise<User | null> {
  const query = new URLSearchParams(location.search);
  if (!query.has("state") || !(query.has("code") || query.has("error"))) return manager.getUser();
  try {
    const user = await manager.signinRedirectCallback();
    const hash = typeof user.state === "string" && user.state.startsWith("#") ? user.state : "";
    history.replaceState(null, "", location.pathname + hash);
    return user;
  } catch (error) {
    history.replaceState(null, "", location.pathname);
    throw new Error(`The login failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}
