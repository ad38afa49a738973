"""The configuration: what is accepted, what is refused, and in which words."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE_S
from veza.config import ROOT, Config, ConfigError, load

STRONG = "k3Xw9vQz7Lm2Rt8Yb4Nc6Hd1Fs5Gj0Pa"


@pytest.fixture
def embedded(tmp_path: Path) -> dict[str, str]:
    return {"VEZA_DATA_DIR": str(tmp_path)}


@pytest.fixture
def production() -> dict[str, str]:
    return {
        "VEZA_ENV": "production",
        "SECRET_KEY": f"{STRONG}1",
        "ENCRYPTION_KEYS": f"{STRONG}2,{STRONG}3",
        "INTERNAL_API_SECRET": f"{STRONG}4",
        "CHAT_TOKEN_SECRET": f"{STRONG}5",
        "DATABASE_URL": "postgres://veza:word@db.internal:5432/veza",
        "ALLOWED_HOSTS": "api.example.org",
        "PUBLIC_URL": "https://api.example.org/",
    }


def faults_of(environ: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(environ)
    first, *faults, last = str(caught.value).splitlines()
    assert first == "The configuration is not valid:"
    assert last == "Every setting is explained in docs/operations/configuration.md."
    return [fault.strip() for fault in faults]


class TestLoad:
    def test_needs_nothing_for_the_embedded_default(self, embedded: dict[str, str]) -> None:
        config = load(embedded)
        assert config.veza_env == "embedded"
        assert config.port == 8000
        assert config.database_url is None
        assert config.secret_key is not None

    def test_reports_all_faults_at_once(self, embedded: dict[str, str]) -> None:
        faults = faults_of(
            embedded
            | {
                "PORT": "99999",
                "DEBUG": "maybe",
                "REDIS_URL": "http://cache:6379",
                "AMQP_URL": "amqp://queue:port/",
                "ACCESS_TOKEN_TTL_S": "90000",
                "WEBHOOK_RETRY_SCHEDULE_S": "5,soon",
                "LOG_LEVEL": "LOUD",
            }
        )
        assert {fault.split(":")[0] for fault in faults} == {
            "PORT",
            "DEBUG",
            "REDIS_URL",
            "AMQP_URL",
            "ACCESS_TOKEN_TTL_S",
            "WEBHOOK_RETRY_SCHEDULE_S",
            "LOG_LEVEL",
        }
        assert "REDIS_URL: use a URL that begins with redis:// or rediss://" in faults
        assert "AMQP_URL: the port of the URL is not a number from 1 to 65535" in faults

    def test_takes_an_empty_variable_for_an_unset_one(self, embedded: dict[str, str]) -> None:
        config = load(embedded | {"PORT": "", "REDIS_URL": "", "SECRET_KEY_FILE": ""})
        assert config.port == 8000
        assert config.redis_url is None

    def test_splits_lists_at_commas(self, embedded: dict[str, str]) -> None:
        config = load(
            embedded
            | {"ALLOWED_HOSTS": " a.example , b.example,", "WEBHOOK_RETRY_SCHEDULE_S": "1, 2,3"}
        )
        assert config.allowed_hosts == ["a.example", "b.example"]
        assert config.webhook_retry_schedule_s == [1, 2, 3]

    @pytest.mark.parametrize(
        ("variable", "url"),
        [
            ("DATABASE_URL", "postgresql://u:p%40@[::1]:5432/veza"),
            ("DATABASE_URL", "postgres:///veza"),
            ("CLAMD_URL", "unix:///run/clamd.sock"),
            ("NATS_URL", "tls://nats.internal:4222"),
            ("SMTP_URL", "smtps://user:pass@mail.internal:465"),
        ],
    )
    def test_accepts_urls_of_the_scheme(
        self, embedded: dict[str, str], variable: str, url: str
    ) -> None:
        assert getattr(load(embedded | {variable: url}), variable.lower()) == url

    @pytest.mark.parametrize("url", ["db.internal", "mysql://db/veza", "postgres://", "http://["])
    def test_refuses_other_urls(self, embedded: dict[str, str], url: str) -> None:
        assert faults_of(embedded | {"DATABASE_URL": url})[0].startswith("DATABASE_URL: ")

    def test_drops_a_slash_at_the_end_of_a_url(self, embedded: dict[str, str]) -> None:
        config = load(embedded | {"PUBLIC_URL": "https://veza.example/"})
        assert config.public_url == "https://veza.example"

    def test_knows_a_bucket_that_is_half_set(self, embedded: dict[str, str]) -> None:
        bucket = {"S3_BUCKET": "veza"}
        keys = {"S3_ACCESS_KEY_ID": "a", "S3_SECRET_ACCESS_KEY": "b"}
        assert load(embedded | bucket).s3_bucket == "veza"  # the machine has a role
        assert load(embedded | bucket | keys).s3_access_key_id == "a"
        for half in (
            {"S3_ENDPOINT_URL": "https://s3.example.org"},
            keys,
            bucket | {"S3_ACCESS_KEY_ID": "a"},
            bucket | {"S3_SECRET_ACCESS_KEY": "b"},
        ):
            assert len(faults_of(embedded | half)) == 1

    def test_ignores_variables_of_other_programs(self, embedded: dict[str, str]) -> None:
        assert load(embedded | {"PATH": "/bin", "veza_env": "production"}).veza_env == "embedded"


class TestSecretFiles:
    def test_gives_the_value_without_the_line_end(
        self, embedded: dict[str, str], tmp_path: Path
    ) -> None:
        (tmp_path / "key").write_text(f"{STRONG}\n")
        config = load(embedded | {"SECRET_KEY_FILE": str(tmp_path / "key")})
        assert config.secret_key is not None
        assert config.secret_key.get_secret_value() == STRONG

    def test_is_refused_beside_the_variable_itself(self, embedded: dict[str, str]) -> None:
        faults = faults_of(embedded | {"SECRET_KEY": STRONG, "SECRET_KEY_FILE": "/run/key"})
        assert faults == ["SECRET_KEY: set it or SECRET_KEY_FILE, not both"]

    def test_is_told_when_it_cannot_be_read(self, embedded: dict[str, str], tmp_path: Path) -> None:
        absent, binary = tmp_path / "absent", tmp_path / "binary"
        binary.write_bytes(b"\xff\xfe\x00")
        faults = faults_of(
            embedded | {"SECRET_KEY_FILE": str(absent), "METRICS_TOKEN_FILE": str(binary)}
        )
        assert [fault.split(str(tmp_path))[0] for fault in faults] == [
            "SECRET_KEY_FILE: cannot read ",
            "METRICS_TOKEN_FILE: cannot read ",
        ]


class TestProduction:
    def test_starts_when_all_is_set(self, production: dict[str, str]) -> None:
        config = load(production)
        assert config.is_production
        assert config.public_url == "https://api.example.org"

    def test_names_all_that_is_missing(self) -> None:
        assert set(faults_of({"VEZA_ENV": "production"})) == {
            f"{name}: production needs it set"
            for name in (
                "SECRET_KEY",
                "ENCRYPTION_KEYS",
                "INTERNAL_API_SECRET",
                "CHAT_TOKEN_SECRET",
                "DATABASE_URL",
                "ALLOWED_HOSTS",
                "PUBLIC_URL",
            )
        }

    @pytest.mark.parametrize(
        ("variable", "weak"),
        [
            ("SECRET_KEY", "changeme"),
            ("SECRET_KEY", "x" * 50),
            ("INTERNAL_API_SECRET", STRONG[:31]),
            ("CHAT_TOKEN_SECRET", "abcabcabc" * 5),
            ("METRICS_TOKEN", "metrics"),
            ("ENCRYPTION_KEYS", f"{STRONG},old"),
        ],
    )
    def test_refuses_a_weak_secret_without_repeating_it(
        self, production: dict[str, str], variable: str, weak: str
    ) -> None:
        (fault,) = faults_of(production | {variable: weak})
        assert fault == (
            f"{variable}: too weak, use at least 32 random characters (openssl rand -base64 48)"
        )

    def test_takes_a_comma_in_a_key_that_is_no_list(self, production: dict[str, str]) -> None:
        assert load(production | {"SECRET_KEY": f"{STRONG},{STRONG[:3]}"}).is_production

    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            ("DEBUG", "true"),
            ("WEBHOOK_ALLOWED_CIDRS", "10.0.0.0/8"),
            ("ALLOWED_HOSTS", "api.example.org,*"),
        ],
    )
    def test_refuses_what_is_for_development(
        self, production: dict[str, str], variable: str, value: str
    ) -> None:
        (fault,) = faults_of(production | {variable: value})
        assert fault.startswith(f"{variable}: ")

    def test_tells_a_missing_key_beside_a_fault_of_a_longer_name(
        self, production: dict[str, str]
    ) -> None:
        del production["SECRET_KEY"]
        faults = faults_of(
            production | {"STRIPE_SECRET_KEY": "sk", "STRIPE_SECRET_KEY_FILE": "/run/sk"}
        )
        assert "SECRET_KEY: production needs it set" in faults

    def test_tells_an_unreadable_file_once(self, production: dict[str, str]) -> None:
        del production["SECRET_KEY"]
        (fault,) = faults_of(production | {"SECRET_KEY_FILE": "/nonexistent/key"})
        assert fault.startswith("SECRET_KEY_FILE: cannot read")

    def test_makes_no_secrets_of_its_own(self, production: dict[str, str], tmp_path: Path) -> None:
        load(production | {"VEZA_DATA_DIR": str(tmp_path)})
        assert list(tmp_path.iterdir()) == []

    def test_a_mistyped_environment_makes_no_secrets_either(self, tmp_path: Path) -> None:
        (fault,) = faults_of({"VEZA_ENV": "prod", "VEZA_DATA_DIR": str(tmp_path)})
        assert fault.startswith("VEZA_ENV: ")
        assert list(tmp_path.iterdir()) == []

    def test_never_shows_a_secret(self, production: dict[str, str]) -> None:
        config = load(production)
        assert STRONG not in f"{config!r} {config}"


class TestEmbeddedSecrets:
    def test_are_made_once_for_their_owner_only(self, embedded: dict[str, str]) -> None:
        first, second = load(embedded), load(embedded)
        path = Path(embedded["VEZA_DATA_DIR"]) / "secrets.json"
        assert first.secret_key == second.secret_key
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert first.secret_key is not None
        assert json.loads(path.read_text())["SECRET_KEY"] == first.secret_key.get_secret_value()

    def test_give_way_to_the_environment(self, embedded: dict[str, str]) -> None:
        config = load(embedded | {"SECRET_KEY": "short"})
        assert config.secret_key is not None
        assert config.secret_key.get_secret_value() == "short"

    def test_cannot_be_kept_in_a_file(self, tmp_path: Path) -> None:
        taken = tmp_path / "file"
        taken.write_text("")
        (fault,) = faults_of({"VEZA_DATA_DIR": str(taken)})
        assert fault.startswith(f"VEZA_DATA_DIR: cannot keep the embedded secrets in {taken}")

    def test_are_the_same_for_processes_that_start_together(self, tmp_path: Path) -> None:
        script = "from veza.config import config; print(config.secret_key.get_secret_value())"
        children = [
            subprocess.Popen(
                [sys.executable, "-c", script],
                cwd=ROOT,
                env={"VEZA_DATA_DIR": str(tmp_path / "data")},
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(6)
        ]
        keys = {child.communicate(timeout=PATIENCE_S)[0].strip() for child in children}
        assert len(keys) == 1
        assert keys != {""}
        assert [path.name for path in (tmp_path / "data").iterdir()] == ["secrets.json"]


class TestStart:
    def test_ends_with_the_faults_and_no_traceback(self, tmp_path: Path) -> None:
        result = subprocess.run(
            [sys.executable, "manage.py", "check"],
            cwd=ROOT,
            env={"VEZA_DATA_DIR": str(tmp_path), "PORT": "none"},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert result.returncode == 1
        assert result.stderr.startswith("The configuration is not valid:\n  PORT: ")
        assert "Traceback" not in result.stderr


class TestDatabaseUrl:
    def test_hands_its_query_to_libpq(self, tmp_path: Path) -> None:
        script = (
            "from django.conf import settings; d = settings.DATABASES['default'];"
            "print(d['HOST'], d['PORT'], d['PASSWORD'], d['NAME'], d['OPTIONS'].pop('sslmode'),"
            "d['OPTIONS']['pool']['min_size'], d['OPTIONS']['pool']['max_size'])"
        )
        result = subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={
                "DJANGO_SETTINGS_MODULE": "veza.settings",
                "VEZA_ROLE": "web",
                "VEZA_DATA_DIR": str(tmp_path),
                "DATABASE_URL": "postgres://u:p%40ss@db.internal:6543/veza?sslmode=require",
                "DATABASE_POOL_MAX": "6",
            },
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=True,
        )
        assert result.stdout.split() == ["db.internal", "6543", "p@ss", "veza", "require", "6", "6"]


class TestDeclarations:
    def test_each_says_its_group_and_meaning(self) -> None:
        for name, field in Config.model_fields.items():
            assert field.description, name
            assert isinstance(field.json_schema_extra, dict), name
            assert field.json_schema_extra["group"], name
