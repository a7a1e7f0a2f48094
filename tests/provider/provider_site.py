"""A real OpenID Connect provider on loopback: allauth's own, in a small Django project and process of its own.

Run as ``provider_site.py PORT FOLDER CALLBACK``. ``/control/`` makes people, changes them, and has the
provider lie: a test says with it what the provider does next.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings

CLIENT, SECRET = "jitportal", "client-secret-1f7a"


def new_key() -> str:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


KEY = new_key()


def configure(folder: Path) -> None:
    settings.configure(
        DEBUG=False,
        SECRET_KEY="of the provider in tests",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="provider_site",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "db.sqlite3")}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "allauth",
            "allauth.account",
            "allauth.idp.oidc",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "allauth.account.middleware.AccountMiddleware",
            "provider_site.lying",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.ModelBackend"],
        ACCOUNT_LOGIN_METHODS={"username"},
        ACCOUNT_SIGNUP_FIELDS=["username*", "password1*"],
        ACCOUNT_EMAIL_VERIFICATION="none",
        ACCOUNT_RATE_LIMITS=False,
        SESSION_COOKIE_NAME="providersession",
        CSRF_COOKIE_NAME="providercsrf",
        LOGIN_URL="account_login",
        LOGIN_REDIRECT_URL="/",
        STATIC_URL="/static/",
        IDP_OIDC_PRIVATE_KEY=KEY,
        IDP_OIDC_ADAPTER="provider_site.Adapter",
    )


#: What is said of each person beside their name, and how the provider lies now.
CLAIMS: dict[str, dict[str, Any]] = {}
LIE: dict[str, Any] = {}


def lying(get_response: Any) -> Any:
    """Changes what the provider answers as the test asks for."""

    def middleware(request: Any) -> Any:
        if "down" in LIE and not request.path.startswith("/control"):
            from django.http import HttpResponse

            return HttpResponse("<h1>Bad gateway</h1>", status=LIE["down"])
        response = get_response(request)
        if request.path.endswith("/api/token") and response.status_code == 200 and LIE:
            said = json.loads(response.content)
            said["id_token"] = forged(said["id_token"])
            response.content = json.dumps(said)
            response["Content-Length"] = str(len(response.content))
        if request.path.endswith("/api/userinfo") and "userinfo" in LIE:
            response.content = json.dumps({**json.loads(response.content), **LIE["userinfo"]})
            response["Content-Length"] = str(len(response.content))
        if request.path.endswith("openid-configuration") and "configuration" in LIE:
            response.content = json.dumps({**json.loads(response.content), **LIE["configuration"]})
            response["Content-Length"] = str(len(response.content))
        return response

    return middleware


def forged(token: str) -> str:
    """The token with other claims, or signed in another way."""
    claims = jwt.decode(token, options={"verify_signature": False})
    head = jwt.get_unverified_header(token)
    claims |= LIE.get("claims", {})
    for name in LIE.get("without", ()):
        claims.pop(name, None)
    algorithm = LIE.get("algorithm", "RS256")
    if algorithm == "none":
        return jwt.encode(claims, "", algorithm="none", headers={"kid": head["kid"]})
    if algorithm == "HS256":
        return jwt.encode(claims, SECRET * 2, algorithm="HS256", headers={"kid": head["kid"]})
    key = new_key() if LIE.get("another_key") else KEY
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": LIE.get("kid", head["kid"])})


def control(request: Any) -> Any:
    """{"people": {username: claims}, "lie": {...}, "without": username}."""
    from django.contrib.auth.models import User
    from django.http import JsonResponse

    said = json.loads(request.body)
    for username, claims in said.get("people", {}).items():
        if not User.objects.filter(username=username).exists():
            User.objects.create_user(username, password=f"{username}-password")
        CLAIMS[username] = claims
    if "lie" in said:
        LIE.clear()
        LIE.update(said["lie"])
    if "without" in said:
        User.objects.filter(username=said["without"]).update(is_active=False)
    return JsonResponse({"people": {row.username: str(row.pk) for row in User.objects.all()}})


def main() -> None:
    port, folder, callback = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    sys.modules["provider_site"] = sys.modules["__main__"]
    configure(folder)
    django.setup()

    from allauth.idp.oidc.adapter import DefaultOIDCAdapter
    from django.contrib.auth.hashers import make_password
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application
    from django.urls import include, path
    from django.views.decorators.csrf import csrf_exempt

    class Adapter(DefaultOIDCAdapter):
        def get_claims(self, purpose: Any, user: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
            claims = super().get_claims(purpose, user, *args, **kwargs)
            said = dict(CLAIMS.get(user.username, {}))
            apart = said.pop("apart", {})  # told by userinfo alone
            return claims | said | (apart if purpose == "userinfo" else {})

        def populate_id_token(self, id_token: dict[str, Any], *_args: Any, **_kwargs: Any) -> None:
            id_token |= {"auth_time": int(time.time()), "acr": "mfa", "amr": ["pwd", "otp"]}

    globals()["Adapter"] = Adapter
    globals()["urlpatterns"] = [
        path("control/", csrf_exempt(control)),
        path("accounts/", include("allauth.account.urls")),
        path("", include("allauth.idp.urls")),
    ]
    call_command("migrate", verbosity=0)

    from allauth.idp.oidc.models import Client

    Client._default_manager.create(
        id=CLIENT,
        secret=make_password(SECRET),
        name="jitportal",
        scopes="openid\nprofile\nemail",
        redirect_uris=callback,
        skip_consent=True,
    )

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_args: Any) -> None:
            """Quiet."""

    server = make_server("127.0.0.1", port, get_wsgi_application(), handler_class=Quiet)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
