"""A small OpenID Connect provider for tests: discovery, a login page, the code flow with PKCE, refresh tokens."""

import base64
import hashlib
import json
import secrets
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.identity.issuer import AUDIENCE, TokenIssuer
from tests.loopback_server import LoopbackServer

CLIENT_ID = "vibewire-console"
Form = dict[str, str]


class LoginProvider(LoopbackServer):
    """Signs every visitor in as `user`. Use it in a `with` block.

    Attributes:
        user: the `sub` of the tokens.
        life_seconds: the lifetime of an access token.
        grants: the grant types of the token requests.
    """

    def __init__(self, issuer: TokenIssuer, user: str, life_seconds: int) -> None:
        self.user = user
        self.life_seconds = life_seconds
        self.grants: list[str] = []
        self._issuer = issuer
        self._requests: dict[str, Form] = {}
        self._refresh_tokens: set[str] = set()
        super().__init__(_handler_of(self))

    def discovery(self) -> object:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": self._issuer.jwks_url,
        }

    def login_page(self, request: Form) -> str:
        """A page with a link that returns to the client with an authorization code."""
        code = secrets.token_urlsafe()
        self._requests[code] = request
        back = f"{request['redirect_uri']}?{urlencode({'code': code, 'state': request['state']})}"
        return f'<!doctype html><title>Login</title><a href="{back.replace("&", "&amp;")}">Go on as {self.user}</a>'

    def grant(self, form: Form) -> tuple[int, object]:
        """Tokens for an authorization code (with its PKCE verifier) or a refresh token, each valid once."""
        self.grants.append(form["grant_type"])
        if form["grant_type"] == "authorization_code":
            request = self._requests.pop(form["code"], {})
            challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
            known = (
                request.get("code_challenge_method") == "S256" and request["code_challenge"] == challenge.decode()[:-1]
            )
            good = known and form["redirect_uri"] == request["redirect_uri"] and form["client_id"] == CLIENT_ID
        else:
            good = form["refresh_token"] in self._refresh_tokens
            self._refresh_tokens.discard(form["refresh_token"])
        if not good:
            return 400, {"error": "invalid_grant"}
        refresh_token = secrets.token_urlsafe()
        self._refresh_tokens.add(refresh_token)
        return 200, {
            "access_token": self._issuer.token(self.user, iss=self.url, aud=AUDIENCE, life=self.life_seconds),
            "id_token": self._issuer.token(self.user, iss=self.url, aud=CLIENT_ID, name="Ann"),
            "refresh_token": refresh_token,
            "token_type": "Bearer",
            "expires_in": self.life_seconds,
        }


def _handler_of(provider: LoginProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path == "/authorize":
                self._answer(200, "text/html", provider.login_page(dict(parse_qsl(url.query))))
            else:
                self._answer(200, "application/json", json.dumps(provider.discovery()))

        def do_POST(self) -> None:
            form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            status, body = provider.grant(form)
            self._answer(status, "application/json", json.dumps(body))

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, status: int, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()
            self.wfile.write(body)

    return Handler
