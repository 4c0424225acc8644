"""The queue only wakes workers: losing it, doubling it or forging it does no harm."""

from __future__ import annotations

import json
import pickle
import threading
import time

import pytest

from tests.services_support import free_port, redis_server, wait_for
from webapp import jobs
from webapp.jobs import Queue


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory):
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(params=["sqlite", "redis", "postgres"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new/queue.db"
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
def queue(app, url):
    queue = Queue(app, url)
    yield queue
    queue.huey.storage.flush_queue()
    queue.close()


@pytest.fixture
def woken(monkeypatch):
    """The names of the workers that were told to take a job, in order."""
    names = []
    monkeypatch.setattr(jobs.inference, "run_next", names.append)
    return names


def take_all(queue: Queue) -> None:
    while (task := queue.huey.dequeue()) is not None:
        queue.huey.execute(task)


def test_every_wake_up_call_makes_a_worker_take_one_job(queue, woken):
    queue.wake()
    queue.wake(2)
    take_all(queue)
    assert woken == [queue.worker] * 3


def test_a_call_from_one_process_reaches_another(queue, app, url, woken):
    other = Queue(app, url)
    other.wake()
    other.close()
    take_all(queue)
    assert woken == [queue.worker]


def test_a_message_is_json_without_any_identifier_of_ours(queue):
    queue.wake()
    (message,) = queue.huey.storage.enqueued_items()
    task_id, name = json.loads(bytes(message))
    assert len(task_id) == 36
    assert name.endswith("analyse_next")


def test_a_pickle_in_the_queue_is_not_opened(queue, woken):
    class Trap:
        def __reduce__(self):
            return (woken.append, ("ran",))

    queue.huey.storage.enqueue(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match=r"(?i)utf|json|value"):
        queue.huey.dequeue()
    assert woken == []


def test_only_calls_that_are_missing_are_added(queue):
    queue.wake(2)
    assert [queue.missing(jobs) for jobs in (0, 2, 5)] == [0, 0, 3]


def test_a_queue_that_answers_is_reachable(queue):
    assert queue.reachable()


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:{port}/0",
        "postgresql://postgres@127.0.0.1:{port}/x",
        "sqlite:////proc/none/queue.db",
    ],
)
def test_a_queue_that_is_away_is_no_error_for_who_wakes(app, url):
    queue = Queue(app, url.format(port=free_port()))
    began = time.monotonic()
    queue.wake()
    assert not queue.reachable()
    assert time.monotonic() - began < 10


def test_another_kind_of_address_is_refused_by_name(app):
    with pytest.raises(ValueError, match="QUEUE_URL"):
        Queue(app, "amqp://localhost").wake()


def test_a_worker_thread_wakes_by_itself(queue, woken):
    consumer = queue.huey.create_consumer(workers=1, periodic=False, initial_delay=0.05, max_delay=0.1)
    consumer._set_signal_handlers = lambda: None  # those of the test run stay
    consumer.start()
    try:
        threading.Timer(0.3, queue.wake).start()
        wait_for(lambda: woken == [queue.worker], 10)
    finally:
        consumer.stop(graceful=True)
