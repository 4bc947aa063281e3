"""Django settings, all from the environment; every piece of state lives under `OVERREAD_DATA_DIR`."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import secrets
import tempfile
from pathlib import Path
from typing import Any

import environ
import structlog
from django.core.exceptions import ImproperlyConfigured

from backend.dicom.deid_options import OPTION_NAMES

BASE_DIR = Path(__file__).resolve().parents[2]
env = environ.Env()

DATA_DIR = Path(env.str("OVERREAD_DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)


def _kept_secret(name: str) -> str:
    """A random secret kept in the data folder, made at the first start (never a default one: CVE-2023-43791)."""
    path = DATA_DIR / name
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_text().strip()


def _broker_socket() -> Path:
    """Where the embedded Valkey listens: in the data folder, or, where that path is too long for a Unix socket or
    needs quoting in a URL, in a private folder under the system's temporary one, by a name made from the path."""
    wanted = DATA_DIR / "run" / "valkey.sock"
    if len(os.fsencode(wanted)) <= 100 and re.fullmatch(r"[A-Za-z0-9/_.+-]+", str(wanted)):
        return wanted
    name = hashlib.sha256(os.fsencode(DATA_DIR)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"overread-{os.geteuid()}" / f"{name}.sock"


DEBUG = env.bool("OVERREAD_DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or _kept_secret("secret_key")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
HTTPS = env.bool("OVERREAD_HTTPS", default=False)
# Pages of these other origins (an OHIF elsewhere) may read DICOMweb in the browser, with a token; none may unless named.
DICOMWEB_ORIGINS: list[str] = env.list("OVERREAD_DICOMWEB_ORIGINS", default=[])

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "allauth",
    "allauth.account",
    "csp",
    "django_structlog",
    "django_prometheus",
    "backend.config",
    "backend.audit",
    "backend.accounts",
    "backend.jobs",
    "backend.archive",
    "backend.projects",
    "backend.webhooks",
    "backend.registry",
    "backend.readings",
    "backend.review",
    "backend.learning",
    "backend.inspection",
    "backend.exchange",
    "backend.dicomweb",
    "backend.dimse",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "backend.config.content_security_policy.ContentSecurityPolicyMiddleware",
    "backend.config.request_log.RequestLogMiddleware",
    "backend.accounts.middleware.PasswordChangeMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "backend.config.urls"
WSGI_APPLICATION = "backend.config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "backend" / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "backend.config.context_processors.front_end_stylesheets",
            ]
        },
    }
]

# Database: SQLite in WAL mode by default. IMMEDIATE, because a deferred transaction that upgrades to a write
# fails at once with "database is locked" instead of waiting.
_SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(DATA_DIR / "overread.sqlite3")}
DATABASES: dict[str, Any] = {"default": env.db_url("DATABASE_URL") if env.str("DATABASE_URL", default="") else _SQLITE}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            # FULL: with NORMAL a loss of power takes back what was committed, and answered for, since the last checkpoint.
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=20000; PRAGMA foreign_keys=ON;"
            # Else a migration that rebuilds a table stumbles over the triggers that name it.
            "PRAGMA legacy_alter_table=ON;"
        ),
    }
    # Tests get a file too: an in-memory database could not be shared with real worker processes.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# Kept between requests, SQLite's too: opening it (pragmas, Django's SQL functions) costs more than most requests.
DATABASES["default"]["CONN_MAX_AGE"] = 60
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Redis protocol server: a real one by REDIS_URL, else the embedded Valkey on a Unix socket in the data folder.
VALKEY_SOCKET = _broker_socket()
REDIS_URL: str = env.str("REDIS_URL", default="")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL or f"unix://{VALKEY_SOCKET}?db=2",
        "KEY_PREFIX": "overread",
    }
}

# Object store for frames, masks, weights: a folder or S3 (obstore).
OBJECT_STORE_URL: str = env.str("OBJECT_STORE_URL", default=(DATA_DIR / "objects").as_uri())
UPLOAD_DIR = DATA_DIR / "uploads"
# How long the file of an export can be fetched.
EXPORT_DAYS = env.float("EXPORT_DAYS", default=7.0)
# An upload that nobody goes on with for so long is deleted: its files are as they came, not de-identified.
UPLOAD_DAYS = env.float("UPLOAD_DAYS", default=7.0)

