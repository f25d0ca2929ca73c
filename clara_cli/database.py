"""The SQLite database of a root: opening, transactions, migrations."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from clara_cli.errors import StoreError
from clara_cli.root import Root

# Each entry moves the schema from version N to N + 1, in one transaction with the version.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE pipelines (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            created REAL NOT NULL,
            folder TEXT NOT NULL,
            definition TEXT NOT NULL
        )""",
        """CREATE TABLE pipeline_files (
            pipeline_id TEXT NOT NULL REFERENCES pipelines (id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            path TEXT NOT NULL,
            content BLOB NOT NULL,
            PRIMARY KEY (pipeline_id, position)
        )""",
        # A job outlives its pipeline: it holds its own copy of the definition, and no foreign key.
        """CREATE TABLE jobs (
            id TEXT PRIMARY KEY,
            payload_id TEXT NOT NULL UNIQUE,
            pipeline_id TEXT NOT NULL,
            name TEXT NOT NULL,
            state TEXT NOT NULL,
            status TEXT NOT NULL,
            priority TEXT NOT NULL,
            created REAL NOT NULL,
            submitted REAL,
            started REAL,
            stopped REAL,
            folder TEXT NOT NULL,
            definition TEXT NOT NULL
        )""",
        "CREATE INDEX jobs_created ON jobs (created)",
        "CREATE INDEX jobs_unfinished ON jobs (state) WHERE state != 'STOPPED'",
        """CREATE TABLE operators (
            job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            name TEXT NOT NULL,
            image TEXT NOT NULL,
            status TEXT NOT NULL,
            started REAL,
            stopped REAL,
            exit_code INTEGER,
            PRIMARY KEY (job_id, position)
        )""",
        """CREATE TABLE messages (
            job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
            created REAL NOT NULL,
            severity TEXT NOT NULL,
            text TEXT NOT NULL
        )""",
        "CREATE INDEX messages_job ON messages (job_id)",
        """CREATE TABLE images (
            name TEXT NOT NULL,
            tag TEXT NOT NULL,
            folder TEXT NOT NULL,
            interpreter TEXT,
            uses_driver INTEGER NOT NULL,
            created REAL NOT NULL,
            PRIMARY KEY (name, tag)
        )""",
    ),
    (
        # Placeholders are filled when a job starts, from the job's own copy of the files it was made of.
        "ALTER TABLE pipelines ADD COLUMN parameters TEXT NOT NULL DEFAULT '{}'",
        "ALTER TABLE pipelines ADD COLUMN templated INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE jobs ADD COLUMN templated INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE jobs ADD COLUMN variables TEXT NOT NULL DEFAULT '{}'",
        """CREATE TABLE job_files (
            job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            path TEXT NOT NULL,
            content BLOB NOT NULL,
            PRIMARY KEY (job_id, position)
        )""",
        """INSERT INTO job_files SELECT jobs.id, position, path, content
            FROM jobs JOIN pipeline_files ON pipeline_files.pipeline_id = jobs.pipeline_id""",
    ),
    (
        # The tables of jobs/states.py once more: the database itself refuses what they refuse.
        "CREATE TABLE job_transitions (before TEXT, state TEXT, status TEXT, PRIMARY KEY (before, state, status))",
        """INSERT INTO job_transitions VALUES
            ('PENDING', 'RUNNING', 'HEALTHY'),
            ('PENDING', 'STOPPED', 'FAULTED'), ('PENDING', 'STOPPED', 'CANCELED'), ('PENDING', 'STOPPED', 'EVICTED'),
            ('RUNNING', 'STOPPED', 'HEALTHY'), ('RUNNING', 'STOPPED', 'FAULTED'), ('RUNNING', 'STOPPED', 'CANCELED'),
            ('RUNNING', 'STOPPED', 'EVICTED'), ('RUNNING', 'STOPPED', 'TERMINATED')""",
        """CREATE TRIGGER jobs_begin BEFORE INSERT ON jobs
            WHEN NEW.state != 'PENDING' OR NEW.status != 'HEALTHY'
            BEGIN SELECT RAISE(ABORT, 'a new job is PENDING and HEALTHY'); END""",
        """CREATE TRIGGER jobs_change BEFORE UPDATE OF state, status ON jobs
            WHEN NOT EXISTS (SELECT 1 FROM job_transitions
                WHERE before = OLD.state AND state = NEW.state AND status = NEW.status)
            BEGIN SELECT RAISE(ABORT, 'the life cycle of jobs does not allow this change'); END""",
        "CREATE TABLE operator_transitions (before TEXT, status TEXT, PRIMARY KEY (before, status))",
        """INSERT INTO operator_transitions VALUES
            ('PENDING', 'RUNNING'), ('PENDING', 'FAULTED'), ('RUNNING', 'COMPLETED'), ('RUNNING', 'FAULTED')""",
        """CREATE TRIGGER operators_change BEFORE UPDATE OF status ON operators
            WHEN NOT EXISTS (SELECT 1 FROM operator_transitions WHERE before = OLD.status AND status = NEW.status)
            BEGIN SELECT RAISE(ABORT, 'the life cycle of operators does not allow this change'); END""",
        # Jobs that were started and have not ended: few, however many there are.
        "DROP INDEX jobs_unfinished",
        "CREATE INDEX jobs_live ON jobs (id) WHERE state != 'STOPPED' AND submitted IS NOT NULL",
        # All that a list of jobs shows, in its order: the rows themselves are far apart, for they hold definitions.
        "DROP INDEX jobs_created",
        """CREATE INDEX jobs_listed ON jobs
            (created, id, payload_id, pipeline_id, name, state, status, priority, submitted, started, stopped)""",
        # The job whose operator started this one, and why its end was asked for.
        "ALTER TABLE jobs ADD COLUMN parent TEXT",
        "ALTER TABLE jobs ADD COLUMN cancel TEXT",
        # What operators of live jobs hold of the machine (devices is a list) or wait for (devices is NULL). A job
        # that waits for its turn has one, for its first operator, and a ticket. See jobs/claims.py.
        """CREATE TABLE claims (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
            operator TEXT NOT NULL,
            ticket INTEGER NOT NULL DEFAULT 0,
            cpus INTEGER NOT NULL,
            memory INTEGER NOT NULL,
            gpus INTEGER NOT NULL,
            machine TEXT NOT NULL,
            devices TEXT,
            UNIQUE (job_id, operator)
        )""",
        """CREATE TRIGGER jobs_end AFTER UPDATE OF state ON jobs WHEN NEW.state = 'STOPPED'
            BEGIN DELETE FROM claims WHERE job_id = NEW.id; END""",
        # The ticket of the job whose turn came last.
        "CREATE TABLE turns (ticket INTEGER NOT NULL)",
        "INSERT INTO turns VALUES (0)",
        # Folders, below the root, of what was deleted: whoever looks next removes what is still there.
        "CREATE TABLE deletions (folder TEXT PRIMARY KEY)",
    ),
    (
        # Every job has a payload (PIPELINE), and some stand alone (REUSABLE). `size` is known once nothing changes.
        """CREATE TABLE payloads (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL CHECK (kind IN ('PIPELINE', 'REUSABLE')),
            created REAL NOT NULL,
            size INTEGER
        )""",
        "INSERT INTO payloads (id, kind, created) SELECT payload_id, 'PIPELINE', created FROM jobs",
        """CREATE TRIGGER job_payload AFTER INSERT ON jobs BEGIN
            INSERT OR IGNORE INTO payloads (id, kind, created) VALUES (NEW.payload_id, 'PIPELINE', NEW.created);
        END""",
        """CREATE TABLE models (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            type TEXT NOT NULL,
            versions TEXT NOT NULL,
            created REAL NOT NULL
        )""",
        # Ids are unique among all kinds of objects; `folded` is the key without case.
        """CREATE TABLE metadata (
            owner TEXT NOT NULL,
            folded TEXT NOT NULL,
            key TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (owner, folded)
        )""",
        *(
            f"CREATE TRIGGER {table}_metadata AFTER DELETE ON {table} "
            "BEGIN DELETE FROM metadata WHERE owner = OLD.id; END"
            for table in ("jobs", "payloads", "pipelines", "models")
        ),
    ),
    (
        # What operators were made of, so that later jobs can reuse what they left.
        """CREATE TABLE recipes (
            job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
            operator TEXT NOT NULL,
            digest TEXT NOT NULL,
            PRIMARY KEY (job_id, operator)
        )""",
        "CREATE INDEX recipes_digest ON recipes (digest)",
        """CREATE TABLE file_digests (
            path BLOB PRIMARY KEY,
            size INTEGER NOT NULL,
            mtime_ns INTEGER NOT NULL,
            inode INTEGER NOT NULL,
            digest BLOB NOT NULL
        )""",
    ),
    # Whether an operator ran with mounts; NULL before its job ran, and for jobs of earlier versions.
    ("ALTER TABLE operators ADD COLUMN mounted INTEGER",),
    (
        # Catalogs and instances: sets of models. A model that was deleted is in none, whatever is written here.
        """CREATE TABLE model_sets (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL CHECK (kind IN ('catalog', 'instance')),
            created REAL NOT NULL
        )""",
        """CREATE TABLE model_set_members (
            set_id TEXT NOT NULL REFERENCES model_sets (id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            model_id TEXT NOT NULL,
            PRIMARY KEY (set_id, position)
        )""",
    ),
    # What an operator's process took.
    ("ALTER TABLE operators ADD COLUMN cpu_seconds REAL", "ALTER TABLE operators ADD COLUMN peak_memory INTEGER"),
    (
        # Jobs that run elsewhere: the engine's own id of a job (NULL while it is handed over), how many bytes of its
        # journal are in the records, what the engine said last. See jobs/placed.py.
        """CREATE TABLE placed (
            job_id TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
            engine TEXT NOT NULL,
            remote TEXT,
            taken INTEGER NOT NULL DEFAULT 0,
            seen TEXT NOT NULL DEFAULT '',
            node TEXT NOT NULL DEFAULT ''
        )""",
        # When the engine was asked last, so that one answer serves all who look, and why it did not answer.
        "CREATE TABLE looks (engine TEXT PRIMARY KEY, at REAL NOT NULL, error TEXT)",
    ),
    (
        # Which volume of `clara run --each` a job is for, and the folder that its results go to.
        """CREATE TABLE each_volume (
            job_id TEXT PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
            results TEXT NOT NULL,
            volume TEXT NOT NULL
        )""",
        "CREATE INDEX each_volume_results ON each_volume (results)",
    ),
    (
        # What a definition that was found right is known again by. See pipelines/checked.py.
        "ALTER TABLE pipelines ADD COLUMN seal TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX pipelines_seal ON pipelines (seal, folder) WHERE seal <> ''",
    ),
)
# Writers of other processes are waited for this long (seconds).
BUSY_TIMEOUT = 60.0
# Bytes of the log of what was committed from which it is worth a moment to empty it.
_LONG_LOG = 1 << 20
# Connections that the end of this process closes.
_LEFT: list[sqlite3.Connection] = []
# Bytes below which a disk counts as full.
_LITTLE = 1 << 20


