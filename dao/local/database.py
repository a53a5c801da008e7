# SPDX-License-Identifier: Apache-2.0
"""The instance's database: makes its cluster on first use, connects to it, and migrates it."""

import shutil
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psycopg

from dao.local.install import content_hash
from dao.local.paths import ROOT
from dao.local.people import write_secret
from embedded import postgres


def url(state_dir: Path, port: int, name: str) -> str:
    """libpq reads the password from the file, so it stands in no environment, command line or traceback."""
    return (
        f"postgres://mandate@127.0.0.1:{port}/{name}?passfile={urllib.request.pathname2url(str(state_dir / 'pgpass'))}"
    )


def cluster(state_dir: Path, say: Callable[[str], None]) -> Path:
    """The cluster's folder, made on first use. As root in a closed folder it lies elsewhere (place_for)."""
    place = postgres.place_for(state_dir / "postgres")
    if place.parent == postgres.SHARED_PLACE:
        _remove_orphaned_clusters()
        place.with_suffix(".of").write_text(str(state_dir))
    password_file = state_dir / "postgres_password"
    if not place.exists():
        say("Making the database ...")
        postgres.initialise(place, password_file)
    write_secret(state_dir / "pgpass", f"127.0.0.1:*:*:mandate:{password_file.read_text().strip()}\n")
    return place


def answers(state_dir: Path, port: int) -> bool:
    """Whether the server takes connections."""
    try:
        psycopg.connect(url(state_dir, port, "postgres"), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def prepare(state_dir: Path, port: int, migrate: Callable[[], object]) -> None:
    """Make the product's database if it is absent, and migrate it if its migrations are others than the last time."""
    with psycopg.connect(url(state_dir, port, "postgres"), autocommit=True) as connection:
        known = connection.execute("select 1 from pg_database where datname = 'mandate'").fetchone()
        if known is None:
            connection.execute("create database mandate")
    stamp = state_dir / "migrated"
    folders = [ROOT / app / "migrations" for app in ("governance", "agent", "webapp")]
    wanted = content_hash(*folders, ROOT / "requirements" / "base.txt")
    if known is None or not stamp.exists() or stamp.read_text() != wanted:
        migrate()
        half = stamp.with_suffix(".half")
        half.write_text(wanted)
        half.replace(stamp)


def _remove_orphaned_clusters() -> None:
    """Clusters whose state folder is gone (a temporary one of a killed run)."""
    for note in postgres.SHARED_PLACE.glob("cluster-*.of"):
        if not Path(note.read_text()).exists():
            shutil.rmtree(note.with_suffix(""), ignore_errors=True)
            note.unlink(missing_ok=True)