# The DICOM receiver (C-STORE, C-ECHO): off without a port.
DICOM_PORT = env.int("OVERREAD_DICOM_PORT", default=0)
# A second port, encrypted (PS3.15 B.12): a certificate with its chain and its key in PEM files, which we also show to nodes
# that ask; where client authorities are set, senders must show a certificate that one of them issued.
DICOM_TLS_PORT = env.int("OVERREAD_DICOM_TLS_PORT", default=0)
DICOM_TLS_CERTIFICATE = env.str("OVERREAD_DICOM_TLS_CERTIFICATE", default="")
DICOM_TLS_KEY = env.str("OVERREAD_DICOM_TLS_KEY", default="")
DICOM_TLS_CLIENT_AUTHORITIES = env.str("OVERREAD_DICOM_TLS_CLIENT_AUTHORITIES", default="")
DICOM_HOST = env.str("OVERREAD_DICOM_HOST", default="127.0.0.1")
DICOM_ASSOCIATIONS = env.int("OVERREAD_DICOM_ASSOCIATIONS", default=16)
DICOM_IDLE_SECONDS = env.float("OVERREAD_DICOM_IDLE_SECONDS", default=60.0)
DICOM_MEMORY_MB = env.int("OVERREAD_DICOM_MEMORY_MB", default=1000)
# Below this much free room an object is refused (A700) rather than taken.
DICOM_RESERVE_MB = env.int("OVERREAD_DICOM_RESERVE_MB", default=1024)
# Received objects until they are handed to an import; on the file system of the uploads, so that handing over is a rename.
SPOOL_DIR = DATA_DIR / "received"
# Private networks in which DICOMweb nodes of leads may lie, such as 10.1.0.0/16.
NODE_NETWORKS: list[str] = env.list("OVERREAD_NODE_NETWORKS", default=[])
# Files held for a look or refused as damaged stay that long, encrypted.
QUARANTINE_DAYS = env.int("OVERREAD_QUARANTINE_DAYS", default=14)
# The key of re-identification tables, never in the database. Without it no archive can keep one; lost, they are unreadable.
REIDENTIFICATION_KEY = env.str("OVERREAD_REIDENTIFICATION_KEY", default="")

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["backend.accounts.signed_in.SignedInBackend"]
SESSION_ENGINE = "backend.accounts.signed_in"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "backend.accounts.adapter.ClosedSignupAdapter"
ACCOUNT_RATE_LIMITS = {"login_failed": "10/5m/ip,5/5m/key"}
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_REDIRECT_URL = LOGIN_URL
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("OVERREAD_TRUSTED_PROXIES", default=0)
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# wasm-unsafe-eval: the image codecs are WebAssembly. blob: in img-src: tool cursors. No unsafe-eval.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'", "'wasm-unsafe-eval'"],
        "worker-src": ["'self'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:", "blob:"],
        "connect-src": ["'self'"],
        "object-src": ["'none'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
    }
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "backend" / "config" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT: str | None = env.str("OVERREAD_STATIC_ROOT", default="") or None
FRONTEND_DIST = BASE_DIR / "frontend" / "dist"
STATICFILES_DIRS = [FRONTEND_DIST] if FRONTEND_DIST.exists() else []
# Locally files are served from where they lie; an image collects and compresses them once into its static root.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
WHITENOISE_ALLOW_ALL_ORIGINS = False
# Vite puts a hash into each name under assets/.
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/assets/"

