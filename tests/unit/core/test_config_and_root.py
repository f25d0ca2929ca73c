"""Settings and the choice of the root."""

from __future__ import annotations

from pathlib import Path

import pytest

import clara_cli.root as root_module
from clara_cli.addresses import Triton
from clara_cli.config import Config, load_config
from clara_cli.database import MIGRATIONS, Database
from clara_cli.errors import ConfigError, StoreError
from clara_cli.root import Root, choose_root


def config_file(home: Path, text: str) -> None:
    (home / ".clara").mkdir(exist_ok=True)
    (home / ".clara" / "config.yaml").write_text(text)


@pytest.fixture
def home(world: Path) -> Path:
    return world / "home"


def test_without_file_and_variables_there_are_defaults() -> None:
    assert load_config(environment={}) == Config(None, "attach", ())


def test_the_file_is_read_and_variables_win(home: Path) -> None:
    config_file(home, "root: ~/data\nstart: detach\noperator_path: [/a, ~/b]\nsomething-old: 1\n")
    assert load_config(environment={}) == Config(home / "data", "detach", (Path("/a"), home / "b"))
    variables = {"CLARA_ROOT": "/r", "CLARA_START": "attach", "CLARA_OPERATOR_PATH": "/x::/y"}
    assert load_config(environment=variables) == Config(Path("/r"), "attach", (Path("/x"), Path("/y")))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a\n", "must hold `key: value` lines"),
        ("start: maybe\n", 'start is "maybe": expected attach or detach'),
        ("root: [1]\n", "root must be the path of a folder"),
        ("root: /a:b\n", 'must not contain ":"'),
        ("operator_path: {a: b}\n", "must be a list of folders"),
        ("a: [\n", ":2:1: not valid YAML"),
    ],
)
def test_a_wrong_file_is_one_clear_error(home: Path, text: str, told: str) -> None:
    config_file(home, text)
    with pytest.raises(ConfigError) as caught:
        load_config(environment={})
    assert told in caught.value.message


def test_a_file_that_was_asked_for_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no configuration file"):
        load_config(str(tmp_path / "none.yaml"), environment={})


@pytest.fixture
def documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for `/clara`, which a test must not touch."""
    folder = tmp_path / "machine" / "clara"
    monkeypatch.setattr(root_module, "DOCUMENTED_ROOT", folder)
    return folder


def test_the_documented_root_is_made_where_that_is_possible(documented: Path) -> None:
    documented.parent.mkdir()
    assert choose_root(Config()) == Root(documented)
    assert (documented / "payloads").is_dir()


def test_else_the_users_data_folder_is_taken(documented: Path, home: Path) -> None:
    assert choose_root(Config()) == Root(home / ".local" / "share" / "clara")


def test_a_root_in_use_stays_in_use(documented: Path, home: Path) -> None:
    own = choose_root(Config())
    Database(own).close()
    documented.mkdir(parents=True)
    assert choose_root(Config()) == own
    assert choose_root(Config(root=documented)) == Root(documented)


def test_a_root_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot use the root"):
        choose_root(Config(root=tmp_path / "file" / "root"))


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    root = choose_root(Config(root=tmp_path))
    with Database(root) as database, database.write() as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(StoreError, match="newer version"):
        Database(root)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    root = choose_root(Config(root=tmp_path))
    root.database.write_bytes(b"not a database, not at all, whatever it is called" * 100)
    with pytest.raises(StoreError, match="cannot use the database"):
        Database(root)


def test_a_transaction_is_whole_or_nothing(tmp_path: Path) -> None:
    with Database(choose_root(Config(root=tmp_path))) as database:
        with pytest.raises(RuntimeError), database.write() as connection:
            connection.execute("INSERT INTO pipelines VALUES ('a', 'n', 0, '', '', '{}', 0, '')")
            raise RuntimeError
        with database.read() as connection:
            assert connection.execute("SELECT count(*) FROM pipelines").fetchone() == (0,)
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_limits_and_servers_from_the_file(home: Path) -> None:
    config_file(
        home,
        "cpus: 4\nmemory: 1000\ntimeout: 600\noperator_timeout: 2.5\nservice_timeout: 5\nvenv: auto\nservices: {URI: 'http://h:80'}\n"
        "triton: {grpc: gpu:9001}\nmodels: {spleen: ~/spleen}\n",
    )
    assert load_config(environment={}) == Config(
        cpus=4,
        memory=1000,
        timeout=600.0,
        operator_timeout=2.5,
        service_timeout=5.0,
        venv="auto",
        services={"URI": "h:80"},
        triton=Triton("gpu:8000", "gpu:9001"),
        models={"spleen": home / "spleen"},
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cpus: 0\n", "cpus must be a whole number above 0, found 0"),
        ("memory: 1.5\n", "memory must be a whole number above 0"),
        ("timeout: 0\n", "timeout must be a number of seconds above 0, found 0"),
        ("operator_timeout: yes\n", "operator_timeout must be a number of seconds"),
        ("service_timeout: 5 s\n", "service_timeout must be a number of seconds"),
        ("venv: maybe\n", 'venv is "maybe": expected ask, auto or never'),
        ("services: [a]\n", "services must be a mapping of connection names and addresses"),
        ("services: {a: b}\n", "services: a: 'b' is no address; expected HOST:PORT"),
        ("triton: 'a b'\n", "triton: 'a b' is no address; expected HOST[:PORT]"),
        ("triton: {https: a}\n", "triton: expected http and grpc, found https"),
        ("triton: {}\n", "triton: expected http and grpc, found nothing"),
        ("models: {a: 1}\n", "models: a: expected a name and a folder"),
        ("models: {../a: /x}\n", "models: ../a: expected a name and a folder"),
    ],
)
def test_wrong_limits_and_servers(home: Path, text: str, told: str) -> None:
    config_file(home, text)
    with pytest.raises(ConfigError) as caught:
        load_config(environment={})
    assert told in caught.value.message


def test_after_a_failed_commit_the_database_can_be_written_again(tmp_path: Path) -> None:
    with Database(choose_root(Config(root=tmp_path))) as database:
        with database.read() as connection:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match="full"), database.write() as connection:
            connection.execute("INSERT INTO images VALUES ('a', '', ?, NULL, 0, 0)", ("x" * 1_000_000,))
        with database.read() as connection:
            connection.execute("PRAGMA max_page_count = 1000000")
        with database.write() as connection:
            connection.execute("INSERT INTO images VALUES ('a', '', 'x', NULL, 0, 0)")


def test_the_documented_limits_of_clean(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "payloads.md").read_text()
    (tmp_path / "config.yaml").write_text(page.partition("```yaml\n")[2].partition("```")[0])
    assert load_config(str(tmp_path / "config.yaml")).clean == (7 * 86400, 30 * 86400, 50 << 30)
    (tmp_path / "config.yaml").write_text("clean: {older_than: 2d}")
    assert load_config(str(tmp_path / "config.yaml")).clean == (2 * 86400, 8 * 86400, None)
    for text, told in (("clean: 7d", "clean must be a mapping of limits"), ("clean: {max_size: x}", '"x" is no size')):
        (tmp_path / "config.yaml").write_text(text)
        with pytest.raises(ConfigError, match=told):
            load_config(str(tmp_path / "config.yaml"))
