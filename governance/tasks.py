# SPDX-License-Identifier: Apache-2.0
"""Celery's way in, thin. Each may be doubled, overlap or come again: locks, fences and leases make that harmless."""

import logging

from celery import shared_task
from django.db import transaction
from django.db.utils import InterfaceError, OperationalError

from governance import asked_power, endpoints, incidents, module_search, readings, reconcile, work
from governance.block_time import block_s as _block_s
from governance.chain.rpc import Rpc, RpcError, WrongChain
from governance.clock_check import hold_clock
from governance.incidents import Kind
from governance.models import Cursor, Dao
from governance.probing import notice_silence
from governance.sentences import Sentence
from governance.sync import GenesisChanged, Superseded, sync_once, watch
from governance.words import say

logger = logging.getLogger(__name__)


@shared_task(name="governance.tasks.sync_all")
def sync_all(watch_s: float = 0) -> None:
    """Read every DAO's chain on, and for `watch_s` seconds more whenever a head moves. One DAO's failing node keeps no
    other waiting for more than its timeouts, and what a DAO's contracts or node make go wrong keeps no other from being
    read at all."""
    watch.follow(_chains, _head_of, _read_chain, watch_s, _block_s)


def _chains() -> list[int]:
    return sorted(set(Dao.objects.values_list("chain_id", flat=True)))


def _head_of(chain_id: int) -> int | None:
    try:
        return Rpc.for_chain(chain_id).head_number()
    except RpcError as error:
        logger.debug("chain %d was not asked for its head: %s", chain_id, error)  # reading it says so aloud
        return None


def _read_chain(chain_id: int) -> None:
    for dao in Dao.objects.filter(chain=chain_id).order_by("pk"):
        try:
            with endpoints.known(chain_id) as rpc:
                found = sync_once(dao, rpc)
            if found.logs or found.refusals or found.incidents:
                logger.info(
                    "%s: read to block %d of %d, %d new logs, %d refusals", dao, found.next_block - 1,
                    found.node_head_block, found.logs, found.refusals,
                )  # fmt: skip
        except Superseded as taken:
            logger.info("%s", taken)
        except GenesisChanged as error:
            logger.warning("%s: %s", dao, error)  # its incident is there already
        except RpcError as error:
            kind = Kind.WRONG_CHAIN if isinstance(error, WrongChain) else Kind.NODE_ERROR
            note_failure(dao, kind, error.sentence)
        except (OperationalError, InterfaceError):
            raise  # our database is away: nobody can be read
        except Exception as error:
            logger.exception("%s could not be read", dao)
            note_failure(dao, Kind.SYNC_ERROR, say("reading_failed", error=type(error).__name__))


@shared_task(name="governance.tasks.reconcile_all")
def reconcile_all() -> None:
    """Hold every DAO's mirror against its chain."""
    for dao in Dao.objects.order_by("pk"):
        try:
            with endpoints.known(dao.chain_id) as rpc:
                found = reconcile.reconcile(dao, rpc)
                hold_clock(dao, rpc)
                if found is not None and found.unanswered:
                    notice_silence(dao, rpc)
        except RpcError as error:
            logger.warning("%s could not be checked: %s", dao, error)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            logger.exception("%s could not be checked", dao)
        else:
            if found is not None and found.differing:
                logger.error("%s differs from the chain at block %d: %s", dao, found.block_number, found.differing)


@shared_task(name="governance.tasks.work_due")
def work_due() -> None:
    """Do this layer's due work; the layers above poll their own."""
    readings.enqueue_due()
    asked_power.enqueue_due()
    module_search.enqueue_due()
    work.run_due("governance.")


def note_failure(dao: Dao, kind: Kind, detail: Sentence) -> None:
    """One open incident per kind of failure, with the newest message; closed when the node is read again."""
    with transaction.atomic():
        # In turn: of a task that came twice both may fail, and a second open incident would make every later one fail.
        Cursor.objects.select_for_update().filter(dao=dao).first()
        incident, created = incidents.note_once(dao, kind, detail=detail)
    if created:
        logger.warning("%s: %s", dao, detail)
    elif incident.detail != detail:
        incidents.word(incident, detail)
        incident.save(update_fields=["detail", "detail_code", "detail_values"])