DATA_UPLOAD_MAX_MEMORY_SIZE = 40 * 1024 * 1024
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "backend.accounts.authentication.BearerTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["backend.config.json_body.JsonBodyParser"],
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Overread",
    "DESCRIPTION": "Mark lesions, train the CNN on every mark, read with it as a second reader.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    # One name for each set of choices, wherever a field of it is called "state" or "kind".
    "ENUM_NAME_OVERRIDES": {
        "ArmEnum": "backend.projects.models.Arm",
        "AssignmentStateEnum": "backend.projects.models.AssignmentState",
        "DeidOptionEnum": [(name, name) for name in OPTION_NAMES],
        "DeidProfileEnum": "backend.archive.models.DeidProfile",
        "FindingScopeEnum": [("lesion", "lesion"), ("image", "image")],
        "JobStateEnum": "backend.jobs.models.JobState",
        "MarkKindEnum": "backend.readings.models.MarkKind",
        "ModelStateEnum": "backend.registry.models.ModelState",
        "QuarantineKindEnum": "backend.archive.models.QuarantineKind",
        "ReaderKindEnum": "backend.readings.models.ReaderKind",
        "ReadingStateEnum": "backend.readings.models.ReadingState",
        "ReviewDecisionEnum": "backend.review.models.ReviewDecision",
        "RoundStateEnum": "backend.learning.models.RoundState",
        "WatchedKindEnum": "backend.exchange.models.WatchedKind",
        "WatchedStateEnum": "backend.exchange.models.WatchedState",
        "DeliveryStateEnum": "backend.webhooks.models.DeliveryState",
        "WebhookEventEnum": "backend.webhooks.models.WebhookEvent",
        "SplitEnum": "backend.projects.models.Split",
        "NodeKindEnum": "backend.dimse.models.NodeKind",
        "TransferDirectionEnum": "backend.dimse.models.Direction",
        "UnitEnum": "backend.projects.models.Unit",
    },
}

# Logs: one line an event, with the id of the request that caused it (carried into tasks).
_LOG_STEPS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.TimeStamper(fmt="iso"),
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
]
_AS_JSON = env.str("OVERREAD_LOG_FORMAT", default="text") == "json"
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *([structlog.processors.format_exc_info] if _AS_JSON else []),
                # A plain traceback: one with local variables would write patients' data into the log.
                structlog.processors.JSONRenderer()
                if _AS_JSON
                else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
            ],
            "foreign_pre_chain": _LOG_STEPS,
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("OVERREAD_LOG_LEVEL", default="INFO")},
}
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_LOG_STEPS,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = False
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
METRICS_TOKEN = env.str("OVERREAD_METRICS_TOKEN", default="")


# Celery, as measured: kill -9 of a worker, a broker restart and FLUSHALL lose nothing because the Job row is the
# truth and a reconciler rings again; visibility_timeout lies above every time limit.
def broker_url(database: int) -> str:
    """Celery's URL for the given Redis database: the configured server or the embedded socket."""
    if REDIS_URL:
        return REDIS_URL
    return f"redis+socket://{VALKEY_SOCKET}?virtual_host={database}"


