import { type SignIn, storeToken } from "../sign_in.ts";

/** Sign-in through the identity provider's login page, or with a pasted token. */
export function SignInPage({ signIn }: { signIn: SignIn }) {
  const paste = (event: SubmitEvent) => {
    event.preventDefault();
    const token = new FormData(event.currentTarget as HTMLFormElement).get("token");
    if (typeof token !== "string" || !token.trim()) return;
    storeToken(token.trim());
    location.reload();
  };
  return (
    <main class="sign-in">
      <h1>Sign in to Vibewire</h1>
      {signIn.kind === "oidc" ? (
        <button type="button" class="primary" onClick={() => void signIn.begin()}>
          Sign in
        </button>
      ) : (
        <form onSubmit={paste}>
          <p>
            This server requires sign-in, but <code>config.json</code> names no login page (<code>oidc</code>). Paste a
            token instead; it is kept for this tab only.
          </p>
          <label>
            Token
            <input name="token" type="password" autocomplete="off" spellcheck={false} required />
          </label>
          <button type="submit" class="primary">
            Use this token
          </button>
        </form>
      )}
    </main>
  );
}
