"""Settings, driven by the environment. Unsafe production values refuse to start.

``docs/operators.md`` lists every variable. Without any, this is a development portal on SQLite;
``JITPORTAL_PRODUCTION=1`` demands the values that a network needs.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

from jitportal.environment import Environment
from jitportal.sign_on_settings import sign_on_settings
from jitportal.webhook_settings import webhook_endpoints

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()

PRODUCTION = env.flag("PRODUCTION")
#: The demo's cast can be become by a click. Never in production.
DEMO = env.flag("DEMO")
#: Moves the portal's clock, for tests and for the demo's history. Never in production.
CLOCK_CAN_BE_MOVED = not PRODUCTION
DEBUG = env.flag("DEBUG")
DATA_DIR = Path(env.text("DATA_DIR", str(BASE_DIR / "var")))
#: Distinguishes this portal on targets that several portals share: begins every handle.
INSTANCE = env.text("INSTANCE", "jit")

if PRODUCTION and DEMO:
    raise ImproperlyConfigured("The demo can't run in production. Unset JITPORTAL_DEMO.")
if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("Debug pages show secrets. Unset JITPORTAL_DEBUG in production.")
if not INSTANCE.isalnum() or not INSTANCE.islower() or not INSTANCE.isascii() or len(INSTANCE) > 12:
    raise ImproperlyConfigured("JITPORTAL_INSTANCE must be 1 to 12 small letters and digits.")


def _secret_key() -> str:
    key = env.secret("SECRET_KEY")
    if PRODUCTION:
        if len(key) < 50:
            raise ImproperlyConfigured(
                "JITPORTAL_SECRET_KEY (or JITPORTAL_SECRET_KEY_FILE) needs at least 50 random characters "
                "in production."
            )
        return key
    return key or _development_key()


def _development_key() -> str:
    """A key kept in the data directory, so that signing in survives a restart."""
    path = DATA_DIR / "secret_key"
    try:
        DATA_DIR.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            path.chmod(0o600)
            file.write(get_random_secret_key())
    except FileExistsError:
        pass
    return path.read_text(encoding="utf-8") or get_random_secret_key()


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = env.words("HOSTS", "" if PRODUCTION else "localhost,127.0.0.1,[::1],testserver")
if PRODUCTION and (not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS):
    raise ImproperlyConfigured("Set JITPORTAL_HOSTS to the portal's own host names, without *.")
#: The address that people use, for links in mails.
PUBLIC_URL = env.text("PUBLIC_URL", "" if PRODUCTION else "http://127.0.0.1:8000").rstrip("/")
if PRODUCTION and not PUBLIC_URL.startswith("https://"):
    raise ImproperlyConfigured("Set JITPORTAL_PUBLIC_URL to the portal's address; it begins with https://.")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []
#: How many proxies stand before the portal: that many addresses of X-Forwarded-For are believed.
TRUSTED_PROXIES = env.number("TRUSTED_PROXIES", 0)

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.admin.apps.SimpleAdminConfig",  # no autodiscovery: jitportal.web.admin has its own site
    "django_htmx",
    "django_q",
    "auditlog",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "jitportal",
]

MIDDLEWARE = [
    "jitportal.web.middleware.SecurityHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "jitportal.web.head_first.PageCompressionMiddleware",  # pages too: docs/adr/0007 says why that is safe
    "jitportal.web.middleware.BodySizeMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "jitportal.web.sessions.SessionLimitsMiddleware",
    "jitportal.web.middleware.SignInAgainMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "jitportal.web.middleware.AuditContextMiddleware",
    "jitportal.web.middleware.TimeZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "jitportal.web.middleware.RefusalMiddleware",
]

ROOT_URLCONF = "jitportal.urls"
WSGI_APPLICATION = "jitportal.wsgi.application"
AUTH_USER_MODEL = "jitportal.Person"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "my_access"
LOGOUT_REDIRECT_URL = "sign_in"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "jitportal.web.presenters.frame.frame",
            ],
            "builtins": ["jitportal.web.templatetags.portal"],
        },
    },
    {  # mails: they know neither a viewer nor the pages' tags
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "NAME": "mail",
        "DIRS": [BASE_DIR / "templates" / "mail"],
    },
]

DATABASES = {"default": env.database(DATA_DIR)}
SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite3")
if SQLITE:
    Path(DATABASES["default"]["NAME"]).parent.mkdir(parents=True, exist_ok=True)

REDIS_URL = env.redis()
CACHES = {
    "default": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    )
}

WORKERS = env.number("WORKERS", 4)
WEB_THREADS = env.web_threads()
#: A task that runs for longer is ended by force; each ends itself long before.
TASK_SECONDS = 60
Q_CLUSTER = {
    "name": "jitportal",
    "workers": WORKERS,
    "recycle": 5_000,
    "timeout": TASK_SECONDS,
    # retry > timeout * (queue_limit / workers + 1), or a task that still runs is handed out twice
    "queue_limit": WORKERS,
    "retry": 180,
    "max_attempts": 2,
    "ack_failures": True,
    "poll": 0.1,
    "guard_cycle": 0.5,
    "save_limit": 0,
    "catch_up": False,
    "scheduler": False,  # the worker's own pulse calls it: the built-in one runs every 30 s
    "label": "Tasks",
    **({"redis": REDIS_URL} if REDIS_URL else {"orm": "default"}),
}

AUDITLOG_LOGENTRY_MODEL = "jitportal.Entry"
AUDITLOG_STORE_JSON_CHANGES = True
AUDITLOG_CID_GETTER = "jitportal.audit.context.correlation_id"
AUDITLOG_DISABLE_REMOTE_ADDR = False
# auditlog's own migrations make its replaced table all the same (its issue 804), and a table that no
# model knows breaks PostgreSQL's flush. It has no other table.
MIGRATION_MODULES = {"auditlog": None}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "jitportal.operations.signing_in.PasswordsOnRecord"},
]

# allauth knows how to sign in; the pages, the limits and what is recorded are the portal's own. None of
# its addresses is there: nobody signs up, and nobody gets a password by mail.
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
ACCOUNT_ADAPTER = "jitportal.web.allauth_adapters.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "jitportal.web.allauth_adapters.SocialAccountAdapter"
MFA_ADAPTER = "jitportal.operations.factor_secrets.FactorAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = False  # notices are the portal's own
ACCOUNT_RATE_LIMITS = False  # so are the limits, which count in the database
ACCOUNT_LOGIN_TIMEOUT = 5 * 60  # from the password to the second factor
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "jitportal"
MFA_TOTP_TOLERANCE = 1  # a code of the half minute before or after counts: clocks differ
SOCIALACCOUNT_STORE_TOKENS = False
#: Single sign-on; None: there is none, and people sign in with passwords.
SIGN_ON = sign_on_settings(env, production=PRODUCTION)
#: Seals what is kept at rest, each purpose by a key derived from it. The first seals; all of them open.
SEALING_KEYS = [env.secret("SEALING_KEY") or SECRET_KEY, *env.secret("SEALING_KEY_FALLBACKS").split()]
#: Signs evidence: 32 bytes in base64. Without it the portal makes a key on first use.
EVIDENCE_KEY = env.secret("EVIDENCE_KEY")
#: Whoever knows it may report sign-ins of emergency accounts; without it nobody may.
SIGN_IN_REPORT_TOKEN = env.secret("SIGN_IN_REPORT_TOKEN")

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
if not PRODUCTION:
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # whitenoise warns of a directory that isn't there
#: The player of recordings, as its package ships it. The package itself is never imported.
_PLAYER = find_spec("mkdocs_asciinema_player")
STATICFILES_DIRS: list[Path | tuple[str, Path]] = [
    BASE_DIR / "static",
    *(
        ("asciinema", Path(place) / "assets")
        for place in (_PLAYER and _PLAYER.submodule_search_locations) or ()
    ),
]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "jitportal.web.bundles.BundleFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if PRODUCTION
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION

EMAIL_URL_HOST = env.text("MAIL_HOST")
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend"
    if EMAIL_URL_HOST
    else "django.core.mail.backends.filebased.EmailBackend"
)
EMAIL_FILE_PATH = str(DATA_DIR / "mail")
MAIL_IS_SENT = bool(EMAIL_URL_HOST)
if not MAIL_IS_SENT:
    Path(EMAIL_FILE_PATH).mkdir(mode=0o700, parents=True, exist_ok=True)  # others would read along
EMAIL_HOST = EMAIL_URL_HOST or "localhost"
EMAIL_PORT = env.number("MAIL_PORT", 25)
EMAIL_HOST_USER = env.text("MAIL_USER")
EMAIL_HOST_PASSWORD = env.secret("MAIL_PASSWORD")
EMAIL_USE_TLS = env.flag("MAIL_STARTTLS")
EMAIL_TIMEOUT = 5  # for each answer; operations.couriers bounds the whole
DEFAULT_FROM_EMAIL = env.text("MAIL_FROM", "jitportal <jitportal@localhost>")

#: Chat channels by name. Their addresses are secrets: they stand in no row, task, page or log.
CHANNELS = env.channels(env.words("CHANNELS"), env.words("CHANNELS_FOR_PEOPLE"))
#: Where the portal may call though nobody on the internet could: see ``operations.outgoing``.
OUTGOING_ALLOWED_NETWORKS = env.networks("OUTGOING_ALLOWED_NETWORKS")
#: Receivers of signed webhooks by name. Their addresses and secrets stand in no row, task, page or log.
WEBHOOKS = webhook_endpoints(env)

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
#: However busy: from signing in; and after so long without a click.
SESSION_COOKIE_AGE = env.positive("SESSION_HOURS", 12) * 60 * 60
SESSION_IDLE_SECONDS = env.positive("SESSION_IDLE_MINUTES", 60) * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "jitportal.web.views.errors.csrf_failure"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_500  # a review of a long session has two for each line: forms.incidents
if PRODUCTION:
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = env.flag("SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # asked over loopback, without the proxy
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    if TRUSTED_PROXIES:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

#: Recordings of sessions, as files. Several portals share this directory.
RECORDINGS_DIR = Path(env.text("RECORDINGS_DIR", str(DATA_DIR / "recordings")))
LARGEST_RECORDING = env.positive("LARGEST_RECORDING_MEGABYTES", 1024) * 1_048_576

#: How often one person, host or reporter may do what costs much; "recorded" counts kibibytes.
LIMITS = {
    "request": env.limit("LIMIT_REQUESTS", "30/600"),
    "search": env.limit("LIMIT_SEARCHES", "120/60"),
    "export": env.limit("LIMIT_EXPORTS", "10/600"),
    "recording": env.limit("LIMIT_RECORDINGS", "600/3600"),
    "recorded": env.limit("LIMIT_RECORDED", "10485760/86400"),
    "report": env.limit("LIMIT_SIGN_IN_REPORTS", "60/600"),
    "sign_on": env.limit("LIMIT_SIGN_ON", "300/60"),
}
#: Failures to sign in that cost no wait: at one account, and from one address.
SIGN_IN_FAILURES = env.positive("SIGN_IN_FAILURES", 5)
SIGN_IN_ADDRESS_FAILURES = env.positive("SIGN_IN_ADDRESS_FAILURES", 30)
#: The same where people sign in with a password though there is single sign-on.
EMERGENCY_SIGN_IN_FAILURES = env.positive("EMERGENCY_SIGN_IN_FAILURES", 3)
EMERGENCY_SIGN_IN_ADDRESS_FAILURES = env.positive("EMERGENCY_SIGN_IN_ADDRESS_FAILURES", 10)
#: For so long nobody decides for accounts that they made, or by a place that they gave themselves.
OWN_ACTS_DAYS = env.positive("OWN_ACTS_DAYS", 30)
#: Whether acts that can do much harm take a fresh second factor each; docs/adr/0010 lists them.
STEP_UP = env.flag("STEP_UP", default=PRODUCTION)
#: Whether who decides must have a second factor before they can.
SECOND_FACTOR = env.flag("SECOND_FACTOR", default=PRODUCTION)
#: Whether signing in again at the single sign-on's provider counts as one, and by which of its classes.
STEP_UP_BY_PROVIDER = env.flag("STEP_UP_BY_PROVIDER")
STEP_UP_ACR = env.words("STEP_UP_ACR")
SIGN_IN_LONGEST_WAIT = env.positive("SIGN_IN_LONGEST_WAIT_SECONDS", 900)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "jitportal.log_lines.LineFormatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["stderr"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {
        "django-q": {"level": "WARNING"},  # it says four things of every task
        "fido2": {"level": "WARNING"},  # it names each passkey; operations.factors says what was done with it
        # These write a channel's address, which is a secret; operations.chat says what became of a message.
        "apprise": {"handlers": ["nowhere"], "propagate": False},
        "urllib3": {"level": "ERROR"},
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
    },
}