CELERY_BROKER_URL = broker_url(0)
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_TIME_LIMIT = 24 * 3600
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 26 * 3600,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    # A request never waits for a broker that is away: the reconciler rings later.
    "max_retries": 0,
    "socket_connect_timeout": 3,
}
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 3.0
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "run" / "celerybeat-schedule")
# What keeps the rest going has a queue and a process of its own: two long imports fill the workers of `default`, and until
# one of them ended no round would be started, and no lost job rung for.
CELERY_BEAT_SCHEDULE = {
    "reconcile-jobs": {"task": "jobs.reconcile", "schedule": 10.0, "options": {"expires": 10, "queue": "upkeep"}},
    "expire-exports": {"task": "exchange.expire_exports", "schedule": 600.0, "options": {"expires": 600}},
    "remove-abandoned-scratch": {
        "task": "archive.remove_abandoned_scratch",
        "schedule": 300.0,
        "options": {"expires": 300, "queue": "upkeep"},
    },
    "seal-audit": {"task": "audit.seal", "schedule": 60.0, "options": {"expires": 60, "queue": "upkeep"}},
    "settle-received": {"task": "exchange.settle_received", "schedule": 5.0, "options": {"expires": 5}},
    # Often, because a reader waits for what the new labels teach; it asks only the policies that are switched on.
    "start-due-rounds": {"task": "learning.start_due_rounds", "schedule": 3.0, "options": {"expires": 3, "queue": "upkeep"}},
    # Often, because each source has its own time; it asks only whose time has come.
    "look-at-sources": {"task": "exchange.look_at_sources", "schedule": 5.0, "options": {"expires": 5}},
    # What no doorbell brought on, and what is due again.
    "deliver-webhooks": {"task": "webhooks.deliver", "schedule": 10.0, "options": {"expires": 10}},
    "settle-imports": {"task": "exchange.settle_imports", "schedule": 600.0, "options": {"expires": 600}},
    "expire-quarantine": {"task": "exchange.expire_quarantine", "schedule": 3600.0, "options": {"expires": 3600}},
    "tend-models": {"task": "learning.tend_models", "schedule": 15.0, "options": {"expires": 15, "queue": "upkeep"}},
}
# What one STOW-RS request may bring, and one instance of it. Nothing of it is held in memory.
STOW_MAX_BYTES = env.int("OVERREAD_STOW_MAX_BYTES", default=16 * 1024**3)
STOW_MAX_INSTANCE_BYTES = env.int("OVERREAD_STOW_MAX_INSTANCE_BYTES", default=2 * 1024**3)
# Images that another system sends become cases when none has come for so long: no protocol says that a study is complete.
RECEIVED_QUIET_SECONDS = env.float("OVERREAD_RECEIVED_QUIET_SECONDS", default=20.0)
JOB_LEASE_SECONDS = env.float("JOB_LEASE_SECONDS", default=60.0)
JOB_HEARTBEAT_SECONDS = env.float("JOB_HEARTBEAT_SECONDS", default=10.0)
# How much training a kill -9 may cost; a checkpoint is some 20 MB.
CHECKPOINT_SECONDS = env.float("CHECKPOINT_SECONDS", default=10.0)
# How long a click waits for the model's outline before the reading room falls back on its own tools.
PROMPT_SECONDS = env.float("OVERREAD_PROMPT_SECONDS", default=2.0)
# Encoder and decoder of a general-purpose network (SAM as ONNX) that may outline what is pointed at; none comes with us.
SAM_ENCODER = env.str("OVERREAD_SAM_ENCODER", default="")
SAM_DECODER = env.str("OVERREAD_SAM_DECODER", default="")
if bool(SAM_ENCODER) != bool(SAM_DECODER):
    raise ImproperlyConfigured("OVERREAD_SAM_ENCODER and OVERREAD_SAM_DECODER go together: one of them is missing")
# Folders below which leads may watch ("/path", or "project=/path" for one project alone), and object stores that they may
# ("aws", or an endpoint's address); none by default: nobody reads what the operator has not opened.
WATCH_ROOTS: list[str] = env.list("OVERREAD_WATCH_ROOTS", default=[])
WATCH_ENDPOINTS: list[str] = env.list("OVERREAD_WATCH_ENDPOINTS", default=[])
# A file is whole when two looks so far apart see the same.
WATCH_SECONDS = env.float("OVERREAD_WATCH_SECONDS", default=15.0)
# Private networks that webhooks may reach, over http too (e.g. 10.20.0.0/16); none by default. Never link-local ones.
WEBHOOK_NETWORKS: list[str] = env.list("OVERREAD_WEBHOOK_NETWORKS", default=[])
# How long a receiver has for its whole answer.
WEBHOOK_SECONDS = env.float("OVERREAD_WEBHOOK_SECONDS", default=10.0)
# Processes that make each step of a training from scratch together; 0: one for each GPU (one without).
TRAINING_PROCESSES = env.int("OVERREAD_TRAINING_PROCESSES", default=0)
WORKER_QUEUES = ["default", "infer", "train", "upkeep"]
# `/readyz` asks for a live worker of each of these; fewer where an autoscaler may stop the others.
REQUIRED_WORKERS: list[str] = env.list("OVERREAD_REQUIRED_WORKERS", default=WORKER_QUEUES)