class Database:
    """One connection to a root's database; a context manager that closes it.

    Raises:
        StoreError: the file is not a database, cannot be written, or was made by a newer version.
    """

    def __init__(self, root: Root) -> None:
        self.root = root
        try:
            self._connection = sqlite3.connect(root.database, timeout=BUSY_TIMEOUT, isolation_level=None)
            try:
                self._open()
            except BaseException:
                self._connection.close()
                raise
        except sqlite3.Error as error:
            raise _unusable(root, error) from error

    def _open(self) -> None:
        self._connection.execute("PRAGMA foreign_keys = ON")
        # In WAL mode NORMAL loses no committed transaction to a killed process, and spares an fsync each.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        version = self._version()
        if version < len(MIGRATIONS):
            with _exclusive(self.root):
                version = self._migrate()
        if version > len(MIGRATIONS):
            raise StoreError(
                f"the database {self.root.database} was made by a newer version of clara",
                hint="update clara, or set CLARA_ROOT to another folder",
            )

    def _version(self) -> int:
        return int(self._connection.execute("PRAGMA user_version").fetchone()[0])

    def _migrate(self) -> int:
        self._connection.execute("PRAGMA journal_mode = WAL")
        for version in range(self._version(), len(MIGRATIONS)):
            with self.write() as connection:
                for statement in MIGRATIONS[version]:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {version + 1}")
        return self._version()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction that writes: committed whole at the end of the block, or not at all."""
        with self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # After some errors, such as a full disk, SQLite has rolled back by itself.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """The connection for reading; each statement sees what is committed."""
        with self._translated():
            yield self._connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _unusable(self.root, error) from error
        except UnicodeEncodeError as error:
            shown = ascii(error.object) if len(error.object) < 1000 else "a name"
            hint = "rename the file or folder"
            raise StoreError(f"{shown} is no UTF-8 text, so it cannot be recorded", hint) from error

    def close(self) -> None:
        self._connection.close()

    def leave(self) -> None:
        """Instead of `close`, where the process is about to end, which closes it too.

        Who closes a database as the last one moves what was committed from its log (clara.db-wal) to where it belongs
        and waits for the disk four times, though nothing is safer for it: a killed process never loses what it has
        committed. That is done once the log is long enough to cost those who open it time.
        """
        try:
            length = os.stat(f"{self.root.database}-wal").st_size  # noqa: PTH116
        except OSError:
            length = 0
        if length > _LONG_LOG:
            self.close()
        else:
            _LEFT.append(self._connection)

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _unusable(root: Root, error: sqlite3.Error) -> StoreError:
    try:
        system = os.statvfs(root.path)
        free = system.f_bavail * system.f_frsize
    except OSError:
        free = _LITTLE  # unknown
    # SQLite itself says no more than "disk I/O error" of a disk without space.
    if free < _LITTLE:
        return StoreError(
            f"cannot use the database {root.database}: the disk is full ({free} bytes are free)",
            hint=f"make room on the disk of {root.path}, or set CLARA_ROOT to a folder on another one",
        )
    return StoreError(f"cannot use the database {root.database}: {error}")


@contextmanager
def _exclusive(root: Root) -> Iterator[None]:
    """Only one process migrates: switching to WAL does not wait for others by itself."""
    try:
        handle = os.open(root.path / ".migrating", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"cannot write in the root {root.path}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
